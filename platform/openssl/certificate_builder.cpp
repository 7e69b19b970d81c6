// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/certificate_builder.h"

#include <openssl/ec.h>
#include <openssl/objects.h>

namespace latchkey::openssl {
namespace {

using AuthorityKeyIdPtr = Owner<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;
using BasicConstraintsPtr = Owner<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using BitStringPtr = Owner<ASN1_BIT_STRING, ASN1_BIT_STRING_free>;
using ExtendedKeyUsagePtr = Owner<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
using GeneralNamePtr = Owner<GENERAL_NAME, GENERAL_NAME_free>;
using GeneralNamesPtr = Owner<GENERAL_NAMES, GENERAL_NAMES_free>;

bool append_name(GENERAL_NAMES* names, int type, void* value) {
  if (value == nullptr) return false;
  GeneralNamePtr name(GENERAL_NAME_new());
  if (!name) return false;
  GENERAL_NAME_set0_value(name.get(), type, value);
  if (sk_GENERAL_NAME_push(names, name.get()) == 0) return false;
  name.release();  // NOLINT: the stack owns it now
  return true;
}

ASN1_IA5STRING* make_ia5(const std::string& text) {
  ASN1_IA5STRING* string = ASN1_IA5STRING_new();
  if (string != nullptr && ASN1_STRING_set(string, text.data(), static_cast<int>(text.size())) == 0) {
    ASN1_IA5STRING_free(string);
    return nullptr;
  }
  return string;
}

X509ExtensionPtr address_extension(int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, nullptr, nullptr, nullptr, nullptr, 0);
  return X509ExtensionPtr(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
}

int curve_of(EVP_PKEY* key) {
  char name[80];
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &size) != 1) return NID_undef;
  return OBJ_txt2nid(name);
}

}  // namespace

CertificateBuilder::CertificateBuilder() : certificate_(X509_new()) {
  check(certificate_ && X509_set_version(certificate_.get(), X509_VERSION_3) == 1);
}

CertificateBuilder& CertificateBuilder::check(bool step_worked) {
  failed_ = failed_ || !step_worked;
  return *this;
}

CertificateBuilder& CertificateBuilder::add(int nid, Critical critical, void* value) {
  if (failed_) return *this;
  return check(X509_add1_ext_i2d(certificate_.get(), nid, value, critical == Critical::kYes ? 1 : 0, 0) == 1);
}

CertificateBuilder& CertificateBuilder::serial(ByteView serial) {
  if (failed_) return *this;
  const BignumPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  return check(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate_.get())) != nullptr);
}

CertificateBuilder& CertificateBuilder::subject(std::string_view common_name) {
  return subject_part(NID_commonName, common_name);
}

CertificateBuilder& CertificateBuilder::subject_part(int nid, std::string_view value) {
  if (failed_) return *this;
  // Given as an ASN.1 type, not as MBSTRING_*: that form would hold a CN to 64 characters.
  const int type = nid == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
  return check(!value.empty() && X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate_.get()), nid, type,
                                                            reinterpret_cast<const unsigned char*>(value.data()),
                                                            static_cast<int>(value.size()), -1, 0) == 1);
}

CertificateBuilder& CertificateBuilder::issuer(const X509* issuer) {
  if (failed_) return *this;
  const ASN1_OCTET_STRING* key_id = X509_get0_subject_key_id(const_cast<X509*>(issuer));  // NOLINT: fills a cache
  AuthorityKeyIdPtr authority(AUTHORITY_KEYID_new());
  if (key_id == nullptr || !authority) return check(false);
  authority->keyid = ASN1_OCTET_STRING_dup(key_id);
  check(authority->keyid != nullptr && X509_set_issuer_name(certificate_.get(), X509_get_subject_name(issuer)) == 1);
  return add(NID_authority_key_identifier, Critical::kNo, authority.get());
}

CertificateBuilder& CertificateBuilder::issuer_is_subject() {
  if (failed_) return *this;
  return check(X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get())) == 1);
}

CertificateBuilder& CertificateBuilder::validity(UnixMs not_before, UnixMs not_after) {
  if (failed_) return *this;
  // ASN1_TIME_set chooses UTCTime before 2050 and GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
  return check(not_before <= not_after &&
               ASN1_TIME_set(X509_getm_notBefore(certificate_.get()), not_before / 1000) != nullptr &&
               ASN1_TIME_set(X509_getm_notAfter(certificate_.get()), not_after / 1000) != nullptr);
}

CertificateBuilder& CertificateBuilder::public_key(EVP_PKEY* key) {
  if (failed_) return *this;
  check(X509_set_pubkey(certificate_.get(), key) == 1);
  return subject_key_id();
}

CertificateBuilder& CertificateBuilder::subject_key_id() {
  if (failed_) return *this;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const Asn1OctetStringPtr key_id(ASN1_OCTET_STRING_new());
  check(X509_pubkey_digest(certificate_.get(), EVP_sha1(), digest, &size) == 1 && key_id &&
        ASN1_OCTET_STRING_set(key_id.get(), digest, static_cast<int>(size)) == 1);
  return add(NID_subject_key_identifier, Critical::kNo, key_id.get());
}

