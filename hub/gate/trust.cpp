// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/trust.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <new>

namespace latchkey::hub::gate {

X509Ptr parse_certificate(ByteView der) {
  const unsigned char* at = der.data();
  X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr) ERR_clear_error();  // the broker's next TLS call would report it as its own
  if (certificate != nullptr && at != der.end()) return nullptr;
  return certificate;
}

bool is_device_chain(const STACK_OF(X509) * chain) {
  constexpr int kLeafAndAnchor = 2;
  if (sk_X509_num(chain) != kLeafAndAnchor) return false;
  X509* leaf = sk_X509_value(chain, 0);
  const std::uint32_t flags = X509_get_extension_flags(leaf);
  const bool certifies = (flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(leaf) & KU_KEY_CERT_SIGN) != 0;
  return (flags & EXFLAG_CA) == 0 && !certifies;
}

Sha256 TrustSet::digest(ByteView der) {
  Sha256 digest{};
  unsigned size = 0;
  if (EVP_Digest(der.data(), der.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  return digest;
}

bool TrustSet::add(const Uuid& ca, ByteView der) {
  X509Ptr certificate = parse_certificate(der);
  if (certificate == nullptr) return false;
  anchors_[ca] = {std::move(certificate), digest(der)};
  store_.reset();
  return true;
}

bool TrustSet::remove(const Uuid& ca) {
  if (anchors_.erase(ca) == 0) return false;
  store_.reset();
  return true;
}

bool TrustSet::contains(const AnchorRef& anchor) const {
  const auto found = anchors_.find(anchor.ca);
  return found != anchors_.end() && found->second.digest == anchor.digest;
}

AnchorRef TrustSet::find(X509* certificate) const {
  for (const auto& [ca, anchor] : anchors_) {
    if (X509_cmp(anchor.certificate.get(), certificate) == 0) return {ca, anchor.digest};
  }
  return {};
}

X509_STORE* TrustSet::store() {
  if (store_ != nullptr) return store_.get();
  X509StorePtr store(X509_STORE_new());
  if (store == nullptr || X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN) != 1) throw std::bad_alloc();
  for (const auto& [ca, anchor] : anchors_) {
    if (X509_STORE_add_cert(store.get(), anchor.certificate.get()) != 1) throw std::bad_alloc();
  }
  store_ = std::move(store);
  return store_.get();
}

}  // namespace latchkey::hub::gate
