// SPDX-License-Identifier: Apache-2.0
// DER (X.690) for the structures that are put together around a signature made elsewhere: OpenSSL signs what it builds,
// and here the key is not at hand. Threads: any.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "hub/signing/base/error.h"

namespace latchkey::hub::signing::der {

enum Tag : std::uint8_t {
  kInteger = 0x02,
  kBitString = 0x03,
  kOctetString = 0x04,
  kNull = 0x05,
  kOid = 0x06,
  kSequence = 0x30,
  kSet = 0x31,
};
// The context tag [number] around other values.
constexpr std::uint8_t context(unsigned number) { return static_cast<std::uint8_t>(0xa0U | number); }

// One value: tag, length, and the parts one behind the other.
Bytes value(std::uint8_t tag, std::initializer_list<ByteView> parts);
inline Bytes sequence(std::initializer_list<ByteView> parts) { return value(kSequence, parts); }
// SET OF: in the order that DER asks for (section 11.6).
Bytes set_of(std::vector<Bytes> parts);
Bytes integer(std::uint64_t number);
inline Bytes octet_string(ByteView content) { return value(kOctetString, {content}); }
inline Bytes null() { return value(kNull, {}); }
// From "1.2.840.113549"; empty when that is no object identifier.
Bytes oid(std::string_view dotted);

// A value as it stands in the text that was read.
struct Value {
  std::uint8_t tag = 0;
  ByteView content;
  ByteView whole;  // with tag and length
};

// Reads one value after the other. Only what DER allows: lengths definite and in their shortest form, tags of one
// octet. Statuses: kMalformed for everything else, a missing value among it.
class Reader {
 public:
  explicit Reader(ByteView text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool next_is(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }
  Result<Value> next();
  Result<Value> next(std::uint8_t tag);  // kMalformed for any other
  // An object identifier, dotted; kMalformed also when that is 160 characters or more.
  Result<std::string> next_oid();
  // A number from 0 on.
  Result<std::uint64_t> next_integer();

 private:
  ByteView rest_;
};

}  // namespace latchkey::hub::signing::der
