// SPDX-License-Identifier: Apache-2.0
// When certificates are to be renewed: each is given a window of a quarter of an hour, the one of all that lie within
// 70 to 85 % of its lifetime that was given out the least. So ten thousand certificates of one minute are renewed
// evenly over that whole stretch, and not where another wave's lie.
//
// What was given out is counted in memory, 64 KiB, and forgotten when the process ends: the windows that it gave stay
// with the devices, the next process merely does not know of them. Certificates that are revoked go on counting until
// their window is over.
//
// Threads: any.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>

#include "platform/base/ids.h"

namespace latchkey::hub::throttle {

// After RFC 9773 section 4.2, suggestedWindow.
struct RenewalWindow {
  UnixMs start = 0;
  UnixMs end = 0;
};

// Asked for each certificate, by its notBefore and notAfter. Nothing: the device may choose.
using RenewalHint = std::function<std::optional<RenewalWindow>(UnixMs not_before, UnixMs not_after)>;

class RenewalWindows {
 public:
  static constexpr UnixMs kSlotMs = 900'000;

  explicit RenewalWindows(std::uint64_t seed = std::random_device{}()) : random_(seed) {}

  // Looks at every slot of the stretch, 1,296 for a lifetime of 90 days. Nothing when no whole slot fits into it, or
  // for lifetimes of more than about 100 days: their stretch is so wide that devices spread well by themselves.
  std::optional<RenewalWindow> give(UnixMs not_before, UnixMs not_after);

 private:
  static constexpr std::uint64_t kSlots = 8'192;  // 85 days, the most that lie between issuing and the last window
  struct Slot {
    std::uint32_t number = 0;  // since 1970, of the window that is counted here
    std::uint32_t given = 0;
  };
  std::uint32_t given(std::uint64_t number) const;
  std::uint64_t least_given(std::uint64_t first, std::uint64_t count);

  std::mutex mutex_;  // guards the rest
  std::array<Slot, kSlots> slots_{};
  std::mt19937_64 random_;
};

}  // namespace latchkey::hub::throttle
