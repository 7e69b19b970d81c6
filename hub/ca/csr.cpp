// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/csr.h"

#include <openssl/evp.h>

#include <optional>
#include <vector>

#include "hub/ca/internal/name.h"
#include "platform/base/bytes.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::ca {
namespace {

using openssl::X509ReqPtr;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 4096;

Outcome<X509ReqPtr> parse(std::string_view base64) {
  if (base64.size() > kCsrCharactersMax)
    return refuse(Reason::kCsrUnreadable, "the CSR is longer than 8192 characters");
  if (base64.starts_with("-----")) return refuse(Reason::kCsrUnreadable, "the CSR is PEM; base64 of the DER is wanted");
  std::vector<std::uint8_t> der(base64_decoded_max(base64.size()));
  const auto size = base64_decode(base64, MutableBytes(der.data(), der.size()));
  if (!size || *size == 0) return refuse(Reason::kCsrUnreadable, "the CSR is not base64");
  const std::uint8_t* end = der.data();
  X509ReqPtr request(d2i_X509_REQ(nullptr, &end, static_cast<long>(*size)));
  openssl::take_error();  // a stranger's bytes may have left complaints
  if (!request) return refuse(Reason::kCsrUnreadable, "the CSR is not a PKCS#10 request in DER");
  if (end != der.data() + *size) return refuse(Reason::kCsrUnreadable, "there are bytes behind the CSR");
  return request;
}

Outcome<std::string> check_name(const X509_REQ* request, std::optional<std::string_view> expected_cn) {
  const internal::CommonName name = internal::common_name(X509_REQ_get_subject_name(request));
  if (name.count == 0) return refuse(Reason::kCsrRejected, "the CSR's subject has no common name");
  if (name.count > 1) return refuse(Reason::kCsrRejected, "the CSR's subject has several common names");
  if (expected_cn && name.text != *expected_cn) {
    return refuse(Reason::kCsrRejected, "the CSR's common name is not exactly " + std::string(*expected_cn));
  }
  return name.text;
}

// Read off the algorithm's parameters rather than the decoded key: OpenSSL recognises a named curve also in explicit
// parameters, which RFC 5480 section 2.1.1 forbids.
Outcome<void> check_curve(const X509_ALGOR* algorithm, int signature, Curves curves) {
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_OBJECT) return refuse(Reason::kCsrRejected, "the CSR's key has explicit curve parameters");
  const int curve = OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(value));
  if (curve != NID_secp384r1 && curves == Curves::kP384Alone) {
    return refuse(Reason::kCsrRejected, "the CSR's curve is not P-384, which alone is taken here");
  }
  if (curve == NID_X9_62_prime256v1) {
    if (signature == NID_ecdsa_with_SHA256) return {};
    return refuse(Reason::kCsrRejected, "a P-256 CSR is to be signed by ecdsa-with-SHA256");
  }
  if (curve == NID_secp384r1) {
    if (signature == NID_ecdsa_with_SHA256 || signature == NID_ecdsa_with_SHA384) return {};
    return refuse(Reason::kCsrRejected, "a P-384 CSR is to be signed by ecdsa-with-SHA256 or -SHA384");
  }
  return refuse(Reason::kCsrRejected, "the CSR's curve is neither P-256 nor P-384");
}

Outcome<void> check_rsa(RsaKeys rsa, int signature) {
  if (rsa != RsaKeys::kAllowed) return refuse(Reason::kCsrRejected, "RSA keys are not allowed");
  switch (signature) {
    case NID_sha256WithRSAEncryption:
    case NID_sha384WithRSAEncryption:
    case NID_sha512WithRSAEncryption: return {};
    default: return refuse(Reason::kCsrRejected, "an RSA CSR is to be signed with SHA-256 or better");
  }
}

Outcome<void> check_algorithm(X509_REQ* request, RsaKeys rsa, Curves curves) {
  ASN1_OBJECT* kind = nullptr;
  X509_ALGOR* algorithm = nullptr;
  X509_PUBKEY_get0_param(&kind, nullptr, nullptr, &algorithm, X509_REQ_get_X509_PUBKEY(request));
  const int signature = X509_REQ_get_signature_nid(request);
  switch (OBJ_obj2nid(kind)) {
    case NID_X9_62_id_ecPublicKey: return check_curve(algorithm, signature, curves);
    case NID_rsaEncryption: return check_rsa(rsa, signature);
    default: return refuse(Reason::kCsrRejected, "the CSR's key is neither EC nor RSA");
  }
}

Outcome<void> check_key(X509_REQ* request) {
  EVP_PKEY* key = X509_REQ_get0_pubkey(request);
  if (key == nullptr) return refuse(Reason::kCsrRejected, "the CSR's key is not valid: " + openssl::take_error());
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
    const int bits = EVP_PKEY_get_bits(key);
    if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
      return refuse(Reason::kCsrRejected, "RSA keys have 2048 to 4096 bits here");
    }
  }
  const bool proven = X509_REQ_verify(request, key) == 1;
  openssl::take_error();
  if (!proven) return refuse(Reason::kCsrRejected, "the CSR's own signature is wrong");
  return {};
}

}  // namespace

Outcome<Csr> read_csr(std::string_view base64, std::optional<std::string_view> expected_cn, RsaKeys rsa,
                      Curves curves) {
  LATCHKEY_TRY(request, parse(base64));
  LATCHKEY_TRY(name, check_name(request.get(), expected_cn));
  LATCHKEY_TRY_VOID(check_algorithm(request.get(), rsa, curves));
  LATCHKEY_TRY_VOID(check_key(request.get()));
  const std::shared_ptr<X509_REQ> owner(std::move(request));
  return Csr(std::move(name), {owner, X509_REQ_get_X509_PUBKEY(owner.get())});
}

}  // namespace latchkey::hub::ca
