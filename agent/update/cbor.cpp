// SPDX-License-Identifier: Apache-2.0
#include "agent/update/cbor.h"

#include <limits>

namespace latchkey::agent {
namespace {

// Major types (RFC 8949 section 3.1).
constexpr std::uint8_t kUnsigned = 0;
constexpr std::uint8_t kNegative = 1;
constexpr std::uint8_t kBytes = 2;
constexpr std::uint8_t kText = 3;
constexpr std::uint8_t kArray = 4;
constexpr std::uint8_t kMap = 5;
constexpr std::uint8_t kTag = 6;
// Lengths of numbers behind the head.
constexpr std::uint8_t kOneByte = 24;
constexpr std::uint8_t kEightBytes = 27;

}  // namespace

Result<std::uint64_t> CborReader::next_head(std::uint8_t major) {
  if (at_ >= text_.size() || text_[at_] >> 5 != major) return fail(Status::kMalformed);
  const std::uint8_t info = text_[at_] & 0x1f;
  if (info < kOneByte) {
    ++at_;
    return info;
  }
  if (info > kEightBytes) return fail(Status::kMalformed);
  const std::size_t size = std::size_t{1} << (info - kOneByte);
  if (text_.size() - at_ - 1 < size) return fail(Status::kMalformed);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | text_[at_ + 1 + i];
  const std::uint64_t shorter_holds = size == 1 ? kOneByte : std::uint64_t{1} << (4 * size);
  if (value < shorter_holds) return fail(Status::kMalformed);
  at_ += 1 + size;
  return value;
}

Result<ByteView> CborReader::next_string(std::uint8_t major) {
  LATCHKEY_TRY(size, next_head(major));
  if (size > text_.size() - at_) return fail(Status::kMalformed);
  const ByteView read = text_.subview(at_, static_cast<std::size_t>(size));
  at_ += read.size();
  return read;
}

Result<std::uint64_t> CborReader::next_unsigned() { return next_head(kUnsigned); }

Result<std::int64_t> CborReader::next_integer() {
  const bool negative = at_ < text_.size() && text_[at_] >> 5 == kNegative;
  LATCHKEY_TRY(value, next_head(negative ? kNegative : kUnsigned));
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return fail(Status::kMalformed);
  const auto number = static_cast<std::int64_t>(value);
  return negative ? -1 - number : number;
}

Result<ByteView> CborReader::next_bytes() { return next_string(kBytes); }

Result<std::string_view> CborReader::next_text() {
  LATCHKEY_TRY(text, next_string(kText));
  return text.text();
}

Result<std::size_t> CborReader::next_array() {
  LATCHKEY_TRY(count, next_head(kArray));
  if (count > text_.size() - at_) return fail(Status::kMalformed);  // an item has a byte at least
  return static_cast<std::size_t>(count);
}

Result<std::size_t> CborReader::next_map() {
  LATCHKEY_TRY(count, next_head(kMap));
  if (count > (text_.size() - at_) / 2) return fail(Status::kMalformed);
  return static_cast<std::size_t>(count);
}

Result<void> CborReader::next_tag(std::uint64_t tag) {
  LATCHKEY_TRY(read, next_head(kTag));
  if (read != tag) return fail(Status::kMalformed);
  return {};
}

Result<std::uint64_t> CborReader::next_bytes_head() { return next_head(kBytes); }

}  // namespace latchkey::agent
