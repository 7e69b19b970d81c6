// SPDX-License-Identifier: Apache-2.0
// Hubs, and the CA certificates that each of them trusts.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

Answer<json> shape(const Context& context, const registry::HubCertificate& certificate, Names& names) {
  LATCHKEY_TRY(ca, context.registry().find_ca(certificate.ca));
  return hub_certificate_json(certificate, context.names[0], ca, names);
}

}  // namespace

Answer<Response> list_hubs(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_hubs());
  Names names(context.registry());
  json value = json::array();
  for (const auto& hub : list) value.push_back(hub_json(hub, names));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_hub(const Context& context) {
  LATCHKEY_TRY(hub, context.registry().find_hub(context.names[0]));
  Names names(context.registry());
  return answer(200, hub_json(hub, names));
}

Answer<Response> list_hub_certificates(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_hub_certificates(context.names[0]));
  Names names(context.registry());
  json value = json::array();
  for (const auto& certificate : list) {
    LATCHKEY_TRY(item, shape(context, certificate, names));
    value.push_back(std::move(item));
  }
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_hub_certificate(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_hub_certificates(context.names[0]));
  const auto found =
      std::find_if(list.begin(), list.end(), [&context](const auto& item) { return item.name == context.names[1]; });
  if (found == list.end()) {
    return fault(Reason::kNotFound, "hub '" + context.names[0] + "' has no certificate '" + context.names[1] + "'");
  }
  Names names(context.registry());
  LATCHKEY_TRY(body, shape(context, *found, names));
  return answer(200, body);
}

Answer<Response> delete_hub_certificate(const Context& context) {
  LATCHKEY_TRY(gone, context.registry().delete_hub_certificate(context.call, context.names[0], context.names[1]));
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_cut(gone.sequence));
  return no_content();
}

}  // namespace latchkey::hub::management
