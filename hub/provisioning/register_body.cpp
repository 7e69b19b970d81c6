// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/register_body.h"

#include "agent/protocol/json.h"

namespace latchkey::hub::provisioning {
namespace {

using agent::JsonReader;
using Token = JsonReader::Token;

Result<std::optional<std::string>> read_text(JsonReader& reader) {
  LATCHKEY_TRY(token, reader.next());
  if (token == Token::kNull) return std::optional<std::string>();
  if (token != Token::kString) return fail(Status::kMalformed);
  const auto escaped = reader.string();
  std::string text(escaped.raw.size(), '\0');
  LATCHKEY_TRY(unescaped, escaped.unescape(MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size())));
  text.resize(unescaped.size());
  return std::optional<std::string>(std::move(text));
}

Result<RegisterBody> read_object(JsonReader& reader) {
  RegisterBody body;
  LATCHKEY_TRY(begin, reader.next());
  if (begin != Token::kObjectBegin) return fail(Status::kMalformed);
  for (;;) {
    LATCHKEY_TRY(token, reader.next());
    if (token == Token::kObjectEnd) break;
    const auto key = reader.string();
    if (key.equals("registrationId")) {
      LATCHKEY_TRY(id, read_text(reader));
      body.registration_id = std::move(id);
    } else if (key.equals("csr")) {
      LATCHKEY_TRY(csr, read_text(reader));
      body.csr = std::move(csr);
    } else {
      LATCHKEY_TRY(value, reader.next());
      LATCHKEY_TRY_VOID(reader.skip(value));
    }
  }
  LATCHKEY_TRY(end, reader.next());
  if (end != Token::kEnd) return fail(Status::kMalformed);
  return body;
}

}  // namespace

registry::Outcome<RegisterBody> read_register_body(ByteView body) {
  if (body.size() > kMaxMessage) {
    return registry::refuse(registry::Reason::kMalformedRequest, "the message is larger than 96 KB");
  }
  if (body.text().find_first_not_of(" \t\r\n") == std::string_view::npos) return RegisterBody{};
  JsonReader reader(body.text());
  auto read = read_object(reader);
  if (!read) {
    return registry::refuse(registry::Reason::kMalformedRequest,
                            "the body is not a JSON object with the members of a registration request");
  }
  return std::move(*read);
}

}  // namespace latchkey::hub::provisioning
