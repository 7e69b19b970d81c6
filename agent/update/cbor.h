// SPDX-License-Identifier: Apache-2.0
// A pull reader for CBOR (RFC 8949) that allocates nothing: for device code, and safe on hostile bytes.
//
// Only what "core deterministic encoding" allows (section 4.2.1): definite lengths, numbers in their shortest form. No
// floating point, no simple values. Views point into the text, which must outlive them.
// Every function: kMalformed for anything else than what was asked for, an end of the text too early among it.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::agent {

class CborReader {
 public:
  explicit CborReader(ByteView text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t position() const { return at_; }

  Result<std::uint64_t> next_unsigned();
  Result<std::int64_t> next_integer();  // kMalformed also for what 64 bits with a sign do not hold
  Result<ByteView> next_bytes();
  Result<std::string_view> next_text();  // UTF-8 is not checked: callers compare, or take ASCII alone
  // How many items follow; for a map, how many pairs.
  Result<std::size_t> next_array();
  Result<std::size_t> next_map();
  // That very tag.
  Result<void> next_tag(std::uint64_t tag);
  // Head of a byte string whose content may not be there yet; its length.
  Result<std::uint64_t> next_bytes_head();

  // Where the next item is a byte string?
  bool next_is_bytes() const { return at_ < text_.size() && text_[at_] >> 5 == 2; }

 private:
  Result<std::uint64_t> next_head(std::uint8_t major);
  Result<ByteView> next_string(std::uint8_t major);

  ByteView text_;
  std::size_t at_ = 0;
};

}  // namespace latchkey::agent
