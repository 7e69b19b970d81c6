// SPDX-License-Identifier: Apache-2.0
#include "hub/throttle/renewal_windows.h"

namespace latchkey::hub::throttle {
namespace {

// Where agents choose by themselves, too (agent/core).
constexpr UnixMs kFromPercent = 70;
constexpr UnixMs kToPercent = 85;

}  // namespace

std::optional<RenewalWindow> RenewalWindows::give(UnixMs not_before, UnixMs not_after) {
  if (not_before < 0 || not_after <= not_before || not_after / kSlotMs > UINT32_MAX) return std::nullopt;
  const UnixMs percent = (not_after - not_before) / 100;
  const auto from = static_cast<std::uint64_t>(not_before + percent * kFromPercent);
  const auto to = static_cast<std::uint64_t>(not_before + percent * kToPercent);
  const std::uint64_t first = (from + kSlotMs - 1) / kSlotMs;
  const std::uint64_t end = to / kSlotMs;
  const auto now = static_cast<std::uint64_t>(not_before / kSlotMs);
  if (first >= end || end - now > kSlots) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto number = least_given(first, end - first);
  slots_[number % kSlots] = {static_cast<std::uint32_t>(number), given(number) + 1};
  const auto start = static_cast<UnixMs>(number) * kSlotMs;
  return RenewalWindow{start, start + kSlotMs};
}

std::uint32_t RenewalWindows::given(std::uint64_t number) const {
  const auto& slot = slots_[number % kSlots];
  return slot.number == number ? slot.given : 0;
}

// Of several, any: else the few devices of a small fleet would all be at the stretch's beginning.
std::uint64_t RenewalWindows::least_given(std::uint64_t first, std::uint64_t count) {
  std::uint64_t number = first + random_() % count;
  std::uint64_t least = number;
  std::uint32_t so_often = given(least);
  for (std::uint64_t i = 1; i < count && so_often != 0; ++i) {
    if (++number == first + count) number = first;
    if (given(number) >= so_often) continue;
    least = number;
    so_often = given(number);
  }
  return least;
}

}  // namespace latchkey::hub::throttle
