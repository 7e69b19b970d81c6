// SPDX-License-Identifier: Apache-2.0
// The form of all leaves below one issuing CA that name the same list: what does not differ between them, encoded once.
// It is cut out of a certificate that CertificateBuilder made, so that every extension is of the same making; what does
// differ is filled in here (RFC 5280 section 4.1.1.2).
//
// Threads: a form never changes.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

#include "hub/ca/csr.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::ca::internal {

class LeafForm {
 public:
  // From a certificate with that CA's names, addresses and algorithm, and with the extensions subjectKeyIdentifier
  // (SHA-1) and device identifier, whatever they say. Null when it cannot be taken apart.
  static std::unique_ptr<const LeafForm> of(X509* sample);

  // The leaf's DER. Empty when OpenSSL does not sign; take_error() says why.
  registry::Bytes sign(const registry::IssuanceGrant& grant, const Csr& csr, EVP_PKEY* issuer_key) const;

 private:
  LeafForm() = default;
  bool cut_extensions(X509* sample);
  registry::Bytes to_be_signed(const registry::IssuanceGrant& grant, const Csr& csr) const;

  const EVP_MD* digest_ = nullptr;
  registry::Bytes algorithm_;      // AlgorithmIdentifier of the signature
  registry::Bytes issuer_;         // Name
  registry::Bytes extensions_;     // [3]
  std::size_t key_id_at_ = 0;      // in extensions_: the subject's key id
  std::size_t identifier_at_ = 0;  // the device identifier
};

}  // namespace latchkey::hub::ca::internal
