// SPDX-License-Identifier: Apache-2.0
// Root and issuing CAs, current and past. The real service does not show its roots; a rehearsal has to.
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

Answer<Response> list_cas(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_cas());
  Names names(context.registry());
  json value = json::array();
  for (const auto& ca : list) value.push_back(ca_json(ca, context.parts.ca.crl_file(ca.id), names));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_ca(const Context& context) {
  const auto id = parse_uuid(context.names[0]);
  if (!id) return fault(Reason::kInvalidName, "a certificate authority's name is a uuid");
  LATCHKEY_TRY(ca, context.registry().find_ca(*id));
  Names names(context.registry());
  return answer(200, ca_json(ca, context.parts.ca.crl_file(ca.id), names));
}

}  // namespace latchkey::hub::management
