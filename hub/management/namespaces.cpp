// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "hub/management/internal/envelope.h"
#include "hub/management/internal/etags.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/paging.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;

namespace {

Answer<json> shape(const Context& context, const registry::Namespace& ns) {
  LATCHKEY_TRY(labels, labels_at(context, {"namespaces", ns.name}));
  auto body = namespace_json(context.place, ns);
  put_labels(body, labels, Kept::kTracked);
  return body;
}

// What the body says of the labels; there is nothing else to be said of a namespace.
Answer<registry::Call> read_namespace(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  registry::Call call = context.call;
  read_envelope(root, Kept::kTracked, call);
  auto properties = root.object("properties");
  pass_read_only(properties, {"uuid", "provisioningState"});
  LATCHKEY_TRY_VOID(reader->finish());
  return call;
}

Answer<Response> relabel(const Context& context, const registry::Call& call, const registry::Namespace& ns) {
  LATCHKEY_TRY(labels, labels_at(context, {"namespaces", ns.name}));
  LATCHKEY_TRY_VOID(check_location(call, labels));
  LATCHKEY_TRY_VOID(context.registry().relabel_namespace(call, ns.name));
  LATCHKEY_TRY(body, shape(context, ns));
  return answer(200, body);
}

}  // namespace

Answer<Response> list_namespaces(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_namespaces());
  json value = json::array();
  for (const auto& ns : list) {
    LATCHKEY_TRY(item, shape(context, ns));
    value.push_back(std::move(item));
  }
  return paged(context, std::move(value));
}

Answer<Response> show_namespace(const Context& context) {
  LATCHKEY_TRY(ns, context.registry().find_namespace(context.names[0]));
  LATCHKEY_TRY(body, shape(context, ns));
  return answer(200, body);
}

Answer<Response> create_namespace(const Context& context) {
  LATCHKEY_TRY(call, read_namespace(context));
  if (context.arm()) {
    const auto found = context.registry().find_namespace(context.names[0]);
    LATCHKEY_TRY_VOID(check_presence(context, found.has_value()));
    if (found) return relabel(context, call, *found);
  }
  LATCHKEY_TRY(created, context.registry().create_namespace(call, context.names[0]));
  LATCHKEY_TRY(body, shape(context, created.value));
  return answer(201, body);
}

Answer<Response> update_namespace(const Context& context) {
  LATCHKEY_TRY(call, read_namespace(context));
  LATCHKEY_TRY(ns, context.registry().find_namespace(context.names[0]));
  return relabel(context, call, ns);
}

Answer<Response> delete_namespace(const Context& context) {
  LATCHKEY_TRY_VOID(context.registry().delete_namespace(context.call, context.names[0]));
  return no_content();
}

}  // namespace latchkey::hub::management
