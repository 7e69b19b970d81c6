// SPDX-License-Identifier: Apache-2.0
#include "hub/wire/codec.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace latchkey::hub::wire::codec {

void Writer::little_endian(std::uint64_t value, std::size_t size) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  out_.insert(out_.end(), bytes.begin(), bytes.begin() + size);
}

void Writer::real(double value) { u64(std::bit_cast<std::uint64_t>(value)); }

void Writer::text(std::string_view value) {
  const std::size_t size = std::min<std::size_t>(value.size(), 0xffff);
  u16(static_cast<std::uint16_t>(size));
  out_.insert(out_.end(), value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size));
}

void Writer::bytes(ByteView value) {
  u32(static_cast<std::uint32_t>(value.size()));
  out_.insert(out_.end(), value.begin(), value.end());
}

double Reader::real() {
  const double value = std::bit_cast<double>(u64());
  if (!std::isfinite(value)) {
    fail_all();
    return 0;
  }
  return value;
}

bool Reader::flag() {
  const std::uint8_t value = u8();
  if (value > 1) fail_all();
  return value == 1;
}

std::string Reader::text() {
  const ByteView taken = take(u16());
  return std::string(taken.text());
}

Bytes Reader::bytes() {
  const ByteView taken = take(u32());
  return Bytes(taken.begin(), taken.end());
}

std::uint32_t Reader::count(std::size_t least_size) {
  const std::uint32_t value = u32();
  if (!failed_ && value > (in_.size() - at_) / least_size) fail_all();
  return failed_ ? 0 : value;
}

}  // namespace latchkey::hub::wire::codec
