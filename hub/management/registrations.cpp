// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;

Answer<Response> list_registrations(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_registrations());
  Names names(context.registry());
  json value = json::array();
  for (const auto& registration : list) value.push_back(registration_json(registration, names));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_registration(const Context& context) {
  LATCHKEY_TRY(registration, context.registry().find_registration(context.names[0]));
  Names names(context.registry());
  return answer(200, registration_json(registration, names));
}

}  // namespace latchkey::hub::management
