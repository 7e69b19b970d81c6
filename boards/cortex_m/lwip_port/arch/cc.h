/* SPDX-License-Identifier: Apache-2.0 */
/* What lwIP wants to know of the compiler and the board. */
#ifndef LATCHKEY_ARCH_CC_H
#define LATCHKEY_ARCH_CC_H

#define BYTE_ORDER LITTLE_ENDIAN
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_NO_CTYPE_H 0

#ifdef __cplusplus
extern "C"
#endif
    void
    latchkey_halt(const char* why);
#define LWIP_PLATFORM_ASSERT(x) latchkey_halt("lwIP") /* its texts are 4 KB of flash */
#endif
