// SPDX-License-Identifier: Apache-2.0
// How the messages between gate and hub become bytes. Private to hub/wire: callers use the encode and decode functions
// of feed.h, envelope.h and decision.h.
//
//   message = version(u8) kind(u8) fields
//   integers little-endian; text = length(u16) bytes; bytes = length(u32) bytes; bool = 0 or 1
//
// Strict: a reader fails on the first byte that the writer would not have written, and on anything left over, so every
// accepted message has exactly one encoding. After a failure all further reads return zeros; ask finished() at the end.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "hub/wire/feed.h"
#include "platform/base/bytes.h"

namespace latchkey::hub::wire::codec {

inline constexpr std::uint8_t kVersion = 1;

enum class Kind : std::uint8_t {
  kBatch = 1,
  kAck = 2,
  kOpened = 3,
  kClosed = 4,
  kAttest = 5,
  kDeliver = 6,
  kDecisions = 7,
  kSubscribed = 8,
  kResumed = 9,
  kDelivered = 10,
  kEnd = 11,
  kHold = 12,
};

class Writer {
 public:
  explicit Writer(Kind kind) {
    u8(kVersion);
    u8(static_cast<std::uint8_t>(kind));
  }

  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) { little_endian(value, 2); }
  void u32(std::uint32_t value) { little_endian(value, 4); }
  void u64(std::uint64_t value) { little_endian(value, 8); }
  void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
  void real(double value);
  void flag(bool value) { u8(value ? 1 : 0); }
  // Longer than 65535 bytes is cut: nothing that MQTT can name is longer.
  void text(std::string_view value);
  void bytes(ByteView value);
  template <class Id>
  void id(const Id& value) {
    out_.insert(out_.end(), value.bytes.begin(), value.bytes.end());
  }
  Bytes take() { return std::move(out_); }

 private:
  void little_endian(std::uint64_t value, std::size_t size);
  Bytes out_;
};

class Reader {
 public:
  // Fails at once on another version or kind.
  Reader(ByteView in, Kind kind) : in_(in) {
    if (u8() != kVersion || u8() != static_cast<std::uint8_t>(kind)) fail_all();
  }

  std::uint8_t u8() { return little_endian<std::uint8_t>(); }
  std::uint16_t u16() { return little_endian<std::uint16_t>(); }
  std::uint32_t u32() { return little_endian<std::uint32_t>(); }
  std::uint64_t u64() { return little_endian<std::uint64_t>(); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  double real();  // finite
  bool flag();
  std::string text();
  Bytes bytes();
  // A number of elements, each of at least `least_size` bytes: bounded by what is left, so safe to reserve.
  std::uint32_t count(std::size_t least_size);
  template <class Id>
  Id id() {
    Id value;
    const ByteView taken = take(value.bytes.size());
    for (std::size_t i = 0; i < taken.size(); ++i) value.bytes[i] = taken[i];
    return value;
  }

  void fail_all() { failed_ = true; }
  bool failed() const { return failed_; }
  // Everything was read, nothing was wrong.
  bool finished() const { return !failed_ && at_ == in_.size(); }

 private:
  // Empty, and all reads after it fail, when there is less.
  ByteView take(std::size_t size) {
    if (failed_ || in_.size() - at_ < size) {
      failed_ = true;
      return {};
    }
    at_ += size;
    return in_.subview(at_ - size, size);
  }
  template <class Int>
  Int little_endian() {
    const ByteView taken = take(sizeof(Int));
    if (taken.empty()) return 0;
    const std::uint8_t* bytes = taken.data();
    Int value = 0;
    for (std::size_t i = 0; i < sizeof(Int); ++i)
      value = static_cast<Int>(value | static_cast<Int>(bytes[i]) << (8 * i));
    return value;
  }

  ByteView in_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace latchkey::hub::wire::codec
