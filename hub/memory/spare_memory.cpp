// SPDX-License-Identifier: Apache-2.0
#include "hub/memory/spare_memory.h"

#include <malloc.h>

#include <algorithm>

namespace latchkey::hub::memory {
namespace {

constexpr std::uint64_t kLookEveryMs = 10'000;

std::size_t free_bytes() { return mallinfo2().fordblks; }
void give_back() { malloc_trim(0); }

}  // namespace

SpareMemory::Heap SpareMemory::of_this_process() { return {free_bytes, give_back}; }

void SpareMemory::on_tick(std::uint64_t now_ms) {
  if (now_ms < next_look_ms_) return;
  next_look_ms_ = now_ms + kLookEveryMs;
  const std::size_t free = heap_.free_bytes();
  const bool calm = std::max(free, before_) - std::min(free, before_) < much_;
  before_ = free;
  kept_ = std::min(kept_, free);
  if (!calm || free < kept_ + much_) return;
  heap_.give_back();
  kept_ = free;
}

}  // namespace latchkey::hub::memory
