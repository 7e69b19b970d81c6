// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/hub.h"

#include "agent/protocol/topic_text.h"

namespace latchkey::agent::hub {
namespace {

constexpr std::string_view kDevices = "devices/";
constexpr std::string_view kEvents = "/messages/events/";
constexpr std::string_view kDevicebound = "/messages/devicebound/";
constexpr std::string_view kIssuePrefix = "$iothub/credentials/POST/issueCertificate/?";
constexpr std::string_view kCredentialPrefix = "$iothub/credentials/res/";
constexpr std::string_view kTwinGet = "$iothub/twin/GET/?";
constexpr std::string_view kTwinReport = "$iothub/twin/PATCH/properties/reported/?";
constexpr std::string_view kTwinResponse = "$iothub/twin/res/";
constexpr std::string_view kDesired = "$iothub/twin/PATCH/properties/desired/?$version=";
constexpr std::string_view kMethodCall = "$iothub/methods/POST/";
constexpr std::string_view kMethodAnswer = "$iothub/methods/res/";
constexpr std::string_view kRid = "$rid=";
constexpr std::size_t kMaxDeviceId = 128;
constexpr std::size_t kMaxRequestId = 128;
constexpr std::size_t kMaxMethodName = 128;

bool valid_device_id(std::string_view id) { return safe_in_query(id, kMaxDeviceId); }

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

Result<std::string_view> write_device_topic(std::string_view device_id, std::string_view folder, std::string_view tail,
                                            MutableBytes out) {
  if (!valid_device_id(device_id)) return fail(Status::kInvalidArgument);
  return TextWriter(out).put(kDevices).put(device_id).put(folder).put(tail).finish();
}

// A method's status is an int of the device's choice; SDKs print it with a sign when it has one.
Result<std::int32_t> parse_status(std::string_view text) {
  constexpr std::uint64_t kMost = 0x7fffffff;
  const bool negative = starts_with(text, "-");
  LATCHKEY_TRY(number, parse_decimal(negative ? text.substr(1) : text));
  if (number > kMost) return fail(Status::kMalformed);
  const auto status = static_cast<std::int32_t>(number);
  return negative ? -status : status;
}

Result<std::string_view> request_id_in(std::string_view query) {
  const auto rid = find_parameter(query, "$rid");
  if (!rid || !valid_request_id(*rid)) return fail(Status::kMalformed);
  return *rid;
}

Result<RequestTopic> parse_twin_report(std::string_view query) {
  RequestTopic request;
  request.kind = RequestKind::kTwinReport;
  LATCHKEY_TRY(rid, request_id_in(query));
  request.request_id = rid;
  if (const auto version = find_parameter(query, "$version")) {
    LATCHKEY_TRY(number, parse_decimal(*version));
    request.version = number;
  }
  return request;
}

Result<RequestTopic> parse_method_answer(std::string_view rest) {
  RequestTopic request;
  request.kind = RequestKind::kMethodAnswer;
  const std::size_t query_at = rest.find("/?");
  if (query_at == std::string_view::npos) return fail(Status::kMalformed);
  LATCHKEY_TRY(status, parse_status(rest.substr(0, query_at)));
  LATCHKEY_TRY(rid, request_id_in(rest.substr(query_at + 2)));
  request.status = status;
  request.request_id = rid;
  return request;
}

// What stands below $iothub/.
Result<RequestTopic> parse_service_topic(std::string_view topic) {
  RequestTopic request;
  if (starts_with(topic, kIssuePrefix)) {
    request.kind = RequestKind::kIssueCertificate;
    const auto rid = find_parameter(topic.substr(kIssuePrefix.size()), "$rid");
    if (!rid || !valid_issue_request_id(*rid)) return fail(Status::kMalformed);
    request.request_id = *rid;
    return request;
  }
  if (starts_with(topic, kTwinGet)) {
    request.kind = RequestKind::kTwinGet;
    LATCHKEY_TRY(rid, request_id_in(topic.substr(kTwinGet.size())));
    request.request_id = rid;
    return request;
  }
  if (starts_with(topic, kTwinReport)) return parse_twin_report(topic.substr(kTwinReport.size()));
  if (starts_with(topic, kMethodAnswer)) return parse_method_answer(topic.substr(kMethodAnswer.size()));
  return fail(Status::kNotFound);
}

}  // namespace

Result<std::string_view> write_username(std::string_view host, std::string_view device_id, MutableBytes out) {
  if (host.empty() || !safe_in_topic(host) || !valid_device_id(device_id)) return fail(Status::kInvalidArgument);
  return TextWriter(out).put(host).put('/').put(device_id).put("/?api-version=").put(kApiVersion).finish();
}

Result<std::string_view> write_telemetry_topic(std::string_view device_id, std::string_view bag, MutableBytes out) {
  if (!safe_in_topic(bag)) return fail(Status::kInvalidArgument);
  return write_device_topic(device_id, kEvents, bag, out);
}

Result<std::string_view> write_devicebound_filter(std::string_view device_id, MutableBytes out) {
  return write_device_topic(device_id, kDevicebound, "#", out);
}

Result<std::string_view> write_devicebound_topic(std::string_view device_id, std::string_view bag, MutableBytes out) {
  if (!safe_in_topic(bag)) return fail(Status::kInvalidArgument);
  return write_device_topic(device_id, kDevicebound, bag, out);
}

Result<std::string_view> write_issue_topic(std::string_view request_id, MutableBytes out) {
  if (!valid_issue_request_id(request_id)) return fail(Status::kInvalidArgument);
  return TextWriter(out).put(kIssuePrefix).put(kRid).put(request_id).finish();
}

Result<std::string_view> write_issue_body(std::string_view device_id, std::string_view csr_base64,
                                          std::string_view replace, MutableBytes out) {
  TextWriter writer(out);
  writer.put(R"({"id":")").put_json_escaped(device_id).put(R"(","csr":")").put_json_escaped(csr_base64).put('"');
  if (!replace.empty()) writer.put(R"(,"replace":")").put_json_escaped(replace).put('"');
  return writer.put('}').finish();
}

Result<CredentialResponseTopic> parse_credential_response_topic(std::string_view topic) {
  LATCHKEY_TRY(parts, split_response(topic, kCredentialPrefix));
  if (!starts_with(parts.query, kRid)) return fail(Status::kMalformed);
  const std::string_view rid = parts.query.substr(kRid.size());
  if (!valid_issue_request_id(rid)) return fail(Status::kMalformed);
  return CredentialResponseTopic{parts.status, rid};
}

Result<std::string_view> parse_devicebound_topic(std::string_view topic, std::string_view device_id) {
  if (!starts_with(topic, kDevices)) return fail(Status::kNotFound);
  topic.remove_prefix(kDevices.size());
  if (device_id.empty() || !starts_with(topic, device_id)) return fail(Status::kNotFound);
  topic.remove_prefix(device_id.size());
  if (!starts_with(topic, kDevicebound)) return fail(Status::kNotFound);
  return topic.substr(kDevicebound.size());
}

Result<Username> parse_username(std::string_view username) {
  const std::size_t query_at = username.find("/?");
  if (query_at == std::string_view::npos) return fail(Status::kMalformed);
  const std::string_view path = username.substr(0, query_at);
  const std::string_view query = username.substr(query_at + 2);
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos || slash == 0) return fail(Status::kMalformed);
  Username parsed;
  parsed.host = path.substr(0, slash);
  parsed.device_id = path.substr(slash + 1);
  const std::size_t module_at = parsed.device_id.find('/');
  if (module_at != std::string_view::npos) {
    parsed.module_id = parsed.device_id.substr(module_at + 1);
    parsed.device_id = parsed.device_id.substr(0, module_at);
    if (!valid_device_id(parsed.module_id)) return fail(Status::kMalformed);
  }
  if (!valid_device_id(parsed.device_id)) return fail(Status::kMalformed);
  const auto version = find_parameter(query, "api-version");
  if (!version || version->empty()) return fail(Status::kMalformed);
  parsed.api_version = *version;
  parsed.client_type = find_parameter(query, "DeviceClientType").value_or(std::string_view());
  return parsed;
}

