// SPDX-License-Identifier: Apache-2.0
// A shuffle of 0 .. size-1 that needs no memory: where a number goes, and what came to a place, each computed alone.
// A Feistel network over the next even number of bits, walked on until the result is below `size` (Black and Rogaway,
// "Ciphers with Arbitrary Finite Domains", 2002, section 3). For fairness between devices, not for secrecy.
#pragma once

#include <cstdint>

namespace latchkey::boards::fleet::scenario {

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): a good mix of 64 bits.
constexpr std::uint64_t mixed(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

class Shuffle {
 public:
  Shuffle(std::uint64_t key, std::uint32_t size) : key_(key), size_(size) {
    while ((std::uint64_t{1} << (2 * half_)) < size) ++half_;
  }
  std::uint32_t place_of(std::uint32_t number) const {
    do number = forth(number);
    while (number >= size_);
    return number;
  }
  std::uint32_t number_at(std::uint32_t place) const {
    do place = back(place);
    while (place >= size_);
    return place;
  }

 private:
  static constexpr int kRounds = 6;
  std::uint32_t mask() const { return (std::uint32_t{1} << half_) - 1; }
  std::uint32_t round(int number, std::uint32_t half) const {
    return static_cast<std::uint32_t>(mixed(key_ ^ mixed((static_cast<std::uint64_t>(number) << 32) | half))) & mask();
  }
  std::uint32_t forth(std::uint32_t value) const {
    std::uint32_t left = value >> half_;
    std::uint32_t right = value & mask();
    for (int i = 0; i < kRounds; ++i) {
      const std::uint32_t next = left ^ round(i, right);
      left = right;
      right = next;
    }
    return (left << half_) | right;
  }
  std::uint32_t back(std::uint32_t value) const {
    std::uint32_t left = value >> half_;
    std::uint32_t right = value & mask();
    for (int i = kRounds; i-- > 0;) {
      const std::uint32_t before = right ^ round(i, left);
      right = left;
      left = before;
    }
    return (left << half_) | right;
  }

  std::uint64_t key_;
  std::uint32_t size_;
  unsigned half_ = 1;
};

}  // namespace latchkey::boards::fleet::scenario
