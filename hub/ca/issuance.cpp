// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/issuance.h"

#include <mutex>

namespace latchkey::hub::ca {
namespace {

using registry::Outcome;
using registry::Reason;

// A CA or key that is gone is our failure in the device's eyes; what it may wait out (storage, shutdown) stays.
registry::Refusal as_issuance_failure(registry::Refusal refusal) {
  if (refusal.reason == Reason::kNotFound || refusal.reason == Reason::kInternal)
    refusal.reason = Reason::kIssuanceFailed;
  return refusal;
}

}  // namespace

Outcome<Issuance::Ca> Issuance::find(const Uuid& id) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = cas_.find(id); found != cas_.end()) return found->second;
  }
  auto row = registry_.find_ca(id);
  if (!row) return fail(as_issuance_failure(row.error()));
  const auto ca = std::make_shared<const registry::CaCertificate>(*std::move(row));
  const std::unique_lock lock(mutex_);
  cas_[id] = ca;
  return ca;
}

// Between a customer's intermediate CA and its root there may be more than a device has room for: it gets the root that
// signed the issuing CA itself, or none.
Outcome<registry::Bytes> Issuance::root_of(const registry::CaCertificate& issuing) {
  if (issuing.issuer.is_zero()) return issuing.root;
  LATCHKEY_TRY(root, find(issuing.issuer));
  return root->der;
}

Outcome<registry::Committed<CertificateChain>> Issuance::issue(const registry::Call& call,
                                                               const registry::IssuanceGrant& grant, const Csr& csr,
                                                               const Keep& keep) {
  LATCHKEY_TRY(issuing, find(grant.ca));
  LATCHKEY_TRY(root, root_of(*issuing));
  auto leaf = authority_.sign_leaf(*issuing, grant, csr);
  if (!leaf) return fail(as_issuance_failure(leaf.error()));
  CertificateChain chain{*std::move(leaf), issuing->der, std::move(root)};
  LATCHKEY_TRY(recorded, registry_.finish_issuance(call, grant.serial, keep ? keep(chain) : std::nullopt));
  return registry::Committed<CertificateChain>{std::move(chain), recorded.sequence};
}

}  // namespace latchkey::hub::ca
