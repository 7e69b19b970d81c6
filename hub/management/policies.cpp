// SPDX-License-Identifier: Apache-2.0
// Policies: one issuing CA and the settings of the leaves below it.
#include <nlohmann/json.hpp>

#include "hub/management/internal/ca_acts.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/own_roots.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/revocation.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr int kUsualValidityDays = 30;

struct PolicyBody {
  std::optional<int> validity_days;
  registry::KeyProfile key_profile = registry::KeyProfile::kEcP256;
  bool own_root = false;
};

enum class Act { kCreate, kUpdate };

Answer<PolicyBody> read_policy(const Context& context, Act act) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto certificate = reader->root().object("properties").object("certificate");
  auto authority = certificate.object("certificateAuthorityConfiguration");
  auto leaf = certificate.object("leafCertificateConfiguration");
  PolicyBody body;
  if (act == Act::kCreate) {
    const auto type = authority.text("keyType");
    if (type && *type != "ECC") authority.refuse(Reason::kInvalidArgument, "can only be ECC", "keyType");
    body.key_profile = read_key_profile(authority, context);
    body.own_root = authority.object("bringYourOwnRoot").flag("enabled").value_or(false);
  } else {
    for (const char* name : {"keyType", "keyProfile", "subject", "bringYourOwnRoot"}) authority.immutable(name);
  }
  if (const auto days = leaf.integer("validityPeriodInDays")) {
    // The registry knows the rule; it counts in int, and nothing beyond that is a validity.
    body.validity_days = *days >= 0 && *days <= 1'000'000 ? static_cast<int>(*days) : -1;
  }
  LATCHKEY_TRY_VOID(reader->finish());
  return body;
}

Answer<CommittedPolicy> create_below_root(const Context& context, const std::string& ns, const std::string& name,
                                          int validity_days, registry::KeyProfile profile) {
  auto made = context.parts.ca.make_issuing(ns, profile, context.call.now);
  if (!made) return ca_refused(context, "policy.create", policy_path(ns, name), made.error());
  FreshCa issuing(context.parts.ca, std::move(*made));
  LATCHKEY_TRY(created, context.registry().create_policy(context.call, ns, {name, validity_days, issuing.made()}));
  issuing.keep();
  return created;
}

Answer<CommittedPolicy> replace_issuing(const Context& context, const registry::Call& call,
                                        registry::KeyProfile profile) {
  const std::string& ns = context.names[0];
  const std::string& name = context.names[1];
  auto made = context.parts.ca.make_issuing(ns, profile, context.call.now);
  if (!made) return ca_refused(context, "policy.revoke", policy_path(ns, name), made.error());
  FreshCa replacement(context.parts.ca, std::move(*made));
  LATCHKEY_TRY(revoked, context.registry().revoke_policy(call, ns, name, replacement.made()));
  replacement.keep();
  return revoked;
}

}  // namespace

Answer<json> shape(const Context& context, const registry::Policy& policy) {
  LATCHKEY_TRY(issuing, context.registry().find_ca(policy.ca));
  std::optional<registry::CaCertificate> pending;
  if (policy.own_root) {
    LATCHKEY_TRY(found, context.registry().pending_ca(policy.uuid));
    pending = std::move(found);
  }
  return policy_json(context.names[0], policy, issuing, pending);
}

Answer<Response> list_policies(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_policies(context.names[0]));
  json value = json::array();
  for (const auto& policy : list) {
    LATCHKEY_TRY(item, shape(context, policy));
    value.push_back(std::move(item));
  }
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_policy(const Context& context) {
  LATCHKEY_TRY(policy, context.registry().find_policy(context.names[0], context.names[1]));
  LATCHKEY_TRY(body, shape(context, policy));
  return answer(200, body);
}

Answer<Response> create_policy(const Context& context) {
  LATCHKEY_TRY(wanted, read_policy(context, Act::kCreate));
  const std::string& ns = context.names[0];
  const std::string& name = context.names[1];
  const int days = wanted.validity_days.value_or(kUsualValidityDays);
  CommittedPolicy created;
  {
    const std::lock_guard lock(context.ca_acts);
    const auto create = wanted.own_root ? create_own_root : create_below_root;
    LATCHKEY_TRY(committed, create(context, ns, name, days, wanted.key_profile));
    created = std::move(committed);
  }
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_applied(created.sequence));
  LATCHKEY_TRY(body, shape(context, created.value));
  return answer(201, body);
}

Answer<Response> update_policy(const Context& context) {
  LATCHKEY_TRY(wanted, read_policy(context, Act::kUpdate));
  if (!wanted.validity_days) {
    return fault(Reason::kMalformedRequest, "there is nothing to change: validityPeriodInDays is missing",
                 "properties.certificate.leafCertificateConfiguration.validityPeriodInDays");
  }
  LATCHKEY_TRY(updated, context.registry().update_policy(context.call, context.names[0], context.names[1],
                                                         *wanted.validity_days));
  LATCHKEY_TRY(body, shape(context, updated.value));
  return answer(200, body);
}

Answer<Response> revoke_policy(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto call = with_reason(context.call, reader->root());
  LATCHKEY_TRY_VOID(reader->finish());
  const std::string& ns = context.names[0];
  const std::string& name = context.names[1];
  CommittedPolicy revoked;
  {
    const std::lock_guard lock(context.ca_acts);
    // A policy that is not there is refused by the registry, which audits it; P-256 costs less than a second look-up.
    const auto policy = context.registry().find_policy(ns, name);
    const auto profile = policy ? policy->key_profile : registry::KeyProfile::kEcP256;
    const auto revoke = policy && policy->own_root ? revoke_own_root : replace_issuing;
    LATCHKEY_TRY(committed, revoke(context, call, profile));
    revoked = std::move(committed);
  }
  // The old CA keeps its key: it still signs its own list. The root's list is due even if a gate is late.
  context.parts.ca.crl_due();
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_cut(revoked.sequence));
  LATCHKEY_TRY(body, shape(context, revoked.value));
  return answer(200, body);
}

Answer<Response> delete_policy(const Context& context) {
  {
    const std::lock_guard lock(context.ca_acts);
    const auto waiting = pending_key(context, context.names[0], context.names[1]);
    LATCHKEY_TRY_VOID(context.registry().delete_policy(overriding_call(context), context.names[0], context.names[1]));
    destroy_if_any(context, waiting);
    context.parts.ca.end_deleted_cas();
  }
  return no_content();  // hubs keep the CA certificate and its leaves keep working: there is nothing to enforce
}

}  // namespace latchkey::hub::management
