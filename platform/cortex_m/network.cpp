// SPDX-License-Identifier: Apache-2.0
#include "platform/cortex_m/network.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include <algorithm>
#include <cstring>

#include "platform/cortex_m/clock.h"
#include "platform/cortex_m/ethernet.h"
#include "platform/tls/ipv4.h"

namespace latchkey::cortex_m {
namespace {

// Locally administered; one board on its own emulated wire.
constexpr std::array<std::uint8_t, 6> kAddress = {0x02, 0x4C, 0x4B, 0x00, 0x00, 0x01};

netif g_interface;
std::array<std::uint8_t, ethernet::kMaxFrame + 6> g_frame;

err_t transmit(netif*, pbuf* packet) {
  if (packet->tot_len > g_frame.size()) return ERR_BUF;
  const auto size = pbuf_copy_partial(packet, g_frame.data(), packet->tot_len, 0);
  return ethernet::send({g_frame.data(), size}) ? ERR_OK : ERR_MEM;
}

err_t set_up(netif* interface) {
  interface->hwaddr_len = kAddress.size();
  std::copy(kAddress.begin(), kAddress.end(), interface->hwaddr);
  interface->mtu = 1500;
  interface->name[0] = 'e';
  interface->name[1] = '0';
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  interface->output = etharp_output;
  interface->linkoutput = transmit;
  return ERR_OK;
}

}  // namespace

bool Network::start() {
  if (!ethernet::start(kAddress)) return false;
  lwip_init();
  netif_add(&g_interface, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4, nullptr, set_up, ethernet_input);
  netif_set_default(&g_interface);
  netif_set_up(&g_interface);
  return dhcp_start(&g_interface) == ERR_OK;
}

bool Network::has_address() const { return dhcp_supplied_address(&g_interface) != 0; }

bool Network::poll() {
  sys_check_timeouts();
  const std::size_t size = ethernet::receive(g_frame);
  if (size == 0) return false;
  pbuf* packet = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(size), PBUF_POOL);
  if (packet == nullptr) return true;  // lost; TCP sends it again
  pbuf_take(packet, g_frame.data(), static_cast<u16_t>(size));
  if (g_interface.input(packet, &g_interface) != ERR_OK) pbuf_free(packet);
  return true;
}

bool LwipStream::open(std::string_view host, std::uint16_t port) {
  drop();
  const auto address = tls::parse_ipv4(host);
  if (!address || !network_.has_address()) return false;
  ip_addr_t target;
  IP_ADDR4(&target, (*address)[0], (*address)[1], (*address)[2], (*address)[3]);
  pcb_ = tcp_new();
  if (pcb_ == nullptr) return false;
  tcp_arg(pcb_, this);
  tcp_recv(pcb_, on_received);
  tcp_err(pcb_, on_error);
  if (tcp_connect(pcb_, &target, port, on_connected) != ERR_OK) {
    drop();
    return false;
  }
  condition_ = Condition::kOpening;
  return true;
}

std::size_t LwipStream::send(ByteView bytes) {
  if (pcb_ == nullptr || condition_ != Condition::kOpen) return 0;
  const std::size_t count = std::min<std::size_t>(bytes.size(), tcp_sndbuf(pcb_));
  if (count == 0 || tcp_write(pcb_, bytes.data(), static_cast<u16_t>(count), TCP_WRITE_FLAG_COPY) != ERR_OK) return 0;
  tcp_output(pcb_);
  return count;
}

std::size_t LwipStream::receive(MutableBytes out) {
  if (waiting_ == nullptr) return 0;
  const auto count =
      pbuf_copy_partial(waiting_, out.data(), static_cast<u16_t>(std::min<std::size_t>(out.size(), 0xFFFF)), 0);
  waiting_ = pbuf_free_header(waiting_, count);
  if (pcb_ != nullptr) tcp_recved(pcb_, count);
  return count;
}

void LwipStream::close() {
  if (pcb_ != nullptr) {
    tcp_arg(pcb_, nullptr);
    tcp_recv(pcb_, nullptr);
    tcp_err(pcb_, nullptr);
    if (condition_ == Condition::kOpening || tcp_close(pcb_) != ERR_OK) tcp_abort(pcb_);
  }
  forget();
}

void LwipStream::drop() {
  if (pcb_ != nullptr) {
    tcp_arg(pcb_, nullptr);
    tcp_err(pcb_, nullptr);
    tcp_abort(pcb_);
  }
  forget();
}

void LwipStream::forget() {
  pcb_ = nullptr;
  if (waiting_ != nullptr) pbuf_free(waiting_);
  waiting_ = nullptr;
  condition_ = Condition::kClosed;
}

err_t LwipStream::on_connected(void* self, tcp_pcb*, err_t) {
  static_cast<LwipStream*>(self)->condition_ = Condition::kOpen;
  return ERR_OK;
}

err_t LwipStream::on_received(void* self, tcp_pcb* pcb, pbuf* bytes, err_t) {
  auto* stream = static_cast<LwipStream*>(self);
  if (stream == nullptr) {  // after close(): what still comes is taken and dropped
    if (bytes != nullptr) {
      tcp_recved(pcb, bytes->tot_len);
      pbuf_free(bytes);
    }
    return ERR_OK;
  }
  if (bytes == nullptr) {
    stream->condition_ = Condition::kClosed;
    return ERR_OK;
  }
  if (stream->waiting_ == nullptr) {
    stream->waiting_ = bytes;
  } else {
    pbuf_cat(stream->waiting_, bytes);
  }
  return ERR_OK;
}

void LwipStream::on_error(void* self, err_t) {
  auto* stream = static_cast<LwipStream*>(self);
  stream->pcb_ = nullptr;  // lwIP has freed it
  stream->condition_ = Condition::kClosed;
}

}  // namespace latchkey::cortex_m

// Where lwIP sends what is for none of its own networks.
extern "C" netif* latchkey_route() { return &latchkey::cortex_m::g_interface; }

// lwIP's clock.
extern "C" u32_t sys_now() { return static_cast<u32_t>(latchkey::cortex_m::BoardClock::ticks() / 25'000); }
