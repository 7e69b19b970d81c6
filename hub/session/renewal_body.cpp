// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/renewal_body.h"

#include <optional>

#include "agent/protocol/hub.h"
#include "agent/protocol/json.h"

namespace latchkey::hub::session {
namespace {

using agent::JsonReader;
using Token = JsonReader::Token;

constexpr int kBadMember = 400004;
constexpr int kNotJson = 400006;

auto bad(int code, std::string message) { return fail(BodyFault{code, std::move(message)}); }
auto not_json() { return bad(kNotJson, "the body is not JSON"); }

// The value behind a key: a string, or null for "not given".
Result<std::optional<std::string>, BodyFault> read_text(JsonReader& reader, const std::string& name) {
  const auto token = reader.next();
  if (!token) return not_json();
  if (*token == Token::kNull) return std::optional<std::string>();
  if (*token != Token::kString) return bad(kBadMember, name + " is not a string");
  const auto escaped = reader.string();
  std::string text(escaped.raw.size(), '\0');
  const auto unescaped = escaped.unescape(MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size()));
  if (!unescaped) return not_json();
  text.resize(unescaped->size());
  return std::optional<std::string>(std::move(text));
}

struct Members {
  std::optional<std::string> id;
  std::optional<std::string> csr;
  std::optional<std::string> replace;
};

Result<Members, BodyFault> read_members(JsonReader& reader) {
  Members members;
  const auto begin = reader.next();
  if (!begin) return not_json();
  if (*begin != Token::kObjectBegin) return bad(kBadMember, "the body is not an object");
  for (;;) {
    const auto token = reader.next();
    if (!token) return not_json();
    if (*token == Token::kObjectEnd) break;
    const auto key = reader.string();
    std::optional<std::string>* member = key.equals("id")        ? &members.id
                                         : key.equals("csr")     ? &members.csr
                                         : key.equals("replace") ? &members.replace
                                                                 : nullptr;
    if (member == nullptr) return bad(kBadMember, "the body has a member other than id, csr and replace");
    auto text = read_text(reader, key.equals("id") ? "id" : key.equals("csr") ? "csr" : "replace");
    if (!text) return fail(text.error());
    *member = std::move(*text);
  }
  const auto end = reader.next();
  if (!end || *end != Token::kEnd) return not_json();
  return members;
}

}  // namespace

Result<RenewalBody, BodyFault> read_renewal_body(ByteView body, std::string_view device_id) {
  JsonReader reader(body.text());
  auto members = read_members(reader);
  if (!members) return fail(members.error());
  if (!members->id || *members->id != device_id) return bad(kBadMember, "id is not this device's");
  if (!members->csr || members->csr->empty()) return bad(kBadMember, "csr is missing or empty");
  if (members->replace && *members->replace != kReplaceAny && !agent::hub::valid_issue_request_id(*members->replace)) {
    return bad(kBadMember, "replace is neither \"*\" nor a request id");
  }
  return RenewalBody{std::move(*members->csr), members->replace.value_or("")};
}

}  // namespace latchkey::hub::session
