// SPDX-License-Identifier: Apache-2.0
// What a storm leaves behind: memory that a process has freed and its allocator keeps. A wave of devices that come for
// new certificates at one time costs a broker about 20 KiB each, and without this it would hold that for ever. So
// when much is free it is given back to the system, not in the middle of the wave but behind it.
//
// One thread looks; the clock is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace latchkey::hub::memory {

class SpareMemory {
 public:
  struct Heap {
    std::size_t (*free_bytes)();
    void (*give_back)();
  };
  static Heap of_this_process();

  explicit SpareMemory(std::size_t much, Heap heap = of_this_process()) : much_(much), heap_(heap) {}

  // Looks at most every ten seconds. Gives back once what is free has grown by `much` bytes since the last time, and no
  // longer grows or shrinks by as much from look to look: what lies between blocks in use stays free and is not asked
  // for again.
  void on_tick(std::uint64_t now_ms);

 private:
  const std::size_t much_;
  const Heap heap_;
  std::uint64_t next_look_ms_ = 0;
  std::size_t before_ = 0;  // free at the last look
  std::size_t kept_ = 0;    // free after it was given back last
};

}  // namespace latchkey::hub::memory
