// SPDX-License-Identifier: Apache-2.0
// Views of bytes, and the text forms that certificates and MQTT bodies use: hex and base64.
//
// Nothing here allocates: encoders and decoders write into the caller's buffer and say how much they wrote.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/base/status.h"

namespace latchkey {

// A view of bytes that somebody else owns. (std::span is C++20; device code is C++17.)
class ByteView {
 public:
  constexpr ByteView() = default;
  constexpr ByteView(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  template <class Container, class = decltype(std::declval<const Container&>().data()),
            class = std::enable_if_t<sizeof(*std::declval<const Container&>().data()) == 1>>
  ByteView(const Container& bytes)  // NOLINT: a view of any contiguous bytes
      : data_(reinterpret_cast<const std::uint8_t*>(bytes.data())), size_(bytes.size()) {}

  constexpr const std::uint8_t* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr const std::uint8_t* begin() const { return data_; }
  constexpr const std::uint8_t* end() const { return data_ + size_; }
  constexpr std::uint8_t operator[](std::size_t i) const { return data_[i]; }
  constexpr ByteView subview(std::size_t from, std::size_t count) const {
    if (from > size_) from = size_;
    return {data_ + from, count < size_ - from ? count : size_ - from};
  }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

bool operator==(ByteView a, ByteView b);
inline bool operator!=(ByteView a, ByteView b) { return !(a == b); }

// A view that may be written through.
class MutableBytes {
 public:
  constexpr MutableBytes() = default;
  constexpr MutableBytes(std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  template <std::size_t N>
  constexpr MutableBytes(std::array<std::uint8_t, N>& bytes) : data_(bytes.data()), size_(N) {}  // NOLINT

  constexpr std::uint8_t* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr std::uint8_t& operator[](std::size_t i) const { return data_[i]; }
  constexpr MutableBytes subview(std::size_t from, std::size_t count) const {
    if (from > size_) from = size_;
    return {data_ + from, count < size_ - from ? count : size_ - from};
  }
  operator ByteView() const { return {data_, size_}; }  // NOLINT

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// True when both hold the same bytes; takes the same time wherever they differ (lengths are not secret).
bool constant_time_equal(ByteView a, ByteView b);

// Overwrites secrets so that the compiler cannot leave it out.
void wipe(MutableBytes secret);

constexpr std::size_t hex_size(std::size_t bytes) { return bytes * 2; }
constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
constexpr std::size_t base64_decoded_max(std::size_t characters) { return (characters + 3) / 4 * 3; }

// Lower-case hex; returns the number of characters written. kTooLarge when `out` is too small.
Result<std::size_t> hex_encode(ByteView bytes, MutableBytes out);
// Either case, no separators. kMalformed on anything else, kTooLarge when `out` is too small.
Result<std::size_t> hex_decode(std::string_view text, MutableBytes out);

// RFC 4648 section 4, with padding, no line ends.
Result<std::size_t> base64_encode(ByteView bytes, MutableBytes out);
// Strict: padding required, no white space, unused bits zero. kMalformed, or kTooLarge when `out` is too small.
Result<std::size_t> base64_decode(std::string_view text, MutableBytes out);

}  // namespace latchkey
