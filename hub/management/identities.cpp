// SPDX-License-Identifier: Apache-2.0
// Device identities, as hubs serve them: the same devices as the registry's, in a hub's flat form. What Azure Device
// Registry owns of them (its uuid, the policy) is shown, and not taken.
#include <nlohmann/json.hpp>

#include "hub/management/internal/identity_body.h"
#include "hub/management/internal/identity_query.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"
#include "hub/management/internal/throttles.h"
#include "hub/text/json.h"
#include "registry/model/etag.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::size_t kLargestPage = 1000;
constexpr std::size_t kUsualPage = 100;
constexpr std::size_t kBlock = 250;      // of devices that a query with conditions looks at together
constexpr std::size_t kMostSeen = 1000;  // by one page of it
constexpr std::size_t kLongestReason = 128;
constexpr const char* kStatusReason = "$statusReason";
constexpr const char* kNever = "0001-01-01T00:00:00Z";
constexpr const char* kServiceMade[] = {"generationId",
                                        "etag",
                                        "connectionState",
                                        "connectionStateUpdatedTime",
                                        "statusUpdatedTime",
                                        "lastActivityTime",
                                        "cloudToDeviceMessageCount",
                                        "deviceScope",
                                        "parentScopes",
                                        "adrDeviceProperties",
                                        "armSyncStatus",
                                        "deviceResourceId",
                                        "attributes"};

std::string digits(const Uuid& id) { return hex(ByteView(id.bytes)); }

json identity_json(const Context& context, const std::string& ns, const registry::Device& device,
                   const registry::Labels& labels, Names& names) {
  // Most have none, and the parser would word for each what it misses.
  const auto extra = labels.extra.empty() ? json() : json::parse(labels.extra, nullptr, false);
  const bool connected = context.parts.insight.connected(ns, device.id).value_or(false);
  const auto policy = device.policy ? names.policy_id(*device.policy) : std::nullopt;
  json nothing = {{"primaryKey", json()}, {"secondaryKey", json()}};
  return {{"deviceId", device.id},
          {"generationId", digits(device.uuid)},
          {"etag", registry::etag_of(device)},
          {"connectionState", connected ? "Connected" : "Disconnected"},
          {"connectionStateUpdatedTime", kNever},
          {"status", device.enabled ? "enabled" : "disabled"},
          {"statusReason", extra.is_object() ? extra.value(kStatusReason, json()) : json()},
          {"statusUpdatedTime", iso8601(device.updated)},
          {"lastActivityTime", kNever},
          {"cloudToDeviceMessageCount", 0},
          {"authentication",
           {{"type", "certificateAuthority"},
            {"symmetricKey", nothing},
            {"x509Thumbprint", {{"primaryThumbprint", json()}, {"secondaryThumbprint", json()}}},
            {"policyResourceId", policy ? json(*policy) : json()}}},
          {"capabilities", {{"iotEdge", false}}},
          {"deviceResourceId", resource_id(context.place, {"namespaces", ns, "devices", device.id})},
          {"armSyncStatus", "Succeeded"},
          {"adrDeviceProperties",
           {{"uuid", uuid_text(device.uuid)}, {"name", device.id}, {"etag", registry::etag_of(device)}}}};
}

Answer<json> identities(const Context& context, const std::string& ns, const std::vector<registry::Device>& devices) {
  std::vector<std::string> paths;
  for (const auto& device : devices) paths.push_back(device_labels_path(ns, device.id));
  LATCHKEY_TRY(labels, context.registry().labels_of(paths));
  Names names(context.registry());
  json list = json::array();
  for (std::size_t i = 0; i < devices.size(); ++i) {
    list.push_back(identity_json(context, ns, devices[i], labels[i], names));
  }
  return list;
}

Answer<Response> identity_answer(const Context& context, const registry::Device& device) {
  LATCHKEY_TRY(list, identities(context, namespace_of(context), {device}));
  auto response = answer(200, list.front());
  response.etag = registry::etag_of(device);
  return response;
}

// Hubs here know devices by certificates of their namespace and by nothing else.
void read_authentication(Fields& root) {
  if (root.is_null("authentication")) return;
  auto authentication = root.object("authentication");
  const auto type = authentication.text("type").value_or("certificateAuthority");
  if (type != "certificateAuthority") {
    authentication.refuse(Reason::kInvalidArgument, "can only be certificateAuthority here", "type");
  }
  for (const char* name : {"symmetricKey", "x509Thumbprint", "policyResourceId", "x509CaValidation"}) {
    authentication.pass(name);  // as they are read, empty; ARM's own may not be written from here
  }
}

}  // namespace

