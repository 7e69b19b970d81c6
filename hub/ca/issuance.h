// SPDX-License-Identifier: Apache-2.0
// Issuance: from the registry's grant to a chain that a device can use. The registry stored the serial before this is
// called; the certificate is recorded as issued before anybody gets to see it.
//
// Threads: issue() may be called from any thread; it blocks until the registry's transaction is durable.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <shared_mutex>

#include "hub/ca/authority.h"

namespace latchkey::hub::ca {

// DER, in the order in which devices and services send it.
struct CertificateChain {
  registry::Bytes leaf;
  registry::Bytes issuing;
  registry::Bytes root;  // that signed the issuing CA; empty when that is the customer's CA and nobody told its root
};

class Issuance {
 public:
  // Both outlive this object.
  Issuance(registry::Registry& registry, Authority& authority) : registry_(registry), authority_(authority) {}

  // What is to be stored in the transaction that records the certificate.
  using Keep = std::function<std::optional<registry::Operation>(const CertificateChain& chain)>;

  // Refusals: kIssuanceFailed (CA or its key gone, signing failed), and the registry's own. `keep` may be empty.
  registry::Outcome<registry::Committed<CertificateChain>> issue(const registry::Call& call,
                                                                 const registry::IssuanceGrant& grant, const Csr& csr,
                                                                 const Keep& keep = {});

 private:
  using Ca = std::shared_ptr<const registry::CaCertificate>;
  registry::Outcome<Ca> find(const Uuid& id);
  registry::Outcome<registry::Bytes> root_of(const registry::CaCertificate& issuing);

  registry::Registry& registry_;
  Authority& authority_;
  std::shared_mutex mutex_;
  std::map<Uuid, Ca> cas_;  // guarded by mutex_; a CA's certificate and key name never change
};

}  // namespace latchkey::hub::ca
