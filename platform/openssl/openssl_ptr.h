// SPDX-License-Identifier: Apache-2.0
// Owners for OpenSSL's objects, so that no early return leaks one. For the host's rooms that speak OpenSSL directly;
// devices use platform/crypto (mbedTLS).
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace latchkey::openssl {

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <class T, auto kFree>
using Owner = std::unique_ptr<T, Freed<kFree>>;

using Asn1IntegerPtr = Owner<ASN1_INTEGER, ASN1_INTEGER_free>;
using Asn1ObjectPtr = Owner<ASN1_OBJECT, ASN1_OBJECT_free>;
using Asn1OctetStringPtr = Owner<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using Asn1TimePtr = Owner<ASN1_TIME, ASN1_TIME_free>;
using BignumPtr = Owner<BIGNUM, BN_free>;
using BioPtr = Owner<BIO, BIO_free_all>;
using PkeyPtr = Owner<EVP_PKEY, EVP_PKEY_free>;
using X509CrlPtr = Owner<X509_CRL, X509_CRL_free>;
using X509ExtensionPtr = Owner<X509_EXTENSION, X509_EXTENSION_free>;
using X509Ptr = Owner<X509, X509_free>;
using X509ReqPtr = Owner<X509_REQ, X509_REQ_free>;
using X509RevokedPtr = Owner<X509_REVOKED, X509_REVOKED_free>;
using X509StoreCtxPtr = Owner<X509_STORE_CTX, X509_STORE_CTX_free>;
using X509StorePtr = Owner<X509_STORE, X509_STORE_free>;

struct FreedStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using X509StackPtr = std::unique_ptr<STACK_OF(X509), FreedStack>;  // owns its certificates too

// The first complaint in this thread's error queue, which is emptied; for a refusal's detail. "no reason given" if
// none.
std::string take_error();

// DER of an object by its i2d function; empty when that fails.
template <class T, class Encode>
std::vector<std::uint8_t> to_der(Encode encode, T* object) {
  const int size = encode(object, nullptr);
  if (size <= 0) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(size));
  std::uint8_t* end = der.data();
  if (encode(object, &end) != size) return {};
  return der;
}

}  // namespace latchkey::openssl
