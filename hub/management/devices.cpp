// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/device_body.h"
#include "hub/management/internal/envelope.h"
#include "hub/management/internal/etags.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/paging.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/revocation.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/throttles.h"
#include "hub/text/json.h"
#include "registry/model/etag.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::size_t kUsualPage = 100;
constexpr std::size_t kLargestPage = 1000;

json shape(const Context& context, const registry::Device& device, const registry::Labels& labels, Names& names) {
  const std::string& ns = context.names[0];
  auto body = device_json(ns, device, context.parts.insight.connected(ns, device.id), names);
  body["etag"] = registry::etag_of(device);
  put_labels(body, labels, Kept::kTracked);
  const auto extra = labels.extra.empty() ? json() : json::parse(labels.extra, nullptr, false);
  if (!extra.is_object()) return body;
  for (const auto& [name, value] : extra.items()) {
    if (!name.starts_with(kHubsOwn)) body["properties"][name] = value;
  }
  return body;
}

Answer<json> shape(const Context& context, const registry::Device& device) {
  LATCHKEY_TRY(labels, context.registry().labels_of({device_labels_path(context.names[0], device.id)}));
  Names names(context.registry());
  return shape(context, device, labels.front(), names);
}

Answer<Response> device_answer(const Context& context, int status, const registry::Device& device) {
  LATCHKEY_TRY(body, shape(context, device));
  auto response = answer(status, body);
  response.etag = registry::etag_of(device);
  return response;
}

// Azure's rule, for devices that are made on Azure's face; those of provisioning have more characters to choose from.
Answer<registry::Nothing> check_name(const Context& context) {
  const auto& name = context.names[1];
  const auto alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const bool fits = name.size() >= 3 && name.size() <= 64 && alphanumeric(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
  if (!context.arm() || fits) return registry::Nothing{};
  return fault(Reason::kInvalidName, "a device's name has 3 to 64 letters, digits or '-', the first of them no '-'");
}

// list_json, from resources that are text already: a thousand of them as one tree are megabytes that are made and given
// back at every page.
Response list_of_texts(const std::string& value, const std::string& next) {
  const auto link = next.empty() ? std::string() : "\"nextLink\":" + text::dump(json(next)) + ",";
  return {200, "{" + link + "\"value\":[" + value + "]}"};
}

Answer<Response> change(const Context& context, const DeviceBody& body, DeviceAct act) {
  LATCHKEY_TRY(changed, change_device(context, context.names[0], context.names[1], body, act));
  return device_answer(context, 200, changed);
}

}  // namespace

Answer<Response> list_devices(const Context& context) {
  LATCHKEY_TRY(top, context.top(kUsualPage, kLargestPage));
  LATCHKEY_TRY(after, page_start(context));
  LATCHKEY_TRY(page, context.registry().list_devices(context.names[0], after, top));
  std::vector<std::string> paths;
  for (const auto& device : page.devices) paths.push_back(device_labels_path(context.names[0], device.id));
  LATCHKEY_TRY(labels, context.registry().labels_of(paths));
  Names names(context.registry());
  std::string value;
  for (std::size_t i = 0; i < page.devices.size(); ++i) {
    if (i > 0) value += ',';
    value += text::dump(shape(context, page.devices[i], labels[i], names));
  }
  return list_of_texts(value, page.next.empty() ? "" : next_link(context, top, page.next));
}

Answer<Response> show_device(const Context& context) {
  LATCHKEY_TRY(device, context.registry().find_device(context.names[0], context.names[1]));
  return device_answer(context, 200, device);
}

Answer<Response> create_device(const Context& context) {
  LATCHKEY_TRY(body, read_device(context, DeviceAct::kPut));
  const bool there = context.registry().find_device(context.names[0], context.names[1]).has_value();
  if (context.arm()) {
    LATCHKEY_TRY_VOID(check_presence(context, there));
    if (there) return change(context, body, DeviceAct::kPut);
    LATCHKEY_TRY_VOID(check_name(context));
  }
  if (!body.extra.empty()) body.call.labels->extra = text::dump(body.extra);
  LATCHKEY_TRY_VOID(admit(context, Counted::kDeviceCreation));
  LATCHKEY_TRY(created, context.registry().create_device(body.call, context.names[0], context.names[1], body.update));
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_applied(created.sequence));
  return device_answer(context, 201, created.value);
}

Answer<Response> update_device(const Context& context) {
  LATCHKEY_TRY(body, read_device(context, DeviceAct::kPatch));
  if (!body.says_something()) {
    return fault(Reason::kMalformedRequest, "there is nothing to change: 'properties.enabled' is missing",
                 "properties.enabled");
  }
  return change(context, body, DeviceAct::kPatch);
}

Answer<Response> revoke_device(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const bool disable = reader->root().flag("disable").value_or(false);
  const auto call = with_reason(context.call, reader->root());
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(revoked, context.registry().revoke_device(call, context.names[0], context.names[1], disable));
  context.parts.ca.crl_due();  // also if a gate is late: others read the lists
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_cut(revoked.sequence));
  LATCHKEY_TRY(body, shape(context, revoked.value));
  return answer(200, {{"result", "Succeeded"}, {"device", std::move(body)}});
}

Answer<Response> delete_device(const Context& context) {
  LATCHKEY_TRY(gone, context.registry().delete_device(context.call, context.names[0], context.names[1]));
  context.parts.ca.crl_due();
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_cut(gone.sequence));
  return no_content();
}

Answer<Response> list_device_certificates(const Context& context) {
  LATCHKEY_TRY(device, context.registry().find_device(context.names[0], context.names[1]));
  LATCHKEY_TRY(list, context.registry().list_certificates(context.names[0], context.names[1]));
  Names names(context.registry());
  json value = json::array();
  for (const auto& certificate : list) value.push_back(issued_json(certificate, device, names));
  return paged(context, std::move(value), "serialNumber");
}

}  // namespace latchkey::hub::management
