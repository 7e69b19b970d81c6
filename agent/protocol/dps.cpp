// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/dps.h"

#include "agent/protocol/topic_text.h"
#include "platform/base/ids.h"

namespace latchkey::agent::dps {
namespace {

constexpr std::string_view kRegistrations = "/registrations/";
constexpr std::string_view kVersionKey = "api-version";
constexpr std::string_view kRegisterPrefix = "$dps/registrations/PUT/iotdps-register/?";
constexpr std::string_view kPollPrefix = "$dps/registrations/GET/iotdps-get-operationstatus/?";
constexpr std::string_view kResponsePrefix = "$dps/registrations/res/";
constexpr std::string_view kFirstWithCsr = "2025-07-01";

bool valid_scope(std::string_view id_scope) {
  return !id_scope.empty() && id_scope.find('/') == std::string_view::npos && safe_in_topic(id_scope);
}

}  // namespace

Result<std::string_view> write_username(std::string_view id_scope, std::string_view registration_id, MutableBytes out) {
  if (!valid_scope(id_scope) || !valid_registration_id(registration_id)) return fail(Status::kInvalidArgument);
  return TextWriter(out)
      .put(id_scope)
      .put(kRegistrations)
      .put(registration_id)
      .put("/api-version=")
      .put(kApiVersion)
      .finish();
}

Result<std::string_view> write_resource(std::string_view id_scope, std::string_view registration_id, MutableBytes out) {
  if (!valid_scope(id_scope) || !valid_registration_id(registration_id)) return fail(Status::kInvalidArgument);
  return TextWriter(out)
      .put_url_encoded(id_scope)
      .put_url_encoded(kRegistrations)
      .put_url_encoded(registration_id)
      .finish();
}

Result<std::string_view> write_register_topic(std::string_view request_id, MutableBytes out) {
  if (!safe_in_query(request_id, kMaxRequestId)) return fail(Status::kInvalidArgument);
  return TextWriter(out).put(kRegisterPrefix).put("$rid=").put(request_id).finish();
}

Result<std::string_view> write_poll_topic(std::string_view request_id, std::string_view operation_id,
                                          MutableBytes out) {
  if (!safe_in_query(request_id, kMaxRequestId) || !safe_in_query(operation_id, kMaxOperationId)) {
    return fail(Status::kInvalidArgument);
  }
  return TextWriter(out).put(kPollPrefix).put("$rid=").put(request_id).put("&operationId=").put(operation_id).finish();
}

Result<std::string_view> write_register_body(std::string_view registration_id, std::string_view csr_base64,
                                             MutableBytes out) {
  TextWriter writer(out);
  writer.put(R"({"registrationId":")").put_json_escaped(registration_id).put('"');
  if (!csr_base64.empty()) writer.put(R"(,"csr":")").put_json_escaped(csr_base64).put('"');
  return writer.put('}').finish();
}

Result<ResponseTopic> parse_response_topic(std::string_view topic) {
  LATCHKEY_TRY(parts, split_response(topic, kResponsePrefix));
  ResponseTopic response;
  response.status = parts.status;
  const auto rid = find_parameter(parts.query, "$rid");
  if (!rid || rid->empty()) return fail(Status::kMalformed);
  response.request_id = *rid;
  if (const auto wait = find_parameter(parts.query, "retry-after")) {
    LATCHKEY_TRY(seconds, parse_decimal(*wait));
    if (seconds > UINT32_MAX) return fail(Status::kMalformed);
    response.retry_after_s = static_cast<std::uint32_t>(seconds);
  }
  return response;
}

Result<Username> parse_username(std::string_view username) {
  const std::size_t middle = username.find(kRegistrations);
  if (middle == std::string_view::npos) return fail(Status::kMalformed);
  Username parsed;
  parsed.id_scope = username.substr(0, middle);
  const std::string_view rest = username.substr(middle + kRegistrations.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return fail(Status::kMalformed);
  parsed.registration_id = rest.substr(0, slash);
  std::string_view query = rest.substr(slash + 1);
  if (!query.empty() && query.front() == '?') query.remove_prefix(1);
  const auto version = find_parameter(query, kVersionKey);
  if (!version || version->empty()) return fail(Status::kMalformed);
  parsed.api_version = *version;
  parsed.client_version = find_parameter(query, "ClientVersion").value_or(std::string_view());
  if (!valid_scope(parsed.id_scope) || !valid_registration_id(parsed.registration_id)) return fail(Status::kMalformed);
  return parsed;
}

bool version_carries_csr(std::string_view api_version) {
  return well_formed_version(api_version) && api_version.substr(0, kFirstWithCsr.size()) >= kFirstWithCsr;
}

Result<RequestTopic> parse_request_topic(std::string_view topic) {
  RequestTopic request;
  std::string_view query;
  if (topic.substr(0, kRegisterPrefix.size()) == kRegisterPrefix) {
    query = topic.substr(kRegisterPrefix.size());
  } else if (topic.substr(0, kPollPrefix.size()) == kPollPrefix) {
    request.kind = RequestKind::kPoll;
    query = topic.substr(kPollPrefix.size());
  } else {
    return fail(Status::kNotFound);
  }
  const auto rid = find_parameter(query, "$rid");
  if (!rid || !safe_in_query(*rid, kMaxRequestId)) return fail(Status::kMalformed);
  request.request_id = *rid;
  if (request.kind == RequestKind::kPoll) {
    const auto operation = find_parameter(query, "operationId");
    if (!operation || !safe_in_query(*operation, kMaxOperationId)) return fail(Status::kMalformed);
    request.operation_id = *operation;
  }
  return request;
}

Result<std::string_view> write_response_topic(std::uint16_t status, std::string_view request_id,
                                              std::optional<std::uint32_t> retry_after_s, MutableBytes out) {
  if (!safe_in_query(request_id, kMaxRequestId)) return fail(Status::kInvalidArgument);
  TextWriter writer(out);
  writer.put(kResponsePrefix).put_decimal(status).put("/?$rid=").put(request_id);
  if (retry_after_s) writer.put("&retry-after=").put_decimal(*retry_after_s);
  return writer.finish();
}

}  // namespace latchkey::agent::dps
