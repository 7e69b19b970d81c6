// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;

Answer<Response> list_namespaces(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_namespaces());
  json value = json::array();
  for (const auto& ns : list) value.push_back(namespace_json(ns));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_namespace(const Context& context) {
  LATCHKEY_TRY(ns, context.registry().find_namespace(context.names[0]));
  return answer(200, namespace_json(ns));
}

Answer<Response> create_namespace(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  (void)reader->root().object("properties");
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(created, context.registry().create_namespace(context.call, context.names[0]));
  return answer(201, namespace_json(created.value));
}

Answer<Response> delete_namespace(const Context& context) {
  LATCHKEY_TRY_VOID(context.registry().delete_namespace(context.call, context.names[0]));
  return no_content();
}

}  // namespace latchkey::hub::management