CertificateBuilder& CertificateBuilder::authority(int path_length) {
  BasicConstraintsPtr constraints(BASIC_CONSTRAINTS_new());
  if (!constraints) return check(false);
  constraints->ca = 0xff;  // ASN.1 TRUE
  if (path_length >= 0) {
    constraints->pathlen = ASN1_INTEGER_new();
    check(constraints->pathlen != nullptr && ASN1_INTEGER_set(constraints->pathlen, path_length) == 1);
  }
  return add(NID_basic_constraints, Critical::kYes, constraints.get());
}

CertificateBuilder& CertificateBuilder::end_entity() {
  const BasicConstraintsPtr constraints(BASIC_CONSTRAINTS_new());
  if (!constraints) return check(false);
  return add(NID_basic_constraints, Critical::kYes, constraints.get());
}

CertificateBuilder& CertificateBuilder::key_usage(unsigned bits) {
  const BitStringPtr usage(ASN1_BIT_STRING_new());
  if (!usage) return check(false);
  // KU_* has bit 0 of RFC 5280 section 4.2.1.3 at the top of the low octet.
  for (int bit = 0; bit < 8; ++bit) {
    if ((bits & (0x80U >> bit)) != 0) check(ASN1_BIT_STRING_set_bit(usage.get(), bit, 1) == 1);
  }
  return add(NID_key_usage, Critical::kYes, usage.get());
}

CertificateBuilder& CertificateBuilder::extended_key_usage(int nid) {
  const ExtendedKeyUsagePtr usage(EXTENDED_KEY_USAGE_new());
  check(usage && sk_ASN1_OBJECT_push(usage.get(), OBJ_nid2obj(nid)) > 0);
  return add(NID_ext_key_usage, Critical::kNo, usage.get());
}

CertificateBuilder& CertificateBuilder::alternative_names(const std::vector<std::string>& dns,
                                                          const std::vector<std::string>& ip) {
  const GeneralNamesPtr names(GENERAL_NAMES_new());
  if (!names) return check(false);
  for (const std::string& name : dns) check(append_name(names.get(), GEN_DNS, make_ia5(name)));
  for (const std::string& address : ip) check(append_name(names.get(), GEN_IPADD, a2i_IPADDRESS(address.c_str())));
  return add(NID_subject_alt_name, Critical::kNo, names.get());
}

CertificateBuilder& CertificateBuilder::crl_address(const std::string& url) {
  if (failed_) return *this;
  const X509ExtensionPtr extension = address_extension(NID_crl_distribution_points, "URI:" + url);
  return check(extension && X509_add_ext(certificate_.get(), extension.get(), -1) == 1);
}

CertificateBuilder& CertificateBuilder::authority_addresses(const std::string& ca_issuers, const std::string& ocsp) {
  if (failed_ || (ca_issuers.empty() && ocsp.empty())) return *this;
  std::string places = ocsp.empty() ? "" : "OCSP;URI:" + ocsp;
  if (!ca_issuers.empty()) places += (places.empty() ? "caIssuers;URI:" : ",caIssuers;URI:") + ca_issuers;
  const X509ExtensionPtr extension = address_extension(NID_info_access, places);
  return check(extension && X509_add_ext(certificate_.get(), extension.get(), -1) == 1);
}

CertificateBuilder& CertificateBuilder::extension(std::string_view oid, Critical critical, ByteView value) {
  if (failed_) return *this;
  const Asn1ObjectPtr name(OBJ_txt2obj(std::string(oid).c_str(), 1));
  const Asn1OctetStringPtr content(ASN1_OCTET_STRING_new());
  if (!name || !content || ASN1_OCTET_STRING_set(content.get(), value.data(), static_cast<int>(value.size())) != 1) {
    return check(false);
  }
  const X509ExtensionPtr extension(
      X509_EXTENSION_create_by_OBJ(nullptr, name.get(), critical == Critical::kYes ? 1 : 0, content.get()));
  return check(extension && X509_add_ext(certificate_.get(), extension.get(), -1) == 1);
}

X509Ptr CertificateBuilder::sign(EVP_PKEY* issuer_key) {
  check(!failed_ && X509_sign(certificate_.get(), issuer_key, digest_for(issuer_key)) > 0);
  return failed_ ? nullptr : std::move(certificate_);
}

const EVP_MD* digest_for(EVP_PKEY* key) {
  switch (curve_of(key)) {
    case NID_secp384r1: return EVP_sha384();
    case NID_secp521r1: return EVP_sha512();
    default: return EVP_sha256();
  }
}

// EVP_EC_gen() asks providers alone, and gets nothing while an ENGINE looks after EC keys (quick_ec_keys.h).
PkeyPtr make_ec_key(const char* curve) {
  const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr),
                                                                       EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  const int group = EC_curve_nist2nid(curve);
  if (context == nullptr || group == NID_undef || EVP_PKEY_keygen_init(context.get()) <= 0 ||
      EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context.get(), group) <= 0 || EVP_PKEY_keygen(context.get(), &key) <= 0) {
    return {};
  }
  return PkeyPtr(key);
}

}  // namespace latchkey::openssl
