// SPDX-License-Identifier: Apache-2.0
// What provisioning answers: status, the wait it asks for, and the JSON body (every answer has one: an SDK parses the
// body before it looks at the status).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/throttle/renewal_windows.h"
#include "platform/base/ids.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::provisioning {

struct Answer {
  int status = 0;
  std::string body;
  std::optional<std::uint32_t> retry_after_s;
};

// Under 64 characters, safe in a topic, 192 random bits: nobody guesses another device's.
std::string new_operation_id();

inline constexpr int kFallbackError = 500001;
// The error code that a refusal has at this endpoint.
int dps_error(registry::Reason reason);
// What a device may be told: a 401 says no more than that, since which part of a wrong proof was wrong is nobody's
// business.
std::string_view public_message(const registry::Refusal& refusal);

// {"errorCode","trackingId","message","timestampUtc"}
std::string error_body(int error_code, std::string_view message, UnixMs now);
// {"operationId","status":"assigning"}
std::string assigning_body(std::string_view operation_id);

// registrationState of a finished operation. Members that are empty are left out.
struct RegistrationState {
  std::string operation_id;
  std::string registration_id;
  std::string status;  // "assigned", "failed", "disabled"
  registry::AttestationKind attestation = registry::AttestationKind::kSymmetricKey;
  std::string enrollment_group;  // symmetric keys of a group
  UnixMs created = 0;
  UnixMs updated = 0;
  std::string assigned_hub;
  std::string device_id;
  std::string substatus;
  std::vector<registry::Bytes> chain;  // DER: leaf, issuing CA, root
  std::optional<throttle::RenewalWindow> renewal_window;
  int error_code = 0;
  std::string error_message;
};
std::string state_body(const RegistrationState& state);

// What Operation::body holds: the answer, and what has to be true before it may go out.
struct StoredAnswer {
  std::uint64_t sequence = 0;  // to be enforced first
  UnixMs orphan_at = 0;        // of a running operation: from here on it counts as abandoned
  std::string body;
};
// Three parts, a line end after the first and the second: sequence and orphan_at as decimal numbers, and the body.
registry::Bytes store_answer(const StoredAnswer& answer);
// Nothing when it is not what store_answer wrote. Takes also the JSON object that former versions wrote.
std::optional<StoredAnswer> load_answer(const registry::Bytes& bytes);

}  // namespace latchkey::hub::provisioning
