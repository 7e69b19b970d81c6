// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/activation.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>
#include <optional>
#include <vector>

#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::ca {
namespace {

using openssl::X509Ptr;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using BasicConstraintsPtr = openssl::Owner<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using ExtendedKeyUsagePtr = openssl::Owner<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;

constexpr UnixMs kDayMs = 24LL * 60 * 60 * 1000;
constexpr UnixMs kLifeLeftMs = 365 * kDayMs;
constexpr std::size_t kSerialMax = 20;  // octets, RFC 5280 section 4.1.2.2

using Chain = std::vector<X509Ptr>;
using Checked = Outcome<void>;

tl::unexpected<registry::Refusal> rejected(int rule, const std::string& found) {
  return refuse(Reason::kCertificateRejected, "rule " + std::to_string(rule) + ": " + found);
}

std::string nth(std::size_t index) { return "certificate " + std::to_string(index + 1); }

std::string text_of(int nid) { return nid == NID_undef ? "an unknown algorithm" : OBJ_nid2ln(nid); }

std::optional<UnixMs> unix_ms(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return static_cast<UnixMs>(::timegm(&parts)) * 1000;
}

// --- reading

struct Block {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  ~Block() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));  // somebody may have sent a key along
  }
};

Outcome<Chain> read_chain(std::string_view text) {
  const auto unreadable = [](const std::string& why) {
    return refuse(Reason::kCertificateRejected, "the chain cannot be read: " + why);
  };
  const openssl::BioPtr in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Chain chain;
  for (;;) {
    Block block;
    if (!in || PEM_read_bio(in.get(), &block.name, &block.header, &block.data, &block.size) != 1) break;
    if (std::string_view(block.name) != PEM_STRING_X509) {
      return unreadable("it holds something else than certificates");
    }
    const unsigned char* end = block.data;
    X509Ptr certificate(d2i_X509(nullptr, &end, block.size));
    if (!certificate || end != block.data + block.size) return unreadable(nth(chain.size()) + " is damaged");
    chain.push_back(std::move(certificate));
    if (chain.size() > kActivationChainMax) return unreadable("it holds more than 10 certificates");
  }
  const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  openssl::take_error();
  if (!at_the_end) return unreadable("its PEM is damaged");
  if (chain.empty()) return unreadable("it holds no certificate in PEM");
  return chain;
}

// --- rules 1 to 9, on the first certificate

// Told apart from a foreign key (rule 1), as it is so easily done.
Checked check_order(const Chain& chain, EVP_PKEY* key) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    EVP_PKEY* other = X509_get0_pubkey(chain[i].get());
    if (other == nullptr || EVP_PKEY_eq(other, key) != 1) continue;
    return rejected(11, "the chain is in the wrong order: the certificate for the CSR comes first, not as " + nth(i));
  }
  return {};
}

Checked check_key(X509* certificate, EVP_PKEY* key) {
  EVP_PKEY* own = X509_get0_pubkey(certificate);
  if (own != nullptr && EVP_PKEY_eq(own, key) == 1) return {};
  return rejected(1, "the key is not the CSR's");
}

Checked check_subject(X509* certificate, X509_REQ* request) {
  // Compares the canonical encodings (RFC 5280 section 7.1): case folded, white space collapsed.
  if (X509_NAME_cmp(X509_get_subject_name(certificate), X509_REQ_get_subject_name(request)) == 0) return {};
  return refuse(Reason::kCertificateSubjectMismatch, "rule 2: the subject is not the CSR's");
}

Checked check_curve(X509* certificate) {
  ASN1_OBJECT* kind = nullptr;
  X509_ALGOR* algorithm = nullptr;
  X509_PUBKEY_get0_param(&kind, nullptr, nullptr, &algorithm, X509_get_X509_PUBKEY(certificate));
  const int nid = OBJ_obj2nid(kind);
  if (nid != NID_X9_62_id_ecPublicKey) return rejected(3, "the key is " + text_of(nid) + " and not EC");
  // Read off the parameters: OpenSSL recognises a named curve also in explicit ones (RFC 5480 section 2.1.1).
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_OBJECT) return rejected(3, "the key has explicit curve parameters instead of a curve's name");
  const int curve = OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(value));
  if (curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1) return {};
  return rejected(3, "the curve is " + text_of(curve) + " and none of P-256, P-384 and P-521");
}

