// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/renewal_text.h"

#include <openssl/sha.h>

#include <array>
#include <nlohmann/json.hpp>

#include "hub/text/encoding.h"
#include "hub/text/json.h"
#include "hub/text/time.h"

namespace latchkey::hub::session {

using text::dump;
using text::Json;

std::string sha256_text(std::string_view what) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(what.data()), what.size(), digest.data());
  return text::hex(ByteView(digest));
}

std::string accepted_body(std::string_view correlation_id, UnixMs expires) {
  return dump(Json{{"correlationId", correlation_id}, {"operationExpires", text::iso8601_ticks(expires)}});
}

std::string certificates_body(std::string_view correlation_id, const std::vector<registry::Bytes>& chain,
                              const std::optional<throttle::RenewalWindow>& window) {
  Json body{{"correlationId", correlation_id}, {"certificates", text::certificates_json(chain)}};
  if (window) body["renewalWindow"] = {{"start", text::iso8601(window->start)}, {"end", text::iso8601(window->end)}};
  return dump(body);
}

std::string error_body(int error_code, std::string_view message, UnixMs now, const ErrorInfo& info,
                       std::optional<std::uint32_t> retry_after_s) {
  Json body = text::error_json(error_code, message, now);
  Json members = Json::object();
  const auto put = [&members](const char* name, const std::string& value) {
    if (!value.empty()) members[name] = value;
  };
  put("correlationId", info.correlation_id);
  put("credentialError", info.credential_error);
  put("credentialMessage", info.credential_message);
  put("requestId", info.request_id);
  put("operationExpires", info.operation_expires);
  if (!members.empty()) body["info"] = std::move(members);
  if (retry_after_s) body["retryAfter"] = *retry_after_s;
  return dump(body);
}

registry::Bytes store_record(const RenewalRecord& record) {
  const std::string json = dump(Json{{"requestId", record.request_id},
                                     {"fingerprint", record.fingerprint},
                                     {"correlationId", record.correlation_id},
                                     {"sequence", record.sequence},
                                     {"answer", record.answer}});
  return {json.begin(), json.end()};
}

std::optional<RenewalRecord> load_record(const registry::Bytes& bytes) {
  const auto json = text::parse_object(bytes);
  if (!json) return std::nullopt;
  auto request_id = text::text_member(*json, "requestId");
  auto fingerprint = text::text_member(*json, "fingerprint");
  auto correlation_id = text::text_member(*json, "correlationId");
  const auto sequence = text::unsigned_member(*json, "sequence");
  auto answer = text::text_member(*json, "answer");
  if (!request_id || !fingerprint || !correlation_id || !sequence || !answer) return std::nullopt;
  return RenewalRecord{*request_id, *fingerprint, *correlation_id, *sequence, *answer};
}

}  // namespace latchkey::hub::session
