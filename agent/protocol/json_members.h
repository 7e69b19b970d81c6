// SPDX-License-Identifier: Apache-2.0
// Reading members of JSON objects by name. For the files of this folder that read answers.
#pragma once

#include "agent/protocol/certificate_list.h"
#include "agent/protocol/json.h"

namespace latchkey::agent {

// Each reads the value that follows a key. `null` leaves `out` as it is; another type than the one wanted is
// kMalformed.
Result<void> read_string(JsonReader& reader, JsonString& out);
// Error codes are numbers; some clients and proxies write them as strings of digits.
Result<void> read_code(JsonReader& reader, std::uint32_t& out);
Result<void> read_certificates(JsonReader& reader, CertificateList& out);
Result<void> skip_value(JsonReader& reader);

// Members of an object that has just begun: `member(key)` has to consume the value.
template <class Member>
Result<void> read_members(JsonReader& reader, Member&& member) {
  for (;;) {
    LATCHKEY_TRY(token, reader.next());
    if (token == JsonReader::Token::kObjectEnd) return {};
    LATCHKEY_TRY_VOID(member(reader.string()));
  }
}

// The object (or null) that follows a key.
template <class Member>
Result<void> read_object(JsonReader& reader, Member&& member) {
  LATCHKEY_TRY(token, reader.next());
  if (token == JsonReader::Token::kNull) return {};
  if (token != JsonReader::Token::kObjectBegin) return fail(Status::kMalformed);
  return read_members(reader, member);
}

// A text that is one object and nothing else.
template <class Member>
Result<void> read_document(JsonReader& reader, Member&& member) {
  LATCHKEY_TRY(begin, reader.next());
  if (begin != JsonReader::Token::kObjectBegin) return fail(Status::kMalformed);
  LATCHKEY_TRY_VOID(read_members(reader, member));
  LATCHKEY_TRY(end, reader.next());
  return end == JsonReader::Token::kEnd ? Result<void>() : fail(Status::kMalformed);
}

}  // namespace latchkey::agent