Checked check_signature_algorithm(X509* certificate) {
  const int nid = X509_get_signature_nid(certificate);
  if (nid == NID_ecdsa_with_SHA256 || nid == NID_ecdsa_with_SHA384 || nid == NID_ecdsa_with_SHA512) return {};
  return rejected(4, "it is signed by " + text_of(nid) + " and not by ecdsa-with-SHA256, -SHA384 or -SHA512");
}

// Big-endian, without leading zeros; empty when it is not positive or too long.
registry::Bytes serial_of(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  const openssl::BignumPtr number(ASN1_INTEGER_to_BN(serial, nullptr));
  if (!number || BN_is_negative(number.get()) || BN_is_zero(number.get())) return {};
  registry::Bytes bytes(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), bytes.data());
  return bytes.size() <= kSerialMax ? bytes : registry::Bytes();
}

Checked check_form(X509* certificate) {
  if (X509_get_version(certificate) != X509_VERSION_3) return rejected(5, "it is not X.509 version 3");
  if (serial_of(certificate).empty()) return rejected(5, "the serial is not a positive number of up to 20 octets");
  int critical = -1;
  const BasicConstraintsPtr constraints(
      static_cast<BASIC_CONSTRAINTS*>(X509_get_ext_d2i(certificate, NID_basic_constraints, &critical, nullptr)));
  if (!constraints) return rejected(5, "basicConstraints are missing, given twice or damaged");
  if (constraints->ca == 0) return rejected(5, "basicConstraints say that it is no CA");
  if (critical != 1) return rejected(5, "basicConstraints are not critical");
  const bool valid = X509_check_purpose(certificate, -1, 0) == 1;  // reads the extensions
  if (!valid) return rejected(5, "its extensions contradict each other");
  if ((X509_get_extension_flags(certificate) & EXFLAG_CRITICAL) != 0) {
    return rejected(5, "it has a critical extension that nobody here knows");
  }
  return {};
}

Checked check_key_usage(X509* certificate) {
  if ((X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) == 0) return rejected(6, "keyUsage is missing");
  const auto usage = X509_get_key_usage(certificate);
  if ((usage & KU_DIGITAL_SIGNATURE) == 0) return rejected(6, "keyUsage lacks digitalSignature");
  if ((usage & KU_KEY_CERT_SIGN) == 0) return rejected(6, "keyUsage lacks keyCertSign");
  if ((usage & KU_CRL_SIGN) == 0) return rejected(6, "keyUsage lacks cRLSign");
  return {};
}

Checked check_extended_key_usage(X509* certificate) {
  if (X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1) < 0) return {};
  const ExtendedKeyUsagePtr usages(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    if (OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i)) == NID_client_auth) return {};
  }
  return rejected(7, "extendedKeyUsage is there and lacks clientAuth");
}

Checked check_key_id(X509* certificate) {
  if (X509_get0_subject_key_id(certificate) != nullptr) return {};
  return rejected(8, "subjectKeyIdentifier is missing");
}

Checked check_period(X509* certificate, UnixMs now) {
  const auto from = unix_ms(X509_get0_notBefore(certificate));
  const auto to = unix_ms(X509_get0_notAfter(certificate));
  if (!from || !to) return rejected(9, "the validity is no time");
  if (*to <= now) return rejected(9, "it has expired");
  if (*from > now) return rejected(9, "it is not valid yet");
  if (*to - now >= kLifeLeftMs) return {};
  return rejected(9, "it lives for " + std::to_string((*to - now) / kDayMs) + " days more; at least 365 are needed");
}

// --- rules 10 and 11, on those above

bool self_issued(const X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

bool signed_by(X509* certificate, X509* issuer) {
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  const bool verified = key != nullptr && X509_verify(certificate, key) == 1;
  openssl::take_error();
  return verified;
}

// How many CAs the certificate at `index` has below it in this chain (RFC 5280 section 4.2.1.9).
Checked check_path_length(X509* certificate, std::size_t index) {
  const long room = X509_get_pathlen(certificate);
  if (room < 0 || static_cast<std::size_t>(room) >= index) return {};
  return rejected(
      10, nth(index) + " allows path length " + std::to_string(room) + "; " + std::to_string(index) + " is needed");
}

Checked check_authority(X509* certificate, std::size_t index, UnixMs now) {
  const bool valid = X509_check_purpose(certificate, -1, 0) == 1;
  const auto flags = X509_get_extension_flags(certificate);
  if (!valid || (flags & EXFLAG_CRITICAL) != 0) return rejected(11, nth(index) + " has extensions that cannot be used");
  if ((flags & EXFLAG_CA) == 0) return rejected(11, nth(index) + " is no CA");
  // All bits when the extension is missing.
  if ((X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) == 0) {
    return rejected(11, nth(index) + " may not sign certificates: keyUsage lacks keyCertSign");
  }
  const auto from = unix_ms(X509_get0_notBefore(certificate));
  const auto to = unix_ms(X509_get0_notAfter(certificate));
  if (!from || !to || *to <= now || *from > now) return rejected(11, nth(index) + " is not valid now");
  return {};
}

bool weak_signature(const X509* certificate) {
  int digest = NID_undef;
  OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, nullptr);
  return digest == NID_sha1 || digest == NID_md5 || digest == NID_md4;
}

