// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/certificate_view.h"

#include <openssl/sha.h>

#include <ctime>

#include "hub/ca/internal/name.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::ca {
namespace {

using openssl::X509Ptr;
using registry::Bytes;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::size_t kIntermediatesMax = 10;
constexpr std::uint8_t kDerOctetString = 0x04;

X509Ptr parse(ByteView der) {
  const std::uint8_t* end = der.data();
  X509Ptr certificate(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
  openssl::take_error();  // a stranger's bytes may have left complaints
  if (end != der.end()) return nullptr;
  return certificate;
}

std::optional<UnixMs> unix_ms(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return static_cast<UnixMs>(::timegm(&parts)) * 1000;
}

Bytes bytes_of(const ASN1_STRING* string) {
  if (string == nullptr) return {};
  const unsigned char* data = ASN1_STRING_get0_data(string);
  return {data, data + ASN1_STRING_length(string)};
}

std::optional<DeviceIdentifier> identifier_of(const X509* certificate) {
  static const openssl::Asn1ObjectPtr oid(OBJ_txt2obj(std::string(kIdentifierOid).c_str(), 1));
  const int at = X509_get_ext_by_OBJ(certificate, oid.get(), -1);
  if (at < 0 || X509_get_ext_by_OBJ(certificate, oid.get(), at) >= 0) return std::nullopt;
  const Bytes value = bytes_of(X509_EXTENSION_get_data(X509_get_ext(certificate, at)));
  if (value.size() != DeviceIdentifier::kSize + 2 || value[0] != kDerOctetString ||
      value[1] != DeviceIdentifier::kSize) {
    return std::nullopt;
  }
  const auto identifier = DeviceIdentifier::decode(ByteView(value).subview(2, DeviceIdentifier::kSize));
  return identifier ? std::optional(*identifier) : std::nullopt;
}

Reason reason_of(int error) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return Reason::kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return Reason::kNotYetValid;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return Reason::kIssuerNotTrusted;
    default: return Reason::kCertificateMalformed;
  }
}

openssl::X509StorePtr make_store(const std::vector<Bytes>& anchors) {
  openssl::X509StorePtr store(X509_STORE_new());
  for (const Bytes& der : anchors) {
    const X509Ptr anchor = parse(der);
    if (store && anchor) X509_STORE_add_cert(store.get(), anchor.get());
  }
  return store;
}

openssl::X509StackPtr make_stack(const std::vector<Bytes>& certificates) {
  openssl::X509StackPtr stack(sk_X509_new_null());
  for (const Bytes& der : certificates) {
    X509Ptr certificate = parse(der);
    if (stack && certificate && sk_X509_push(stack.get(), certificate.get()) > 0) {
      certificate.release();  // NOLINT: the stack owns it now
    }
  }
  return stack;
}

}  // namespace

Outcome<CertificateView> view_certificate(ByteView der) {
  const X509Ptr certificate = parse(der);
  if (!certificate) return refuse(Reason::kCertificateMalformed, "not a certificate in DER");
  const auto not_before = unix_ms(X509_get0_notBefore(certificate.get()));
  const auto not_after = unix_ms(X509_get0_notAfter(certificate.get()));
  if (!not_before || !not_after) return refuse(Reason::kCertificateMalformed, "the certificate's validity is no time");

  CertificateView seen;
  internal::CommonName name = internal::common_name(X509_get_subject_name(certificate.get()));
  if (name.count == 1) seen.common_name = std::move(name.text);
  seen.serial = bytes_of(X509_get0_serialNumber(certificate.get()));
  seen.not_before = *not_before;
  seen.not_after = *not_after;
  seen.subject_key_id = bytes_of(X509_get0_subject_key_id(certificate.get()));
  seen.authority_key_id = bytes_of(X509_get0_authority_key_id(certificate.get()));
  seen.authority = (X509_get_extension_flags(certificate.get()) & EXFLAG_CA) != 0;
  seen.identifier = identifier_of(certificate.get());
  SHA256(der.data(), der.size(), seen.thumbprint.data());
  openssl::take_error();
  return seen;
}

Outcome<void> verify_chain(ByteView leaf, const std::vector<Bytes>& intermediates, const std::vector<Bytes>& anchors,
                           UnixMs now) {
  if (intermediates.size() > kIntermediatesMax) {
    return refuse(Reason::kCertificateMalformed, "more than 10 intermediate certificates");
  }
  const X509Ptr certificate = parse(leaf);
  if (!certificate) return refuse(Reason::kCertificateMalformed, "not a certificate in DER");
  const openssl::X509StorePtr store = make_store(anchors);
  const openssl::X509StackPtr untrusted = make_stack(intermediates);
  const openssl::X509StoreCtxPtr context(X509_STORE_CTX_new());
  if (!store || !untrusted || !context ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), untrusted.get()) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT) != 1) {
    return refuse(Reason::kInternal, "preparing to verify: " + openssl::take_error());
  }
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_PARTIAL_CHAIN);
  X509_STORE_CTX_set_time(context.get(), 0, now / 1000);
  if (X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  openssl::take_error();
  return refuse(reason_of(error), X509_verify_cert_error_string(error));
}

}  // namespace latchkey::hub::ca
