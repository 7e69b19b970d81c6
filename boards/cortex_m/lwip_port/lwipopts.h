/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP for one TCP connection at a time: no operating system, no heap but its own, DHCP, no names. */
#ifndef LATCHKEY_LWIPOPTS_H
#define LATCHKEY_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 1
#define LWIP_ICMP 1
#define LWIP_RAW 0
#define LWIP_UDP 1
#define LWIP_TCP 1
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_DNS 0
#define LWIP_STATS 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0

#define MEM_ALIGNMENT 4
#define MEM_SIZE 6144
#define MEMP_NUM_TCP_PCB 3
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_UDP_PCB 2
#define MEMP_NUM_TCP_SEG 12
#define MEMP_NUM_PBUF 8
#define PBUF_POOL_SIZE 14
#define PBUF_POOL_BUFSIZE 592
#define TCP_MSS 1460
#define TCP_WND (3 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define TCP_SND_QUEUELEN 8
#define LWIP_NETIF_TX_SINGLE_PBUF 1
#define LWIP_RAND() latchkey_rand()
/* The hub listens on the host's loopback: for the board these addresses lie behind its gateway, as all others do. */
#define LWIP_HOOK_IP4_ROUTE_SRC(src, destination) latchkey_route()

struct netif;
#ifdef __cplusplus
extern "C" {
#endif
unsigned latchkey_rand(void);
struct netif* latchkey_route(void);
#ifdef __cplusplus
}
#endif
#endif
