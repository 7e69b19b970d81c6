// SPDX-License-Identifier: Apache-2.0
// Hold: the hub process has more work than it can take on and asks a gate to let nobody new in for a while. It ends by
// itself: a hub process that dies, or a lost link, shuts no door for good.
#pragma once

#include <cstdint>
#include <string_view>

#include "hub/wire/feed.h"

namespace latchkey::hub::wire {

// Hub to gate, as those in feed.h.
inline constexpr std::string_view kHoldTopic = "$CONTROL/latchkey/v1/hold";

struct Hold {
  std::uint32_t for_ms = 0;  // from its arrival on; the longest of those that run counts
};
Bytes encode(const Hold& hold);
// kMalformed.
Result<Hold> decode_hold(ByteView bytes);

}  // namespace latchkey::hub::wire
