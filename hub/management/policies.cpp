// SPDX-License-Identifier: Apache-2.0
// Policies: one issuing CA and the settings of the leaves below it.
#include <nlohmann/json.hpp>

#include "hub/management/internal/ca_acts.h"
#include "hub/management/internal/envelope.h"
#include "hub/management/internal/etags.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/own_roots.h"
#include "hub/management/internal/paging.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/revocation.h"
#include "hub/management/internal/shapes.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr int kUsualValidityDays = 30;
constexpr std::size_t kPortalNameLength = 50;  // the specification says 63

// In the older generation a policy had location and tags; in the newer one it lies where its credential does.
Kept kept(const Context& context) {
  return context.query_value("api-version") == "2025-11-01-preview" ? Kept::kTracked : Kept::kProxy;
}

struct PolicyBody {
  registry::Call call;  // with its labels
  std::optional<int> validity_days;
  registry::KeyProfile key_profile = registry::KeyProfile::kEcP256;
  bool key_profile_given = false;
  bool own_root = false;
};

enum class Act { kCreate, kUpdate };

Answer<PolicyBody> read_policy(const Context& context, Act act) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  PolicyBody body;
  body.call = context.call;
  read_envelope(root, kept(context), body.call);
  auto properties = root.object("properties");
  pass_read_only(properties, {"uuid", "provisioningState"});
  auto certificate = properties.object("certificate");
  auto authority = certificate.object("certificateAuthorityConfiguration");
  auto leaf = certificate.object("leafCertificateConfiguration");
  pass_read_only(authority, {"thumbprint", "certificateAuthority", "validityNotBefore", "validityNotAfter"});
  if (act == Act::kCreate) {
    authority.pass("subject");  // as the live service: a subject that is asked for is accepted, and not given
    const auto type = authority.text("keyType");
    if (type && *type != "ECC") authority.refuse(Reason::kInvalidArgument, "can only be ECC", "keyType");
    body.key_profile_given = authority.has("keyProfile");
    body.key_profile = read_key_profile(authority, context);
    auto own_root = authority.object("bringYourOwnRoot");
    body.own_root = own_root.flag("enabled").value_or(false);
    pass_read_only(own_root, {"status", "certificateSigningRequest", "issuingCertificateThumbprint"});
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

Answer<CommittedPolicy> create_below_root(const Context& context, const registry::Call& call, const std::string& ns,
                                          const std::string& name, int validity_days, registry::KeyProfile profile) {
  auto made = context.parts.ca.make_issuing(ns, profile, context.call.now);
  if (!made) return ca_refused(context, "policy.create", policy_path(ns, name), made.error());
  FreshCa issuing(context.parts.ca, std::move(*made));
  LATCHKEY_TRY(created, context.registry().create_policy(call, ns, {name, validity_days, issuing.made()}));
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
  const std::string& ns = context.names[0];
  LATCHKEY_TRY(labels, labels_at(context, {"namespaces", ns, "credentials", "default", "policies", policy.name}));
  auto body = policy_json(context.place, ns, policy, issuing, pending);
  put_labels(body, labels, kept(context));
  return body;
}

Answer<Response> list_policies(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_policies(context.names[0]));
  json value = json::array();
  for (const auto& policy : list) {
    LATCHKEY_TRY(item, shape(context, policy));
    value.push_back(std::move(item));
  }
  return paged(context, std::move(value));
}

Answer<Response> show_policy(const Context& context) {
  LATCHKEY_TRY(policy, context.registry().find_policy(context.names[0], context.names[1]));
  LATCHKEY_TRY(body, shape(context, policy));
  return answer(200, body);
}

namespace {

Answer<Response> change(const Context& context, const PolicyBody& wanted) {
  LATCHKEY_TRY(updated,
               context.registry().update_policy(wanted.call, context.names[0], context.names[1], wanted.validity_days));
  LATCHKEY_TRY(body, shape(context, updated.value));
  return answer(200, body);
}

// PUT of a policy that is there: what never changes has to be as it is.
Answer<Response> put_again(const Context& context, const PolicyBody& wanted, const registry::Policy& policy) {
  if (wanted.own_root != policy.own_root) {
    return fault(Reason::kImmutableProperty, "whether a policy has a root of its own cannot be changed",
                 "properties.certificate.certificateAuthorityConfiguration.bringYourOwnRoot.enabled");
  }
  if (wanted.key_profile_given && wanted.key_profile != policy.key_profile) {
    return fault(Reason::kImmutableProperty, "the key profile of a policy cannot be changed",
                 "properties.certificate.certificateAuthorityConfiguration.keyProfile");
  }
  return change(context, wanted);
}

}  // namespace

Answer<Response> create_policy(const Context& context) {
  LATCHKEY_TRY(wanted, read_policy(context, Act::kCreate));
  const std::string& ns = context.names[0];
  const std::string& name = context.names[1];
  const int days = wanted.validity_days.value_or(kUsualValidityDays);
  CommittedPolicy created;
  {
    const std::lock_guard lock(context.ca_acts);
    if (context.arm()) {
      const auto found = context.registry().find_policy(ns, name);
      LATCHKEY_TRY_VOID(check_presence(context, found.has_value()));
      if (found) return put_again(context, wanted, *found);
    }
    const auto create = wanted.own_root ? create_own_root : create_below_root;
    LATCHKEY_TRY(committed, create(context, wanted.call, ns, name, days, wanted.key_profile));
    created = std::move(committed);
  }
  LATCHKEY_TRY_VOID(context.parts.enforcement.wait_applied(created.sequence));
  LATCHKEY_TRY(body, shape(context, created.value));
  auto response = answer(201, body);
  if (name.size() > kPortalNameLength) {
    warn(response, "the portal takes policy names of " + std::to_string(kPortalNameLength) + " characters at the most");
  }
  return response;
}

Answer<Response> update_policy(const Context& context) {
  LATCHKEY_TRY(wanted, read_policy(context, Act::kUpdate));
  if (!wanted.validity_days && !wanted.call.labels->tags) {
    return fault(Reason::kMalformedRequest, "there is nothing to change: validityPeriodInDays is missing",
                 "properties.certificate.leafCertificateConfiguration.validityPeriodInDays");
  }
  return change(context, wanted);
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
