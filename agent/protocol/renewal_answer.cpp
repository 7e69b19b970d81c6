// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/renewal_answer.h"

#include "agent/protocol/json_members.h"

namespace latchkey::agent::hub {
namespace {

Result<void> read_info(JsonReader& reader, JsonString key, RenewalAnswer& answer) {
  if (key.equals("requestId")) return read_string(reader, answer.pending_request_id);
  if (key.equals("credentialError")) return read_string(reader, answer.credential_error);
  return skip_value(reader);
}

Result<void> read_retry_after(JsonReader& reader, std::optional<std::uint32_t>& out) {
  std::uint32_t seconds = UINT32_MAX;
  LATCHKEY_TRY_VOID(read_code(reader, seconds));
  if (seconds != UINT32_MAX) out = seconds;
  return {};
}

Result<void> read_top(JsonReader& reader, JsonString key, RenewalAnswer& answer) {
  if (key.equals("correlationId")) return read_string(reader, answer.correlation_id);
  if (key.equals("certificates")) return read_certificates(reader, answer.certificates);
  if (key.equals("renewalWindow")) return read_renewal_window(reader, answer.renewal_window);
  if (key.equals("errorCode")) return read_code(reader, answer.error_code);
  if (key.equals("message")) return read_string(reader, answer.message);
  if (key.equals("retryAfter")) return read_retry_after(reader, answer.retry_after_s);
  if (key.equals("info")) {
    return read_object(reader, [&](JsonString inner) { return read_info(reader, inner, answer); });
  }
  return skip_value(reader);
}

}  // namespace

Result<RenewalAnswer> parse_renewal_answer(std::string_view body) {
  RenewalAnswer answer;
  JsonReader reader(body);
  LATCHKEY_TRY_VOID(read_document(reader, [&](JsonString key) { return read_top(reader, key, answer); }));
  return answer;
}

RenewalAdvice advise(std::uint16_t status, std::uint32_t error_code) {
  switch (error_code) {
    case 400037:
    case 400040: return RenewalAdvice::kNewKey;
    case 409004:
    case 409005: return RenewalAdvice::kReplace;
    case 412001: return RenewalAdvice::kRemoveReplace;
    case 503102: return RenewalAdvice::kReconnect;
    default: break;
  }
  switch (status) {
    case 403:
    case 412: return RenewalAdvice::kBackOffLong;
    case 404: return RenewalAdvice::kProvision;
    case 409: return RenewalAdvice::kReplace;
    case 429: return RenewalAdvice::kThrottled;
    case 503: return RenewalAdvice::kUnavailable;
    default: return status >= 500 ? RenewalAdvice::kServiceFault : RenewalAdvice::kFixRequest;
  }
}

}  // namespace latchkey::agent::hub
