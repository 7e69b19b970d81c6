// SPDX-License-Identifier: Apache-2.0
// Two OTA partitions and their otadata in memory, and the boot loader with rollback. Flash keeps its rules: sectors are
// erased as a whole, programming only clears bits. An image counts as bootable when it begins with the byte that
// ESP-IDF's images begin with.
//
// One a process; reset() before each test.
#pragma once

#include <cstdint>
#include <vector>

namespace latchkey::test::esp {

inline constexpr std::uint8_t kImageMagic = 0xE9;

class Ota {
 public:
  static Ota& the();

  // Two slots of that size, the first one with an image that runs, as after the first start.
  void reset(std::uint32_t slot_size);
  // The boot loader's work.
  void restart();
  std::vector<std::uint8_t>& slot(int index);
  int running() const;
  // From change number `change` on, counted from now: the power is away, and every change fails. Back at restart().
  void cut_power_at(unsigned change);
  bool has_power() const;
  // Makes the second slot another size, or takes it away (0).
  void resize_second(std::uint32_t size);
};

}  // namespace latchkey::test::esp
