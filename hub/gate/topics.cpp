// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/topics.h"

#include <array>

#include "agent/protocol/dps.h"
#include "agent/protocol/hub.h"
#include "hub/wire/firmware.h"

namespace latchkey::hub::gate {
namespace {

constexpr std::string_view kDevices = "devices/";
constexpr std::string_view kDevicebound = "/messages/devicebound/";
constexpr std::array<std::string_view, 5> kHubFilters = {agent::hub::kCredentialFilter, agent::hub::kTwinFilter,
                                                         agent::hub::kMethodFilter, agent::hub::kDesiredFilter,
                                                         wire::kFirmwareFilter};

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// What stands behind devices/{own id}/messages/devicebound/, or nothing.
bool is_devicebound(std::string_view device_id, std::string_view topic, std::string_view& rest) {
  if (!starts_with(topic, kDevices)) return false;
  topic.remove_prefix(kDevices.size());
  if (!starts_with(topic, device_id)) return false;
  topic.remove_prefix(device_id.size());
  if (!starts_with(topic, kDevicebound)) return false;
  rest = topic.substr(kDevicebound.size());
  return true;
}

PublishTopic classify_dps(std::string_view topic) {
  const auto request = agent::dps::parse_request_topic(topic);
  if (!request) return {Publish::kClose, {}};
  const bool poll = request->kind == agent::dps::RequestKind::kPoll;
  return {poll ? Publish::kPoll : Publish::kRegister, request->request_id};
}

PublishTopic classify_hub(std::string_view device_id, std::string_view topic) {
  if (topic == wire::kFirmwareReport) return {Publish::kFirmwareReport, {}};
  if (const auto query = wire::piece_query(topic)) {
    const auto rid = agent::find_parameter(*query, "$rid");
    if (!rid || !agent::hub::valid_request_id(*rid)) return {};
    return {Publish::kFirmwarePiece, *rid};
  }
  const auto request = agent::hub::parse_request_topic(topic);
  if (!request) return {};
  switch (request->kind) {
    case agent::hub::RequestKind::kIssueCertificate: return {Publish::kIssue, request->request_id};
    case agent::hub::RequestKind::kTwinGet:
    case agent::hub::RequestKind::kTwinReport: return {Publish::kTwin, request->request_id};
    case agent::hub::RequestKind::kMethodAnswer: return {Publish::kMethod, request->request_id};
    case agent::hub::RequestKind::kTelemetry: break;
  }
  return {request->device_id == device_id ? Publish::kTelemetry : Publish::kDenied, {}};
}

}  // namespace

PublishTopic classify_publish(Endpoint endpoint, std::string_view device_id, std::string_view topic) {
  return endpoint == Endpoint::kDps ? classify_dps(topic) : classify_hub(device_id, topic);
}

bool may_subscribe(Endpoint endpoint, std::string_view device_id, std::string_view filter) {
  if (endpoint == Endpoint::kDps) return filter == agent::dps::kResponseFilter;
  for (const std::string_view allowed : kHubFilters) {
    if (filter == allowed) return true;
  }
  std::string_view rest;
  return is_devicebound(device_id, filter, rest) && rest == "#";
}

bool may_read(Endpoint endpoint, std::string_view device_id, std::string_view topic) {
  if (endpoint == Endpoint::kDps) return matches(agent::dps::kResponseFilter, topic);
  for (const std::string_view allowed : kHubFilters) {
    if (matches(allowed, topic)) return true;
  }
  return is_devicebound(device_id, topic);
}

bool is_devicebound(std::string_view device_id, std::string_view topic) {
  std::string_view rest;
  return is_devicebound(device_id, topic, rest);
}

bool is_answer(std::string_view topic) {
  return matches(agent::dps::kResponseFilter, topic) || matches(agent::hub::kCredentialFilter, topic) ||
         matches(agent::hub::kTwinFilter, topic) || wire::is_piece_answer(topic);
}

bool matches(std::string_view filter, std::string_view topic) {
  if (filter.size() < 2 || filter.substr(filter.size() - 2) != "/#") return filter == topic;
  filter.remove_suffix(2);
  // The parent level matches too: "a/#" covers "a".
  return starts_with(topic, filter) && (topic.size() == filter.size() || topic[filter.size()] == '/');
}

}  // namespace latchkey::hub::gate
