// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/json_members.h"

#include "agent/protocol/text.h"

namespace latchkey::agent {

using Token = JsonReader::Token;

Result<void> read_string(JsonReader& reader, JsonString& out) {
  LATCHKEY_TRY(token, reader.next());
  if (token == Token::kNull) return {};
  if (token != Token::kString) return fail(Status::kMalformed);
  out = reader.string();
  return {};
}

Result<void> read_code(JsonReader& reader, std::uint32_t& out) {
  LATCHKEY_TRY(token, reader.next());
  if (token == Token::kNull) return {};
  if (token != Token::kNumber && token != Token::kString) return fail(Status::kMalformed);
  LATCHKEY_TRY(number, parse_decimal(reader.number()));
  if (number > UINT32_MAX) return fail(Status::kMalformed);
  out = static_cast<std::uint32_t>(number);
  return {};
}

Result<void> read_certificates(JsonReader& reader, CertificateList& out) {
  LATCHKEY_TRY(token, reader.next());
  if (token == Token::kNull) return {};
  if (token != Token::kArrayBegin) return fail(Status::kMalformed);
  LATCHKEY_TRY(list, read_certificate_list(reader));
  out = list;
  return {};
}

Result<void> skip_value(JsonReader& reader) {
  LATCHKEY_TRY(token, reader.next());
  return reader.skip(token);
}

}  // namespace latchkey::agent