std::string namespace_of(const Context& context) { return context.query_value("namespace").value_or("default"); }

Answer<DeviceBody> read_identity(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  DeviceBody body;
  body.call = context.call;
  body.call.labels.emplace();
  const auto id = root.text("deviceId");
  if (id && *id != context.names[0]) root.refuse(Reason::kInvalidArgument, "is not the id in the path", "deviceId");
  const auto status = root.text("status").value_or("enabled");
  if (status != "enabled" && status != "disabled") {
    root.refuse(Reason::kInvalidArgument, "is neither enabled nor disabled", "status");
  }
  body.update.enabled = status == "enabled";
  const auto reason = root.text_or_null("statusReason").value_or("");
  if (reason.size() > kLongestReason) root.refuse(Reason::kInvalidArgument, "is longer than 128", "statusReason");
  body.extra[kStatusReason] = reason.empty() ? json() : json(reason);
  read_authentication(root);
  if (root.object("capabilities").flag("iotEdge").value_or(false)) {
    root.refuse(Reason::kInvalidArgument, "wants an edge device, which there is none of here", "capabilities.iotEdge");
  }
  for (const char* name : kServiceMade) root.pass(name);
  LATCHKEY_TRY_VOID(reader->finish());
  return body;
}

Answer<Response> list_identities(const Context& context) {
  LATCHKEY_TRY(top, context.top(kLargestPage, kLargestPage));
  const auto ns = namespace_of(context);
  LATCHKEY_TRY(page, context.registry().list_devices(ns, "", top));
  LATCHKEY_TRY(list, identities(context, ns, page.devices));
  return answer(200, list);
}

Answer<Response> show_identity(const Context& context) {
  LATCHKEY_TRY(device, context.registry().find_device(namespace_of(context), context.names[0]));
  return identity_answer(context, device);
}

// Without If-Match it is there to create, and refused when the device is there already.
Answer<Response> put_identity(const Context& context) {
  LATCHKEY_TRY(body, read_identity(context));
  const auto ns = namespace_of(context);
  if (!context.if_match.empty()) {
    LATCHKEY_TRY(changed, change_device(context, ns, context.names[0], body, DeviceAct::kPut));
    return identity_answer(context, changed);
  }
  body.call.labels->extra = text::dump(body.extra);
  LATCHKEY_TRY_VOID(admit(context, Counted::kDeviceCreation));
  LATCHKEY_TRY(created, context.registry().create_device(body.call, ns, context.names[0], body.update));
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_applied(created.sequence));
  return identity_answer(context, created.value);
}

Answer<Response> delete_identity(const Context& context) {
  LATCHKEY_TRY(gone, context.registry().delete_device(context.call, namespace_of(context), context.names[0]));
  context.parts.ca.crl_due();
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_cut(gone.sequence));
  return no_content();
}

Answer<Response> query_identities(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto text = reader->root().text("query").value_or("");
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(query, parse_identity_query(text));
  LATCHKEY_TRY(most, item_limit(context, kUsualPage, kLargestPage));
  LATCHKEY_TRY(after, continuation(context));
  const auto ns = namespace_of(context);
  json found = json::array();
  // A page of few may be followed by more: a query that fits hardly any device is not to hold up its caller.
  const std::size_t block = query.chooses() ? kBlock : most;
  for (std::size_t seen = 0; seen < kMostSeen && found.size() < most; seen += block) {
    LATCHKEY_TRY(page, context.registry().list_devices(ns, after, block));
    LATCHKEY_TRY(list, identities(context, ns, page.devices));
    after = page.next;
    for (auto& identity : list) {
      if (found.size() == most) {
        after = found.back()["deviceId"];
        break;
      }
      if (query.fits(identity)) found.push_back(std::move(identity));
    }
    if (after.empty()) break;
  }
  auto response = answer(200, found);
  response.fields.emplace_back("x-ms-item-type", "Device");
  if (!after.empty()) response.fields.emplace_back("x-ms-continuation", base64(ByteView(after)));
  return response;
}

Answer<Response> show_statistics(const Context& context) {
  LATCHKEY_TRY(counts, context.registry().count_devices(namespace_of(context)));
  return answer(200, {{"totalDeviceCount", counts.all},
                      {"enabledDeviceCount", counts.enabled},
                      {"disabledDeviceCount", counts.all - counts.enabled}});
}

}  // namespace latchkey::hub::management
