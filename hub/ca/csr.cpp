// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/csr.h"

#include <openssl/evp.h>

#include <optional>
#include <vector>

#include "hub/ca/internal/name.h"
#include "hub/ca/internal/request.h"
#include "platform/openssl/ecdsa.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::ca {
namespace {

using internal::Request;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 4096;

// A request, and its bytes.
struct Read {
  std::vector<std::uint8_t> der;
  std::unique_ptr<Request> request;
};

Outcome<Read> parse(std::string_view base64) {
  if (base64.size() > kCsrCharactersMax)
    return refuse(Reason::kCsrUnreadable, "the CSR is longer than 8192 characters");
  if (base64.starts_with("-----")) return refuse(Reason::kCsrUnreadable, "the CSR is PEM; base64 of the DER is wanted");
  Read read{std::vector<std::uint8_t>(base64_decoded_max(base64.size())), nullptr};
  const auto size = base64_decode(base64, MutableBytes(read.der.data(), read.der.size()));
  if (!size || *size == 0) return refuse(Reason::kCsrUnreadable, "the CSR is not base64");
  read.der.resize(*size);
  std::size_t used = 0;
  read.request = Request::parse(read.der, used);
  openssl::take_error();  // a stranger's bytes may have left complaints
  if (!read.request) return refuse(Reason::kCsrUnreadable, "the CSR is not a PKCS#10 request in DER");
  if (used != read.der.size()) return refuse(Reason::kCsrUnreadable, "there are bytes behind the CSR");
  return read;
}

Outcome<std::string> check_name(const Request& request, std::optional<std::string_view> expected_cn) {
  const internal::CommonName name = internal::common_name(request.subject());
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

int kind_of(const Request& request) {
  const ASN1_OBJECT* kind = nullptr;
  X509_ALGOR_get0(&kind, nullptr, nullptr, request.key_algorithm());
  return OBJ_obj2nid(kind);
}

Outcome<void> check_algorithm(const Request& request, RsaKeys rsa, Curves curves) {
  switch (kind_of(request)) {
    case NID_X9_62_id_ecPublicKey: return check_curve(request.key_algorithm(), request.signature_nid(), curves);
    case NID_rsaEncryption: return check_rsa(rsa, request.signature_nid());
    default: return refuse(Reason::kCsrRejected, "the CSR's key is neither EC nor RSA");
  }
}

Outcome<void> wrong_signature() { return refuse(Reason::kCsrRejected, "the CSR's own signature is wrong"); }

// Curve and hash are two of the four that check_curve lets pass.
Outcome<void> check_ec_key(const Request& request) {
  int type = V_ASN1_UNDEF;
  const void* curve = nullptr;
  X509_ALGOR_get0(nullptr, &type, &curve, request.key_algorithm());
  const bool p384 = OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(curve)) == NID_secp384r1;
  const bool sha384 = request.signature_nid() == NID_ecdsa_with_SHA384;
  const ASN1_BIT_STRING* signature = request.signature();
  constexpr long kUnusedBits = 0x07;
  if ((signature->flags & kUnusedBits) != 0) return wrong_signature();
  const auto verdict = openssl::verify_ecdsa(
      p384 ? openssl::EcCurve::kP384 : openssl::EcCurve::kP256, request.key_bits(),
      sha384 ? openssl::EcHash::kSha384 : openssl::EcHash::kSha256, request.signed_part(),
      {ASN1_STRING_get0_data(signature), static_cast<std::size_t>(ASN1_STRING_length(signature))});
  const std::string why = openssl::take_error();
  switch (verdict) {
    case openssl::EcVerdict::kGood: return {};
    case openssl::EcVerdict::kBadKey: return refuse(Reason::kCsrRejected, "the CSR's key is not valid: " + why);
    case openssl::EcVerdict::kFailed: return refuse(Reason::kInternal, "verifying a CSR: " + why);
    case openssl::EcVerdict::kWrongSignature: break;
  }
  return wrong_signature();
}

Outcome<void> check_rsa_key(const std::vector<std::uint8_t>& der) {
  const std::uint8_t* end = der.data();
  const openssl::X509ReqPtr request(d2i_X509_REQ(nullptr, &end, static_cast<long>(der.size())));
  EVP_PKEY* key = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
  if (key == nullptr) return refuse(Reason::kCsrRejected, "the CSR's key is not valid: " + openssl::take_error());
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return refuse(Reason::kCsrRejected, "RSA keys have 2048 to 4096 bits here");
  }
  const bool proven = X509_REQ_verify(request.get(), key) == 1;
  openssl::take_error();
  if (!proven) return wrong_signature();
  return {};
}

}  // namespace

Outcome<Csr> read_csr(std::string_view base64, std::optional<std::string_view> expected_cn, RsaKeys rsa,
                      Curves curves) {
  LATCHKEY_TRY(read, parse(base64));
  const Request& request = *read.request;
  LATCHKEY_TRY(name, check_name(request, expected_cn));
  LATCHKEY_TRY_VOID(check_algorithm(request, rsa, curves));
  LATCHKEY_TRY_VOID(kind_of(request) == NID_rsaEncryption ? check_rsa_key(read.der) : check_ec_key(request));
  Csr::Key key{request.key_info(), request.key_bits().size()};
  if (key.info.empty()) return refuse(Reason::kInternal, "encoding the CSR's key: " + openssl::take_error());
  return Csr(std::move(name), std::move(key));
}

}  // namespace latchkey::hub::ca
