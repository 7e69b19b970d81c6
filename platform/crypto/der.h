// SPDX-License-Identifier: Apache-2.0
// A pull reader for DER (X.690) that allocates nothing: for timestamp tokens and what certificates hold. Lengths are
// definite and in their shortest form, tags of one octet. Views point into the text, which must outlive them.
// Every function: kMalformed for anything else than what was asked for, an end of the text too early among it.
#pragma once

#include <cstdint>

#include "platform/base/bytes.h"

namespace latchkey::crypto {

// Tags.
inline constexpr std::uint8_t kDerBoolean = 0x01;
inline constexpr std::uint8_t kDerInteger = 0x02;
inline constexpr std::uint8_t kDerBitString = 0x03;
inline constexpr std::uint8_t kDerOctetString = 0x04;
inline constexpr std::uint8_t kDerNull = 0x05;
inline constexpr std::uint8_t kDerOid = 0x06;
inline constexpr std::uint8_t kDerGeneralizedTime = 0x18;
inline constexpr std::uint8_t kDerSequence = 0x30;
inline constexpr std::uint8_t kDerSet = 0x31;

struct DerValue {
  std::uint8_t tag = 0;
  ByteView content;
  ByteView whole;  // with tag and length
};

class DerReader {
 public:
  explicit DerReader(ByteView text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool next_is(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }
  Result<DerValue> next();
  Result<DerValue> next(std::uint8_t tag);
  // A reader of what is inside the next value.
  Result<DerReader> enter(std::uint8_t tag);
  // A number from 0 to `max`.
  Result<std::uint64_t> next_number(std::uint8_t tag, std::uint64_t max);
  // The octets of an INTEGER from 0 on, without the zero that keeps it positive.
  Result<ByteView> next_magnitude();

 private:
  ByteView rest_;
};

}  // namespace latchkey::crypto
