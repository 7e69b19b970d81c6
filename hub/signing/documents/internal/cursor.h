// SPDX-License-Identifier: Apache-2.0
// Numbers at places of a file that may lie about its size. What lies beyond the end reads as 0 and is remembered: ask
// cut() before anything is believed, and in every loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::hub::signing {

class Cursor {
 public:
  enum class Order : std::uint8_t { kLittle, kBig };
  Cursor(ByteView bytes, Order order) : bytes_(bytes), order_(order) {}

  std::uint32_t u8(std::size_t at) { return number(at, 1); }
  std::uint32_t u16(std::size_t at) { return number(at, 2); }
  std::uint32_t u32(std::size_t at) { return number(at, 4); }
  std::int32_t i32(std::size_t at) { return static_cast<std::int32_t>(u32(at)); }
  // True when all of it is there; otherwise that is remembered.
  bool holds(std::uint64_t at, std::uint64_t count) {
    const bool all = at <= bytes_.size() && count <= bytes_.size() - at;
    cut_ = cut_ || !all;
    return all;
  }
  bool cut() const { return cut_; }
  std::size_t size() const { return bytes_.size(); }
  ByteView bytes() const { return bytes_; }

 private:
  std::uint32_t number(std::size_t at, std::size_t count) {
    if (!holds(at, count)) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      value = value << 8 | bytes_[at + (order_ == Order::kBig ? i : count - 1 - i)];
    }
    return value;
  }

  ByteView bytes_;
  Order order_;
  bool cut_ = false;
};

}  // namespace latchkey::hub::signing