Checked check_links(const Chain& chain, UnixMs now) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    X509* below = chain[i - 1].get();
    X509* issuer = chain[i].get();
    if (i > 1 && self_issued(below))
      return rejected(11, nth(i) + " follows a self-signed one, which has to be the last");
    if (X509_NAME_cmp(X509_get_issuer_name(below), X509_get_subject_name(issuer)) != 0) {
      return rejected(11, nth(i - 1) + " names another issuer than " + nth(i));
    }
    if (!signed_by(below, issuer)) return rejected(11, nth(i - 1) + " is not signed by " + nth(i));
    LATCHKEY_TRY_VOID(check_authority(issuer, i, now));
    LATCHKEY_TRY_VOID(check_path_length(issuer, i));
    // What a root signs of itself proves nothing, so how it does that does not matter.
    if (!self_issued(issuer) && weak_signature(issuer)) {
      return rejected(11, nth(i) + " is signed by " + text_of(X509_get_signature_nid(issuer)));
    }
  }
  X509* last = chain.back().get();
  if (chain.size() > 1 && self_issued(last) && !signed_by(last, last)) {
    return rejected(11, "the signature of the root, " + nth(chain.size() - 1) + ", is wrong");
  }
  return {};
}

Checked check_all(const Chain& chain, X509_REQ* request, UnixMs now) {
  X509* first = chain.front().get();
  EVP_PKEY* key = X509_REQ_get0_pubkey(request);
  if (key == nullptr) return refuse(Reason::kInternal, "the stored CSR has no key");
  LATCHKEY_TRY_VOID(check_order(chain, key));
  LATCHKEY_TRY_VOID(
      check_curve(first));  // before rule 1: of a key of another kind that is the more useful thing to say
  LATCHKEY_TRY_VOID(check_key(first, key));
  LATCHKEY_TRY_VOID(check_subject(first, request));
  LATCHKEY_TRY_VOID(check_signature_algorithm(first));
  LATCHKEY_TRY_VOID(check_form(first));
  LATCHKEY_TRY_VOID(check_key_usage(first));
  LATCHKEY_TRY_VOID(check_extended_key_usage(first));
  LATCHKEY_TRY_VOID(check_key_id(first));
  LATCHKEY_TRY_VOID(check_period(first, now));
  return check_links(chain, now);
}

}  // namespace

Outcome<registry::SignedCa> check_activation(ByteView csr, std::string_view text, UnixMs now) {
  const std::uint8_t* end = csr.data();
  const openssl::X509ReqPtr request(d2i_X509_REQ(nullptr, &end, static_cast<long>(csr.size())));
  if (!request) return refuse(Reason::kInternal, "the stored CSR: " + openssl::take_error());
  LATCHKEY_TRY(chain, read_chain(text));
  const auto checked = check_all(chain, request.get(), now);
  openssl::take_error();  // a stranger's bytes may have left complaints
  if (!checked) return fail(checked.error());

  X509* first = chain.front().get();
  registry::SignedCa ca;
  ca.serial = serial_of(first);
  ca.not_before = unix_ms(X509_get0_notBefore(first)).value_or(0);
  ca.not_after = unix_ms(X509_get0_notAfter(first)).value_or(0);
  ca.der = openssl::to_der(i2d_X509, first);
  if (chain.size() == 2 && self_issued(chain[1].get())) ca.root = openssl::to_der(i2d_X509, chain[1].get());
  if (ca.der.empty()) return refuse(Reason::kInternal, "encoding the certificate: " + openssl::take_error());
  return ca;
}

}  // namespace latchkey::hub::ca
