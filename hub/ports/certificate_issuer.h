// SPDX-License-Identifier: Apache-2.0
// A device's certificate as the rooms that devices talk to ask for it; hub/app implements this over hub/ca.
//
// Threads: every function may be called from several threads at once and may block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "registry/operations/registry.h"

namespace latchkey::hub {

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

}  // namespace latchkey::hub
