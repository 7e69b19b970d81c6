// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/own_roots.h"

#include <nlohmann/json.hpp>

#include "hub/management/internal/ca_acts.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

namespace {

// Nothing waits, or there is no such policy: the registry says so, and audits it, for an empty certificate.
Answer<registry::SignedCa> checked(const Context& context, const std::string& chain) {
  const auto policy = context.registry().find_policy(context.names[0], context.names[1]);
  if (!policy || !policy->own_root) return registry::SignedCa{};
  LATCHKEY_TRY(pending, context.registry().pending_ca(policy->uuid));
  if (!pending) return registry::SignedCa{};
  auto signed_ca = context.parts.ca.check_signed(*pending, chain, context.call.now);
  if (signed_ca) return *std::move(signed_ca);
  return ca_refused(context, "policy.activate", policy_path(context.names[0], context.names[1]), signed_ca.error());
}

}  // namespace

Answer<CommittedPolicy> create_own_root(const Context& context, const registry::Call& call, const std::string& ns,
                                        const std::string& name, int validity_days, registry::KeyProfile profile) {
  auto made = context.parts.ca.make_request(profile);
  if (!made) return ca_refused(context, "policy.create", policy_path(ns, name), made.error());
  FreshCsr request(context.parts.ca, std::move(*made));
  LATCHKEY_TRY(created, context.registry().create_own_root_policy(call, ns, {name, validity_days, request.made()}));
  request.keep();
  return created;
}

Answer<CommittedPolicy> revoke_own_root(const Context& context, const registry::Call& call,
                                        registry::KeyProfile profile) {
  const std::string& ns = context.names[0];
  const std::string& name = context.names[1];
  if (!context.parts.own_root_revoke_rotates) {
    LATCHKEY_TRY(never, context.registry().revoke_policy(call, ns, name, {}));
    return never;
  }
  auto made = context.parts.ca.make_request(profile);
  if (!made) return ca_refused(context, "policy.revoke", policy_path(ns, name), made.error());
  FreshCsr request(context.parts.ca, std::move(*made));
  const auto waiting = pending_key(context, ns, name);
  LATCHKEY_TRY(rotated, context.registry().rotate_own_root(call, ns, name, request.made()));
  request.keep();
  destroy_if_any(context, waiting);
  return rotated;
}

Answer<Response> activate_own_root(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto chain = reader->root().text("certificateChain");
  LATCHKEY_TRY_VOID(reader->finish());
  if (!chain) {
    return fault(registry::Reason::kMalformedRequest, "'certificateChain' is missing", "certificateChain");
  }
  CommittedPolicy activated;
  {
    const std::lock_guard lock(context.ca_acts);
    LATCHKEY_TRY(signed_ca, checked(context, *chain));
    LATCHKEY_TRY(committed, context.registry().activate_policy(context.call, context.names[0], context.names[1],
                                                               std::move(signed_ca)));
    activated = std::move(committed);
  }
  context.parts.ca.crl_due();  // the new CA's first list
  LATCHKEY_TRY(body, shape(context, activated.value));
  return answer(200, body);  // hubs know nothing of it before the next sync: there is nothing to wait for
}

}  // namespace latchkey::hub::management
