// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/der.h"

namespace latchkey::crypto {
namespace {

constexpr std::uint8_t kLongTag = 0x1f;
constexpr std::size_t kLengthMax = 4;  // octets behind the first one

// A positive INTEGER in its one form: not empty, no sign, no zero in front but the one that keeps it positive.
Result<ByteView> magnitude_of(ByteView content) {
  if (content.empty() || content[0] >= 0x80) return fail(Status::kMalformed);
  if (content.size() == 1 || content[0] != 0) return content;
  if (content[1] < 0x80) return fail(Status::kMalformed);
  return content.subview(1, content.size());
}

}  // namespace

Result<DerValue> DerReader::next() {
  if (rest_.size() < 2 || (rest_[0] & kLongTag) == kLongTag) return fail(Status::kMalformed);
  std::size_t head = 2;
  std::size_t length = rest_[1];
  if (length >= 0x80) {
    const std::size_t octets = length - 0x80;
    if (octets == 0 || octets > kLengthMax || rest_.size() < 2 + octets) return fail(Status::kMalformed);
    length = 0;
    for (std::size_t i = 0; i < octets; ++i) length = length << 8 | rest_[2 + i];
    const bool shortest = rest_[2] != 0 && length >= 0x80;
    if (!shortest) return fail(Status::kMalformed);
    head += octets;
  }
  if (length > rest_.size() - head) return fail(Status::kMalformed);
  const DerValue value{rest_[0], rest_.subview(head, length), rest_.subview(0, head + length)};
  rest_ = rest_.subview(head + length, rest_.size());
  return value;
}

Result<DerValue> DerReader::next(std::uint8_t tag) {
  if (!next_is(tag)) return fail(Status::kMalformed);
  return next();
}

Result<DerReader> DerReader::enter(std::uint8_t tag) {
  LATCHKEY_TRY(value, next(tag));
  return DerReader(value.content);
}

Result<std::uint64_t> DerReader::next_number(std::uint8_t tag, std::uint64_t max) {
  LATCHKEY_TRY(value, next(tag));
  LATCHKEY_TRY(octets, magnitude_of(value.content));
  if (octets.size() > sizeof(std::uint64_t)) return fail(Status::kMalformed);
  std::uint64_t number = 0;
  for (const std::uint8_t octet : octets) number = number << 8 | octet;
  if (number > max) return fail(Status::kMalformed);
  return number;
}

Result<ByteView> DerReader::next_magnitude() {
  LATCHKEY_TRY(value, next(kDerInteger));
  return magnitude_of(value.content);
}

}  // namespace latchkey::crypto
