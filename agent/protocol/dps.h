// SPDX-License-Identifier: Apache-2.0
// Provisioning (DPS) over MQTT 3.1.1: username, topics and the register body, for the device that writes them and for
// the hub that reads them. Bodies of answers: agent/protocol/dps_answer.h.
//
// Source: the public article "Communicate with DPS using the MQTT protocol" and what the SDKs send. Everything returned
// as a view points into the argument or into `out`. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/protocol/text.h"

namespace latchkey::agent::dps {

inline constexpr std::string_view kApiVersion = "2025-07-01-preview";
inline constexpr std::string_view kResponseFilter = "$dps/registrations/res/#";
inline constexpr std::size_t kMaxRequestId = 128;
inline constexpr std::size_t kMaxOperationId = 128;

// --- What a device writes. All: kTooLarge when `out` is too small, kInvalidArgument for ids that would break the text.

// {idScope}/registrations/{registrationId}/api-version=2025-07-01-preview
Result<std::string_view> write_username(std::string_view id_scope, std::string_view registration_id, MutableBytes out);
// The `sr` of a device's token, url-encoded: {idScope}%2Fregistrations%2F{registrationId}
Result<std::string_view> write_resource(std::string_view id_scope, std::string_view registration_id, MutableBytes out);
Result<std::string_view> write_register_topic(std::string_view request_id, MutableBytes out);
Result<std::string_view> write_poll_topic(std::string_view request_id, std::string_view operation_id, MutableBytes out);
// {"registrationId":"…","csr":"…"}; `csr_base64` is DER in base64 without line ends.
Result<std::string_view> write_register_body(std::string_view registration_id, std::string_view csr_base64,
                                             MutableBytes out);

// $dps/registrations/res/{status}/?$rid={rid}[&retry-after={seconds}]
struct ResponseTopic {
  std::uint16_t status = 0;
  std::string_view request_id;
  std::optional<std::uint32_t> retry_after_s;
};
// kNotFound: not a DPS response at all; kMalformed: one that cannot be read.
Result<ResponseTopic> parse_response_topic(std::string_view topic);

// --- What a hub reads and writes.

struct Username {
  std::string_view id_scope;
  std::string_view registration_id;
  std::string_view api_version;
  std::string_view client_version;  // url-encoded, may be empty
};
// kMalformed unless all of scope, registration id and api-version are there and the id keeps the DPS rules.
Result<Username> parse_username(std::string_view username);

// `csr` is honoured from 2025-07-01-preview on. False for anything that is not YYYY-MM-DD[-preview].
bool version_carries_csr(std::string_view api_version);

enum class RequestKind : std::uint8_t { kRegister, kPoll };
struct RequestTopic {
  RequestKind kind = RequestKind::kRegister;
  std::string_view request_id;
  std::string_view operation_id;  // of a poll
};
// kNotFound: another topic; kMalformed: no `$rid`, an empty or over-long one, a poll without operationId.
Result<RequestTopic> parse_request_topic(std::string_view topic);

Result<std::string_view> write_response_topic(std::uint16_t status, std::string_view request_id,
                                              std::optional<std::uint32_t> retry_after_s, MutableBytes out);

}  // namespace latchkey::agent::dps
