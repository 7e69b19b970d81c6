// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/gate_pki.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace latchkey::tests {
namespace {

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL failed");
}

template <class Write>
std::string pem(Write write) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  require(write(bio.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  require(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_private_extension(X509* certificate, const std::string& oid, bool critical,
                           const std::vector<std::uint8_t>& value) {
  ASN1_OBJECT* object = OBJ_txt2obj(oid.c_str(), 1);
  ASN1_OCTET_STRING* text = ASN1_OCTET_STRING_new();
  require(object != nullptr && ASN1_OCTET_STRING_set(text, value.data(), static_cast<int>(value.size())) == 1);
  X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, critical ? 1 : 0, text);
  require(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(text);
  ASN1_OBJECT_free(object);
}

// Version, random serial, subject, validity and a fresh key; issuer and signature are missing.
Identity begin(const std::string& common_name, long not_before_s, long not_after_s) {
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* certificate = made.certificate.get();
  unsigned char serial[16];
  require(made.key != nullptr && certificate != nullptr && RAND_bytes(serial, sizeof serial) == 1);
  serial[0] &= 0x7f;
  serial[0] |= 0x40;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  X509_set_version(certificate, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate), not_before_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), not_after_s);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509_set_pubkey(certificate, made.key.get());
  return made;
}

void sign(const Identity& made, const Identity& issuer) {
  require(X509_sign(made.certificate.get(), issuer.key.get(), EVP_sha256()) > 0);
}

}  // namespace

std::vector<std::uint8_t> Identity::der() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate.get(), &bytes);
  require(size > 0);
  std::vector<std::uint8_t> copy(bytes, bytes + size);
  OPENSSL_free(bytes);
  return copy;
}

std::string Identity::certificate_pem() const {
  return pem([this](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}

std::string Identity::key_pem() const {
  return pem(
      [this](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

Identity make_ca(const std::string& common_name, const Identity* issuer, int path_length) {
  Identity made = begin(common_name, -3600, 365 * 86'400L);
  const Identity& above = issuer == nullptr ? made : *issuer;
  X509* certificate = made.certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(above.certificate.get()));
  add_extension(
      certificate, above.certificate.get(), NID_basic_constraints,
      path_length < 0 ? "critical,CA:TRUE" : ("critical,CA:TRUE,pathlen:" + std::to_string(path_length)).c_str());
  add_extension(certificate, above.certificate.get(), NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
  add_extension(certificate, above.certificate.get(), NID_subject_key_identifier, "hash");
  // Tells a CA that bears its issuer's name from a self-signed one.
  if (issuer != nullptr) {
    add_extension(certificate, above.certificate.get(), NID_authority_key_identifier, "keyid");
  }
  sign(made, above);
  return made;
}

Identity make_leaf(const LeafWish& wish, const Identity& issuer) {
  Identity made = begin(wish.common_name, wish.not_before_s, wish.not_after_s);
  X509* certificate = made.certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
  add_extension(certificate, issuer.certificate.get(), NID_basic_constraints,
                wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(certificate, issuer.certificate.get(), NID_key_usage,
                wish.signs_certificates ? "critical,digitalSignature,keyCertSign" : "critical,digitalSignature");
  add_extension(certificate, issuer.certificate.get(), NID_ext_key_usage,
                wish.server_only ? "serverAuth" : "clientAuth");
  add_extension(certificate, issuer.certificate.get(), NID_authority_key_identifier, "keyid");
  for (const auto& value : wish.identifiers)
    add_private_extension(certificate, std::string(kIdentifierOid), false, value);
  if (wish.unknown_critical_extension) add_private_extension(certificate, "1.3.6.1.4.1.99999.1", true, {4, 1, 0});
  // A signature of the right form by the wrong key.
  if (wish.break_signature) {
    require(X509_sign(certificate, made.key.get(), EVP_sha256()) > 0);
  } else {
    sign(made, issuer);
  }
  return made;
}

LeafWish device_leaf(const std::string& id, const DeviceIdentifier& identifier) {
  LeafWish wish;
  wish.common_name = id;
  const auto value = identifier.encode();
  wish.identifiers.emplace_back(value.begin(), value.end());
  return wish;
}

}  // namespace latchkey::tests