bool valid_issue_request_id(std::string_view request_id) {
  if (request_id.size() < 4 || request_id.size() > 36) return false;
  if (request_id.front() == '-' || request_id.back() == '-') return false;
  for (char c : request_id) {
    const bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    if (!good) return false;
  }
  return true;
}

bool valid_request_id(std::string_view request_id) { return safe_in_query(request_id, kMaxRequestId); }

bool valid_method_name(std::string_view name) { return safe_in_query(name, kMaxMethodName); }

Result<RequestTopic> parse_request_topic(std::string_view topic) {
  if (starts_with(topic, "$")) return parse_service_topic(topic);
  RequestTopic request;
  if (!starts_with(topic, kDevices)) return fail(Status::kNotFound);
  const std::string_view rest = topic.substr(kDevices.size());
  const std::size_t end = rest.find('/');
  if (end == std::string_view::npos || !starts_with(rest.substr(end), kEvents)) return fail(Status::kNotFound);
  request.device_id = rest.substr(0, end);
  request.bag = rest.substr(end + kEvents.size());
  if (!valid_device_id(request.device_id)) return fail(Status::kMalformed);
  return request;
}

Result<std::string_view> write_credential_response_topic(std::uint16_t status, std::string_view request_id,
                                                         MutableBytes out) {
  if (!valid_issue_request_id(request_id)) return fail(Status::kInvalidArgument);
  return TextWriter(out).put(kCredentialPrefix).put_decimal(status, 3).put("/?").put(kRid).put(request_id).finish();
}

Result<std::string_view> write_twin_response_topic(std::uint16_t status, std::string_view request_id,
                                                   std::optional<std::uint64_t> version, MutableBytes out) {
  if (!valid_request_id(request_id)) return fail(Status::kInvalidArgument);
  TextWriter writer(out);
  writer.put(kTwinResponse).put_decimal(status, 3).put("/?").put(kRid).put(request_id);
  if (version) writer.put("&$version=").put_decimal(*version);
  return writer.finish();
}

Result<std::string_view> write_desired_topic(std::uint64_t version, MutableBytes out) {
  return TextWriter(out).put(kDesired).put_decimal(version).finish();
}

Result<std::string_view> write_method_topic(std::string_view name, std::string_view request_id, MutableBytes out) {
  if (!valid_method_name(name) || !valid_request_id(request_id)) return fail(Status::kInvalidArgument);
  return TextWriter(out).put(kMethodCall).put(name).put("/?").put(kRid).put(request_id).finish();
}

}  // namespace latchkey::agent::hub
