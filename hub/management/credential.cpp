// SPDX-License-Identifier: Apache-2.0
// The namespace's root CA as a resource.
#include <nlohmann/json.hpp>

#include "hub/management/internal/ca_acts.h"
#include "hub/management/internal/envelope.h"
#include "hub/management/internal/etags.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

Answer<json> shape(const Context& context, const registry::Credential& credential) {
  const std::string& ns = context.names[0];
  LATCHKEY_TRY(root, context.registry().find_ca(credential.ca));
  LATCHKEY_TRY(labels, labels_at(context, {"namespaces", ns, "credentials", "default"}));
  auto body = credential_json(context.place, ns, credential, root);
  put_labels(body, labels, Kept::kTracked);
  return body;
}

// What only the service writes comes back from callers that change what they read.
void pass_service_made(Fields& properties) {
  pass_read_only(properties, {"uuid", "provisioningState", "certificateAuthorityConfiguration"});
}

Answer<Response> relabel(const Context& context, const registry::Call& call, const registry::Credential& credential) {
  LATCHKEY_TRY(labels, labels_at(context, {"namespaces", context.names[0], "credentials", "default"}));
  LATCHKEY_TRY_VOID(check_location(call, labels));
  LATCHKEY_TRY_VOID(context.registry().relabel_credential(call, context.names[0]));
  LATCHKEY_TRY(body, shape(context, credential));
  return answer(200, body);
}

}  // namespace

Answer<Response> show_credential(const Context& context) {
  LATCHKEY_TRY(credential, context.registry().find_credential(context.names[0]));
  LATCHKEY_TRY(body, shape(context, credential));
  return answer(200, body);
}

Answer<Response> create_credential(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root_fields = reader->root();
  registry::Call call = context.call;
  read_envelope(root_fields, Kept::kTracked, call);
  auto properties = root_fields.object("properties");
  pass_service_made(properties);
  const auto profile = read_key_profile(properties, context);
  LATCHKEY_TRY_VOID(reader->finish());

  const std::string& ns = context.names[0];
  registry::Credential credential;
  {
    const std::lock_guard lock(context.ca_acts);
    if (context.arm()) {
      const auto found = context.registry().find_credential(ns);
      LATCHKEY_TRY_VOID(check_presence(context, found.has_value()));
      if (found) return relabel(context, call, *found);
    }
    auto made = context.parts.ca.make_root(profile, context.call.now);
    if (!made) return ca_refused(context, "credential.create", credential_path(ns), made.error());
    FreshCa root(context.parts.ca, std::move(*made));
    LATCHKEY_TRY(created, context.registry().create_credential(call, ns, root.made()));
    root.keep();
    credential = created.value;
  }
  LATCHKEY_TRY(body, shape(context, credential));
  return answer(201, body);
}

Answer<Response> update_credential(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  registry::Call call = context.call;
  read_envelope(root, Kept::kTracked, call);
  auto properties = root.object("properties");
  properties.immutable("keyProfile");
  pass_service_made(properties);
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(credential, context.registry().find_credential(context.names[0]));
  return relabel(context, call, credential);
}

Answer<Response> delete_credential(const Context& context) {
  {
    const std::lock_guard lock(context.ca_acts);
    const auto call = overriding_call(context);
    const auto waiting = pending_key(context, context.names[0], call.override_name);
    LATCHKEY_TRY_VOID(context.registry().delete_credential(call, context.names[0]));
    destroy_if_any(context, waiting);
    context.parts.ca.end_deleted_cas();
  }
  return no_content();  // hubs keep their CA certificates: there is nothing to enforce
}

Answer<Response> sync_credential(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(synced, context.registry().sync_credential(context.call, context.names[0]));
  auto& enforcement = context.parts.enforcement;
  // A removed CA certificate condemns sessions, an added one only admits some.
  auto enforced =
      synced.value.removed > 0 ? enforcement.wait_cut(synced.sequence) : enforcement.wait_applied(synced.sequence);
  LATCHKEY_TRY_VOID(std::move(enforced));
  return answer(200, {{"added", synced.value.added}, {"removed", synced.value.removed}});
}

}  // namespace latchkey::hub::management
