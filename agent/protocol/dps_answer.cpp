// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/dps_answer.h"

#include "agent/protocol/json_members.h"

namespace latchkey::agent::dps {
namespace {

RegistrationStatus status_of(JsonString word) {
  if (word.equals("unassigned")) return RegistrationStatus::kUnassigned;
  if (word.equals("assigning")) return RegistrationStatus::kAssigning;
  if (word.equals("assigned")) return RegistrationStatus::kAssigned;
  if (word.equals("failed")) return RegistrationStatus::kFailed;
  if (word.equals("disabled")) return RegistrationStatus::kDisabled;
  return RegistrationStatus::kUnknown;
}

// `substatus` and the attestation members say nothing that a device acts on.
Result<void> read_registration_state(JsonReader& reader, JsonString key, Answer& answer) {
  if (key.equals("assignedHub")) return read_string(reader, answer.assigned_hub);
  if (key.equals("deviceId")) return read_string(reader, answer.device_id);
  if (key.equals("errorCode")) return read_code(reader, answer.error_code);
  if (key.equals("errorMessage")) return read_string(reader, answer.message);
  if (key.equals("issuedCertificateChain")) return read_certificates(reader, answer.chain);
  if (key.equals("renewalWindow")) return read_renewal_window(reader, answer.renewal_window);
  return skip_value(reader);
}

Result<void> read_top(JsonReader& reader, JsonString key, Answer& answer) {
  if (key.equals("operationId")) return read_string(reader, answer.operation_id);
  if (key.equals("status")) {
    JsonString word;
    LATCHKEY_TRY_VOID(read_string(reader, word));
    answer.status = word.empty() ? RegistrationStatus::kAbsent : status_of(word);
    return {};
  }
  if (key.equals("errorCode")) return read_code(reader, answer.error_code);
  if (key.equals("message")) return read_string(reader, answer.message);
  if (key.equals("registrationState")) {
    return read_object(reader, [&](JsonString inner) { return read_registration_state(reader, inner, answer); });
  }
  return skip_value(reader);
}

}  // namespace

Result<Answer> parse_answer(std::string_view body) {
  Answer answer;
  JsonReader reader(body);
  LATCHKEY_TRY_VOID(read_document(reader, [&](JsonString key) { return read_top(reader, key, answer); }));
  return answer;
}

}  // namespace latchkey::agent::dps
