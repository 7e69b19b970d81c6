// SPDX-License-Identifier: Apache-2.0
#include "tests/support/identity.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>

namespace latchkey::tests {
namespace {

Key own(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }
Certificate own(X509* certificate) { return {certificate, X509_free}; }

std::string url_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[static_cast<unsigned char>(c) >> 4];
      encoded += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return encoded;
}

void set_name(X509_NAME* name, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate blank(const Key& key, const std::string& common_name, long not_before_s, long not_after_s) {
  auto certificate = own(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), std::hash<std::string>{}(common_name) >> 1 | 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), not_before_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), not_after_s);
  set_name(X509_get_subject_name(certificate.get()), common_name);
  X509_set_pubkey(certificate.get(), key.get());
  return certificate;
}

TestCa make_ca(const TestCa* issuer, const std::string& common_name) {
  TestCa ca{make_key(), nullptr};
  ca.certificate = blank(ca.key, common_name, -86400, 86400 * 365);
  const TestCa& signer = issuer != nullptr ? *issuer : ca;
  X509_set_issuer_name(ca.certificate.get(), X509_get_subject_name(signer.certificate.get()));
  add_extension(ca.certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(ca.certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(ca.certificate.get(), NID_subject_key_identifier, "hash");
  X509_sign(ca.certificate.get(), signer.key.get(), EVP_sha256());
  return ca;
}

template <class Write>
std::string written(const Write& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  write(out.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Key make_key(const char* curve) { return own(EVP_EC_gen(curve)); }

Key make_rsa_key(int bits) { return own(EVP_RSA_gen(static_cast<unsigned>(bits))); }

std::string make_csr(const Key& key, const std::string& common_name) {
  const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(X509_REQ_new(), X509_REQ_free);
  set_name(X509_REQ_get_subject_name(request.get()), common_name);
  X509_REQ_set_pubkey(request.get(), key.get());
  const bool p384 = EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC && EVP_PKEY_get_bits(key.get()) > 256;
  X509_REQ_sign(request.get(), key.get(), p384 ? EVP_sha384() : EVP_sha256());
  std::vector<std::uint8_t> der(static_cast<std::size_t>(i2d_X509_REQ(request.get(), nullptr)));
  std::uint8_t* at = der.data();
  i2d_X509_REQ(request.get(), &at);
  return base64_text(der);
}

Identity identity_from_pem(const std::string& pem) {
  Identity identity;
  const std::unique_ptr<BIO, decltype(&BIO_free)> keys(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                       BIO_free);
  if (EVP_PKEY* const key = PEM_read_bio_PrivateKey(keys.get(), nullptr, nullptr, nullptr)) identity.key = own(key);
  const std::unique_ptr<BIO, decltype(&BIO_free)> chain(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                        BIO_free);
  while (X509* const certificate = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
    identity.chain.push_back(own(certificate));
  }
  return identity;
}

Certificate certificate_from_base64(std::string_view der_base64) {
  const auto der = base64_bytes(der_base64);
  const std::uint8_t* at = der.data();
  X509* const certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  return certificate == nullptr ? nullptr : own(certificate);
}

std::string serial_hex(const Certificate& certificate) {
  BIGNUM* const number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr);
  char* const hex = BN_bn2hex(number);
  std::string text(hex);
  OPENSSL_free(hex);
  BN_free(number);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string subject_text(const Certificate& certificate) {
  return written(
      [&](BIO* out) { X509_NAME_print_ex(out, X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253); });
}

int key_bits(const Certificate& certificate) { return EVP_PKEY_get_bits(X509_get0_pubkey(certificate.get())); }

bool signed_by(const Certificate& certificate, const Certificate& issuer) {
  return X509_verify(certificate.get(), X509_get0_pubkey(issuer.get())) == 1;
}

std::string certificate_pem(const Certificate& certificate) {
  return written([&](BIO* out) { PEM_write_bio_X509(out, certificate.get()); });
}

TestCa make_test_ca(const std::string& common_name) { return make_ca(nullptr, common_name); }

TestCa make_intermediate(const TestCa& issuer, const std::string& common_name) { return make_ca(&issuer, common_name); }

Certificate make_leaf(const TestCa& ca, const Key& key, const LeafOptions& options) {
  auto leaf = blank(key, options.common_name, options.not_before_s, options.not_after_s);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(ca.certificate.get()));
  add_extension(leaf.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(leaf.get(), NID_ext_key_usage, "clientAuth");
  if (!options.identifier_oid.empty()) {
    ASN1_OBJECT* const oid = OBJ_txt2obj(options.identifier_oid.c_str(), 1);
    ASN1_OCTET_STRING* const inner = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(inner, options.identifier.data(), static_cast<int>(options.identifier.size()));
    std::vector<std::uint8_t> der(static_cast<std::size_t>(i2d_ASN1_OCTET_STRING(inner, nullptr)));
    std::uint8_t* at = der.data();
    i2d_ASN1_OCTET_STRING(inner, &at);
    ASN1_OCTET_STRING* const outer = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(outer, der.data(), static_cast<int>(der.size()));
    X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, oid, options.critical ? 1 : 0, outer);
    X509_add_ext(leaf.get(), extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(outer);
    ASN1_OCTET_STRING_free(inner);
    ASN1_OBJECT_free(oid);
  }
  X509_sign(leaf.get(), ca.key.get(), EVP_sha256());
  return leaf;
}

std::vector<std::uint8_t> base64_bytes(std::string_view text) {
  std::vector<std::uint8_t> bytes(text.size() / 4 * 3 + 3);
  const int size =
      EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  const auto padding = static_cast<std::size_t>(std::count(text.begin(), text.end(), '='));
  bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size) - padding);
  return bytes;
}

std::string base64_text(const std::vector<std::uint8_t>& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

std::vector<std::uint8_t> hmac_sha256(const std::vector<std::uint8_t>& key, std::string_view text) {
  std::vector<std::uint8_t> digest(32);
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), nullptr);
  return digest;
}

std::string derive_device_key(const std::string& group_key_base64, const std::string& registration_id) {
  return base64_text(hmac_sha256(base64_bytes(group_key_base64), registration_id));
}

std::string sas_token(const std::string& resource, const std::string& device_key_base64, long expires_unix_s) {
  const auto sr = url_encode(resource);
  const auto se = std::to_string(expires_unix_s);
  const auto signature = base64_text(hmac_sha256(base64_bytes(device_key_base64), sr + "\n" + se));
  return "SharedAccessSignature sr=" + sr + "&sig=" + url_encode(signature) + "&skn=registration&se=" + se;
}

}  // namespace latchkey::tests
