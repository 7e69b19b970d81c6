// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/answer.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "hub/text/encoding.h"
#include "hub/text/json.h"
#include "hub/text/time.h"

namespace latchkey::hub::provisioning {
namespace {

using text::dump;
using text::iso8601_ticks;
using text::Json;

// Opaque to devices; changes whenever the registration does.
std::string etag(UnixMs updated) {
  std::array<char, 16> quoted{};
  std::snprintf(quoted.data(), quoted.size(), "\"%08x\"", static_cast<unsigned>(updated & 0xffffffff));
  return text::base64(ByteView(std::string_view(quoted.data())));
}

Json attestation_member(const RegistrationState& state) {
  if (state.attestation == registry::AttestationKind::kX509) return {{"x509", Json::object()}};
  Json key = Json::object();
  if (!state.enrollment_group.empty()) key["enrollmentGroupId"] = state.enrollment_group;
  return {{"symmetricKey", std::move(key)}};
}

std::optional<StoredAnswer> load_json(const registry::Bytes& bytes) {
  const auto json = text::parse_object(bytes);
  if (!json) return std::nullopt;
  const auto sequence = text::unsigned_member(*json, "sequence");
  const auto orphan_at = text::integer_member(*json, "orphanAt");
  auto body = text::text_member(*json, "body");
  if (!sequence || !orphan_at || !body) return std::nullopt;
  return StoredAnswer{*sequence, *orphan_at, std::move(*body)};
}

// A number and its line end off the front of `text`.
template <class Number>
bool take_line(std::string_view& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at == end || *at != '\n') return false;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()) + 1);
  return true;
}

}  // namespace

std::string new_operation_id() { return "5." + text::random_hex(8) + "." + text::random_uuid(); }

int dps_error(registry::Reason reason) {
  const int code = registry::faces(reason).dps_error;
  return code != 0 ? code : kFallbackError;
}

std::string_view public_message(const registry::Refusal& refusal) {
  if (dps_error(refusal.reason) / 1000 == 401 && refusal.reason != registry::Reason::kTokenExpired) {
    return "Unauthorized";
  }
  return refusal.detail;
}

std::string error_body(int error_code, std::string_view message, UnixMs now) {
  return dump(text::error_json(error_code, message, now));
}

std::string assigning_body(std::string_view operation_id) {
  return dump(Json{{"operationId", operation_id}, {"status", "assigning"}});
}

std::string state_body(const RegistrationState& state) {
  Json inner = attestation_member(state);
  inner["registrationId"] = state.registration_id;
  inner["createdDateTimeUtc"] = iso8601_ticks(state.created);
  if (!state.assigned_hub.empty()) inner["assignedHub"] = state.assigned_hub;
  if (!state.device_id.empty()) inner["deviceId"] = state.device_id;
  inner["status"] = state.status;
  if (!state.substatus.empty()) inner["substatus"] = state.substatus;
  if (state.error_code != 0) {
    inner["errorCode"] = state.error_code;
    inner["errorMessage"] = state.error_message;
  }
  inner["lastUpdatedDateTimeUtc"] = iso8601_ticks(state.updated);
  inner["etag"] = etag(state.updated);
  if (!state.chain.empty()) inner["issuedCertificateChain"] = text::certificates_json(state.chain);
  if (const auto& window = state.renewal_window) {
    inner["renewalWindow"] = {{"start", text::iso8601(window->start)}, {"end", text::iso8601(window->end)}};
  }
  return dump(
      Json{{"operationId", state.operation_id}, {"status", state.status}, {"registrationState", std::move(inner)}});
}

// As it is: in JSON every quote of the body would be escaped, and every poll would take it apart again.
registry::Bytes store_answer(const StoredAnswer& answer) {
  const std::string head = std::to_string(answer.sequence) + "\n" + std::to_string(answer.orphan_at) + "\n";
  registry::Bytes bytes;
  bytes.reserve(head.size() + answer.body.size());
  bytes.insert(bytes.end(), head.begin(), head.end());
  bytes.insert(bytes.end(), answer.body.begin(), answer.body.end());
  return bytes;
}

std::optional<StoredAnswer> load_answer(const registry::Bytes& bytes) {
  std::string_view text = ByteView(bytes).text();
  if (text.starts_with('{')) return load_json(bytes);
  StoredAnswer answer;
  if (!take_line(text, answer.sequence) || !take_line(text, answer.orphan_at)) return std::nullopt;
  answer.body = text;
  return answer;
}

}  // namespace latchkey::hub::provisioning
