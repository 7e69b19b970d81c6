// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/authorities.h"

#include <map>

#include "hub/management/internal/text.h"

namespace latchkey::hub::management {

using registry::CaCertificate;
using registry::CaStatus;

namespace {

bool same(const std::string& wish, const std::string& name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  if (wish.empty()) return true;
  return wish.size() == name.size() &&
         std::equal(wish.begin(), wish.end(), name.begin(), [&](char a, char b) { return lower(a) == lower(b); });
}

class Search {
 public:
  Search(const Context& context, const registry::ExpiryScope& scope, UnixMs until)
      : context_(context), scope_(scope), until_(until) {}

  Answer<std::vector<Authority>> run() {
    LATCHKEY_TRY(cas, context_.registry().list_cas());
    for (auto& ca : cas) cas_.emplace(ca.id, std::move(ca));
    LATCHKEY_TRY_VOID(of_namespaces());
    LATCHKEY_TRY_VOID(of_hubs());
    if (scope_.policy.empty() && scope_.hub.empty()) {
      LATCHKEY_TRY_VOID(of_enrollments());
      of_the_process();
    }
    return std::move(found_);
  }

 private:
  void note(Authority one) {
    if (one.not_after > 0 && one.not_after <= until_) found_.push_back(std::move(one));
  }
  void note_ca(const CaCertificate& ca, Authority one) {
    one.name = uuid_text(ca.id);
    one.subject = ca.subject;
    one.not_after = ca.not_after;
    if (!ca.root.empty()) {
      const auto facts = facts_of(ca.root);
      Authority root = one;
      root.kind = "customerRoot";
      root.subject = facts.subject;
      root.not_after = facts.not_after;
      note(std::move(root));
    }
    note(std::move(one));
  }

  Answer<registry::Nothing> of_namespaces() {
    LATCHKEY_TRY(namespaces, context_.registry().list_namespaces());
    for (const auto& ns : namespaces) {
      names_[ns.uuid] = ns.name;
      if (!same(scope_.ns, ns.name)) continue;
      const auto credential = context_.registry().find_credential(ns.name);
      if (!credential) continue;
      const auto root = cas_.find(credential->ca);
      if (root != cas_.end() && scope_.policy.empty() && scope_.hub.empty()) {
        note_ca(root->second, {"root", {}, {}, ns.name, {}, {}, 0});
      }
      LATCHKEY_TRY(policies, context_.registry().list_policies(ns.name));
      for (const auto& policy : policies) of_policy(ns.name, policy);
    }
    return registry::Nothing{};
  }
  // All its active ones: a policy with a root of its own has several around a renewal.
  void of_policy(const std::string& ns, const registry::Policy& policy) {
    if (!same(scope_.policy, policy.name) || !scope_.hub.empty()) return;
    for (const auto& [id, ca] : cas_) {
      if (ca.owner == policy.uuid && ca.status == CaStatus::kActive) {
        note_ca(ca, {"issuing", {}, {}, ns, policy.name, {}, 0});
      }
    }
  }
  // Those whose policy is gone; with a hub asked for, all that it trusts.
  Answer<registry::Nothing> of_hubs() {
    if (!scope_.policy.empty()) return registry::Nothing{};
    LATCHKEY_TRY(hubs, context_.registry().list_hubs());
    for (const auto& hub : hubs) {
      const auto& ns = names_[hub.namespace_uuid];
      if (!same(scope_.hub, hub.name) || !same(scope_.ns, ns)) continue;
      LATCHKEY_TRY(certificates, context_.registry().list_hub_certificates(hub.name));
      for (const auto& certificate : certificates) {
        const auto ca = cas_.find(certificate.ca);
        if (ca == cas_.end() || (scope_.hub.empty() && ca->second.status == CaStatus::kActive)) continue;
        note_ca(ca->second, {"issuing", {}, {}, ns, {}, hub.name, 0});
      }
    }
    return registry::Nothing{};
  }
  Answer<registry::Nothing> of_enrollments() {
    LATCHKEY_TRY(enrollments, context_.registry().certificate_enrollments());
    for (const auto& enrollment : enrollments) {
      const auto& ns = names_[enrollment.namespace_uuid];
      if (!same(scope_.ns, ns)) continue;
      for (const auto* der : {&enrollment.primary, &enrollment.secondary}) {
        if (der->empty()) continue;
        auto facts = facts_of(*der);
        note({enrollment.group ? "enrollmentGroup" : "enrollment",
              enrollment.id,
              std::move(facts.subject),
              ns,
              enrollment.policy_name,
              {},
              facts.not_after});
      }
    }
    return registry::Nothing{};
  }
  void of_the_process() {
    if (context_.parts.own_certificates == nullptr || !scope_.ns.empty()) return;
    for (const auto& [name, der] : context_.parts.own_certificates->own_certificates()) {
      auto facts = facts_of(der);
      note({"server", name, std::move(facts.subject), {}, {}, {}, facts.not_after});
    }
  }

  const Context& context_;
  const registry::ExpiryScope& scope_;
  const UnixMs until_;
  std::map<Uuid, CaCertificate> cas_;
  std::map<Uuid, std::string> names_;  // of namespaces
  std::vector<Authority> found_;
};

}  // namespace

Answer<std::vector<Authority>> authorities_ending(const Context& context, const registry::ExpiryScope& scope,
                                                  UnixMs until) {
  return Search(context, scope, until).run();
}

}  // namespace latchkey::hub::management
