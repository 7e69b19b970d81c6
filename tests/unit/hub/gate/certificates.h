// SPDX-License-Identifier: Apache-2.0
// Certificates for unit tests, made by OpenSSL.
#pragma once

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "hub/gate/trust.h"

namespace latchkey::hub::gate::test {

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

inline void add_extension(X509* certificate, const std::string& oid, const std::vector<std::uint8_t>& value) {
  ASN1_OBJECT* object = OBJ_txt2obj(oid.c_str(), 1);
  ASN1_OCTET_STRING* text = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(text, value.data(), static_cast<int>(value.size()));
  X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 0, text);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(text);
  ASN1_OBJECT_free(object);
}

// Self-signed, with one common name for each of `names`.
inline X509Ptr make_certificate(const std::vector<std::string>& names,
                                const std::vector<std::vector<std::uint8_t>>& identifiers = {}) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 0x0102);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  for (const std::string& name : names) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1,
                               0);
  }
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  X509_set_pubkey(certificate.get(), key.get());
  for (const auto& value : identifiers) add_extension(certificate.get(), std::string(kIdentifierOid), value);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  return certificate;
}

inline wire::Bytes der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  wire::Bytes copy(bytes, bytes + size);
  OPENSSL_free(bytes);
  return copy;
}

template <class Id>
Id id_of(std::uint8_t fill) {
  Id id;
  id.bytes.fill(fill);
  return id;
}

}  // namespace latchkey::hub::gate::test
