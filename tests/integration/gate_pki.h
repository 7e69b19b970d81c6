// SPDX-License-Identifier: Apache-2.0
// Certificates for the gate's tests, made by OpenSSL: CAs that sign each other or themselves, and device leaves with
// whatever is wrong with them.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/ids.h"

namespace latchkey::tests {

struct OpenSslFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslFree>;
using CertificatePtr = std::unique_ptr<X509, OpenSslFree>;

// A certificate, its key, and what stands above it.
struct Identity {
  CertificatePtr certificate;
  KeyPtr key;
  std::vector<std::uint8_t> der() const;
  std::string certificate_pem() const;
  std::string key_pem() const;
};

struct LeafWish {
  std::string common_name;
  // The extension's value, once for each element.
  std::vector<std::vector<std::uint8_t>> identifiers;
  long not_before_s = -300;  // from now
  long not_after_s = 30 * 86'400L;
  bool unknown_critical_extension = false;
  bool server_only = false;  // extended key usage serverAuth
  bool break_signature = false;
  bool authority = false;           // basic constraints say CA
  bool signs_certificates = false;  // key usage says keyCertSign
};

// Self-signed when `issuer` is null. `path_length`: of the basic constraints, -1: none.
Identity make_ca(const std::string& common_name, const Identity* issuer = nullptr, int path_length = -1);
Identity make_leaf(const LeafWish& wish, const Identity& issuer);
// With what a device of that identity is issued.
LeafWish device_leaf(const std::string& id, const DeviceIdentifier& identifier);

}  // namespace latchkey::tests
