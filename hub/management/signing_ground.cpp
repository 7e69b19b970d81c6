// SPDX-License-Identifier: Apache-2.0
// Tenants, resource providers and resource groups.
#include <nlohmann/json.hpp>

#include "hub/management/internal/envelope.h"
#include "hub/management/internal/paging.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/signing_handlers.h"
#include "hub/management/internal/signing_shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::signing::Ground;

namespace {

json tenant_json(const registry::signing::Tenant& tenant) {
  return {{"id", "/tenants/" + tenant.id}, {"tenantId", tenant.id}, {"name", tenant.id}, {"displayName", tenant.name}};
}

Answer<registry::Call> read_group(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  registry::Call call = context.call;
  read_envelope(root, Kept::kTracked, call);
  auto properties = root.object("properties");
  pass_read_only(properties, {"provisioningState"});
  LATCHKEY_TRY_VOID(reader->finish());
  return call;
}

std::string plain_location(const std::string& location) {
  return location.empty() ? std::string(kUsualLocation) : location;
}

Answer<Response> change_group(const Context& context, const registry::Call& call) {
  Ground ground(rows_of(context));
  LATCHKEY_TRY(found, ground.find_group(where_of(context)));
  registry::Labels labels;
  labels.location = found.location;
  LATCHKEY_TRY_VOID(check_location(call, labels));
  LATCHKEY_TRY(changed, ground.update_group(call, where_of(context), call.labels->tags.value_or(found.tags)));
  return answer(200, group_json(changed));
}

}  // namespace

Answer<Response> list_tenants(const Context& context) {
  LATCHKEY_TRY(all, Ground(rows_of(context)).tenants());
  json value = json::array();
  for (const auto& tenant : all) value.push_back(tenant_json(tenant));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> update_tenant(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto name = reader->root().text("displayName");
  LATCHKEY_TRY_VOID(reader->finish());
  if (!name) return missing_member("displayName");
  LATCHKEY_TRY(tenant, Ground(rows_of(context)).rename_tenant(context.call, context.names[0], *name));
  return answer(200, tenant_json(tenant));
}

Answer<Response> list_providers(const Context& context) {
  LATCHKEY_TRY(all, Ground(rows_of(context)).providers(context.place.subscription));
  json value = json::array();
  for (const auto& provider : all) value.push_back(provider_json(context, provider));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_provider(const Context& context) {
  LATCHKEY_TRY(found, Ground(rows_of(context)).find_provider(context.place.subscription, context.names[0]));
  return answer(200, provider_json(context, found));
}

Answer<Response> register_provider(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(now,
               Ground(rows_of(context)).register_provider(context.call, context.place.subscription, context.names[0]));
  return answer(200, provider_json(context, now));
}

Answer<Response> list_groups(const Context& context) {
  LATCHKEY_TRY(all, Ground(rows_of(context)).list_groups(context.place.subscription));
  json value = json::array();
  for (const auto& group : all) value.push_back(group_json(group));
  return paged(context, std::move(value));
}

Answer<Response> show_group(const Context& context) {
  LATCHKEY_TRY(group, Ground(rows_of(context)).find_group(where_of(context)));
  return answer(200, group_json(group));
}

// As Azure does: of what is there, a change.
Answer<Response> create_group(const Context& context) {
  LATCHKEY_TRY(call, read_group(context));
  Ground ground(rows_of(context));
  if (ground.find_group(where_of(context))) return change_group(context, call);
  const auto location = plain_location(call.labels->location.value_or(""));
  LATCHKEY_TRY(made, ground.create_group(call, where_of(context), location, call.labels->tags.value_or("")));
  return answer(201, group_json(made));
}

Answer<Response> update_group(const Context& context) {
  LATCHKEY_TRY(call, read_group(context));
  return change_group(context, call);
}

Answer<Response> delete_group(const Context& context) {
  auto gone = Ground(rows_of(context)).delete_group(context.call, where_of(context));
  if (!gone && gone.error().reason == registry::Reason::kGroupNotFound && context.arm()) {
    return fault(registry::Reason::kNotFound, gone.error().detail);  // nothing to delete: 204
  }
  LATCHKEY_TRY_VOID(std::move(gone));
  return no_content();
}

}  // namespace latchkey::hub::management
