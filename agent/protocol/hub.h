// SPDX-License-Identifier: Apache-2.0
// The hub (IoT Hub) over MQTT 3.1.1: username and topics, for the device that writes them and for the hub that reads
// them: telemetry, cloud-to-device messages, certificate renewal over the live session, twins and direct methods.
// Bodies of renewal answers: agent/protocol/renewal_answer.h.
//
// Everything returned as a view points into the argument or into `out`. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/protocol/text.h"

namespace latchkey::agent::hub {

inline constexpr std::string_view kApiVersion = "2025-08-01-preview";
inline constexpr std::string_view kCredentialFilter = "$iothub/credentials/res/#";
inline constexpr std::string_view kTwinFilter = "$iothub/twin/res/#";
inline constexpr std::string_view kDesiredFilter = "$iothub/twin/PATCH/properties/desired/#";
inline constexpr std::string_view kMethodFilter = "$iothub/methods/POST/#";
inline constexpr std::string_view kContentType = "%24.ct=application%2Fjson&%24.ce=utf-8";

// --- What a device writes. All: kTooLarge when `out` is too small, kInvalidArgument for ids that would break the text.

// {hubHost}/{deviceId}/?api-version=2025-08-01-preview; `host` with its port if it was given with one.
Result<std::string_view> write_username(std::string_view host, std::string_view device_id, MutableBytes out);
// devices/{id}/messages/events/{bag}; the bag is already encoded (agent/protocol/text.h) and may be empty.
Result<std::string_view> write_telemetry_topic(std::string_view device_id, std::string_view bag, MutableBytes out);
Result<std::string_view> write_devicebound_filter(std::string_view device_id, MutableBytes out);
// $iothub/credentials/POST/issueCertificate/?$rid={rid}
Result<std::string_view> write_issue_topic(std::string_view request_id, MutableBytes out);
// {"id":"…","csr":"…"[,"replace":"…"]}; an empty `replace` is left out.
Result<std::string_view> write_issue_body(std::string_view device_id, std::string_view csr_base64,
                                          std::string_view replace, MutableBytes out);

// $iothub/credentials/res/{status}/?$rid={rid}; nothing may stand behind the rid (SDKs take the rest as the rid).
struct CredentialResponseTopic {
  std::uint16_t status = 0;
  std::string_view request_id;
};
// kNotFound: not a renewal answer; kMalformed: one that cannot be read.
Result<CredentialResponseTopic> parse_credential_response_topic(std::string_view topic);

// The property bag of a cloud-to-device message for this device; kNotFound for any other topic.
Result<std::string_view> parse_devicebound_topic(std::string_view topic, std::string_view device_id);

// --- What a hub reads and writes.

struct Username {
  std::string_view host;  // with port, as the device writes it
  std::string_view device_id;
  std::string_view module_id;  // empty for a device
  std::string_view api_version;
  std::string_view client_type;  // DeviceClientType, url-encoded, may be empty
};
// Split at the first `/?`. kMalformed unless host, device id and api-version are there.
Result<Username> parse_username(std::string_view username);

// A renewal's request id: 4 to 36 letters, digits, `-`; no `-` first or last.
bool valid_issue_request_id(std::string_view request_id);

// The request id of twins and methods: 1 to 128 characters that are safe in a query.
bool valid_request_id(std::string_view request_id);
// 1 to 128 characters that are safe in a topic level.
bool valid_method_name(std::string_view name);

enum class RequestKind : std::uint8_t { kTelemetry, kIssueCertificate, kTwinGet, kTwinReport, kMethodAnswer };
struct RequestTopic {
  RequestKind kind = RequestKind::kTelemetry;
  std::string_view device_id;            // of telemetry
  std::string_view bag;                  // of telemetry; may be empty
  std::string_view request_id;           // of all others; of a method's answer: the one that it came with
  std::optional<std::uint64_t> version;  // of a report: the reported version that it builds on
  std::int32_t status = 0;               // of a method's answer: the device's own
};
// kNotFound: another topic; kMalformed: a request without a valid `$rid`, telemetry of nobody, a method's answer
// without a status.
Result<RequestTopic> parse_request_topic(std::string_view topic);

Result<std::string_view> write_credential_response_topic(std::uint16_t status, std::string_view request_id,
                                                         MutableBytes out);
// $iothub/twin/res/{status}/?$rid={rid}[&$version={version}]
Result<std::string_view> write_twin_response_topic(std::uint16_t status, std::string_view request_id,
                                                   std::optional<std::uint64_t> version, MutableBytes out);
// $iothub/twin/PATCH/properties/desired/?$version={version}
Result<std::string_view> write_desired_topic(std::uint64_t version, MutableBytes out);
// $iothub/methods/POST/{name}/?$rid={rid}
Result<std::string_view> write_method_topic(std::string_view name, std::string_view request_id, MutableBytes out);
Result<std::string_view> write_devicebound_topic(std::string_view device_id, std::string_view bag, MutableBytes out);

}  // namespace latchkey::agent::hub
