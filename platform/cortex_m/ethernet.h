// SPDX-License-Identifier: Apache-2.0
// The LAN9118 network controller of mps2-an386, polled. Whole frames without their check sum.
#pragma once

#include "platform/base/bytes.h"

namespace latchkey::cortex_m::ethernet {

inline constexpr std::size_t kMaxFrame = 1514;

// False when there is no such controller.
bool start(const std::array<std::uint8_t, 6>& address);
// False: no room now; the frame is lost, as frames may be.
bool send(ByteView frame);
// The size of the frame that was read into `out`; 0: none has come. Frames beyond `out` or damaged are dropped.
std::size_t receive(MutableBytes out);

}  // namespace latchkey::cortex_m::ethernet
