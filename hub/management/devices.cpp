// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/revocation.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::size_t kUsualPage = 100;
constexpr std::size_t kLargestPage = 1000;

json shape(const Context& context, const registry::Device& device, Names& names) {
  const std::string& ns = context.names[0];
  return device_json(ns, device, context.parts.insight.connected(ns, device.id), names);
}

Response device_answer(const Context& context, int status, const registry::Device& device) {
  Names names(context.registry());
  return answer(status, shape(context, device, names));
}

}  // namespace

Answer<Response> list_devices(const Context& context) {
  LATCHKEY_TRY(top, context.top(kUsualPage, kLargestPage));
  LATCHKEY_TRY(page,
               context.registry().list_devices(context.names[0], context.query_value("skipToken").value_or(""), top));
  Names names(context.registry());
  json value = json::array();
  for (const auto& device : page.devices) value.push_back(shape(context, device, names));
  std::string next;
  if (!page.next.empty()) {
    next = namespace_path(context.names[0]) + "/devices?top=" + std::to_string(top) +
           "&skipToken=" + percent_encode(page.next);
  }
  return answer(200, list_json(std::move(value), next));
}

Answer<Response> show_device(const Context& context) {
  LATCHKEY_TRY(device, context.registry().find_device(context.names[0], context.names[1]));
  return device_answer(context, 200, device);
}

Answer<Response> create_device(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  (void)reader->root().object("properties");
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(created, context.registry().create_device(context.call, context.names[0], context.names[1]));
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_applied(created.sequence));
  return device_answer(context, 201, created.value);
}

Answer<Response> update_device(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto properties = reader->root().object("properties");
  const auto enabled = properties.flag("enabled");
  for (const char* name : {"uuid", "credentialId", "registrationId", "version"}) properties.immutable(name);
  LATCHKEY_TRY_VOID(reader->finish());
  if (!enabled) {
    return fault(Reason::kMalformedRequest, "there is nothing to change: 'properties.enabled' is missing",
                 "properties.enabled");
  }
  LATCHKEY_TRY(updated, context.registry().update_device(context.call, context.names[0], context.names[1], {enabled}));
  auto& enforcement = context.parts.enforcement;
  auto enforced = *enabled ? enforcement.wait_applied(updated.sequence) : enforcement.wait_cut(updated.sequence);
  LATCHKEY_TRY_VOID(std::move(enforced));
  return device_answer(context, 200, updated.value);
}

Answer<Response> revoke_device(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const bool disable = reader->root().flag("disable").value_or(false);
  const auto call = with_reason(context.call, reader->root());
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(revoked, context.registry().revoke_device(call, context.names[0], context.names[1], disable));
  context.parts.ca.crl_due();  // also if a gate is late: others read the lists
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_cut(revoked.sequence));
  Names names(context.registry());
  return answer(200, {{"result", "Succeeded"}, {"device", shape(context, revoked.value, names)}});
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
  return answer(200, list_json(std::move(value)));
}

}  // namespace latchkey::hub::management
