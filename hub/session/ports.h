// SPDX-License-Identifier: Apache-2.0
// What the session room needs from the other rooms of the hub; hub/app implements these over hub/ca and hub/link.
//
// Threads: every function may be called from several threads at once; all but Outbox::deliver may block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "hub/wire/envelope.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::session {

// A signed certificate with its chain, recorded as issued.
struct IssuedChain {
  std::vector<registry::Bytes> certificates;  // DER: leaf, issuing CA, root
  registry::Sequence sequence = 0;
};

// A CSR that was found good, as the issuer keeps it until it signs.
class CheckedCsr {
 public:
  virtual ~CheckedCsr() = default;
};
using CheckedCsrPtr = std::shared_ptr<const CheckedCsr>;

// What is to be remembered of a certificate, made of its chain (DER: leaf, issuing CA, root) before anybody may see it.
using Keep = std::function<std::optional<registry::Operation>(const std::vector<registry::Bytes>& certificates)>;

class CertificateIssuer {
 public:
  virtual ~CertificateIssuer() = default;
  // Fresh and random; the registry stores it before anything is signed.
  virtual registry::Bytes new_serial() = 0;
  // kCsrUnreadable (not base64 DER of one PKCS#10, PEM, too long), kCsrRejected (CN, key or signature not acceptable).
  virtual registry::Outcome<CheckedCsrPtr> check_csr(std::string_view base64, std::string_view common_name) = 0;
  // `csr` is of this issuer's making. What `keep` answers is stored in the transaction that records the certificate.
  virtual registry::Outcome<IssuedChain> issue(const registry::Call& call, const registry::IssuanceGrant& grant,
                                               const CheckedCsr& csr, const Keep& keep) = 0;
};

class Enforcement {
 public:
  virtual ~Enforcement() = default;
  // Returns once every live hub gate has applied `sequence`; at once when they have. kEnforcementTimeout when one did
  // not confirm in time: the caller may ask again.
  virtual registry::Outcome<registry::Nothing> wait_applied(registry::Sequence sequence) = 0;
};

// The way to the devices: the gate publishes to that one connection, if it lives and has subscribed.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void deliver(wire::Deliver message) = 0;
};

}  // namespace latchkey::hub::session
