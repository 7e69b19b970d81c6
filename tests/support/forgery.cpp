// SPDX-License-Identifier: Apache-2.0
#include "tests/support/forgery.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "platform/base/ids.h"

namespace latchkey::tests {
namespace {

Certificate own(X509* certificate) { return {certificate, X509_free}; }

void add_text_extension(X509* certificate, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_raw_extension(X509* certificate, const ForgedExtension& forged) {
  ASN1_OBJECT* const oid = OBJ_txt2obj(forged.oid.c_str(), 1);
  ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, forged.value.data(), static_cast<int>(forged.value.size()));
  X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, oid, forged.critical ? 1 : 0, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(oid);
}

void set_random_serial(X509* certificate) {
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1);
}

// The signature's last byte belongs to the number s: still DER, and wrong.
std::vector<std::uint8_t> flip_last_byte(std::vector<std::uint8_t> der) {
  der.back() ^= 1;
  return der;
}

std::vector<std::uint8_t> der_of(const Certificate& certificate) {
  std::vector<std::uint8_t> der(static_cast<std::size_t>(i2d_X509(certificate.get(), nullptr)));
  std::uint8_t* at = der.data();
  i2d_X509(certificate.get(), &at);
  return der;
}

}  // namespace

Certificate forge(const TestCa& ca, const Key& key, const Forgery& forgery) {
  auto leaf = own(X509_new());
  X509_set_version(leaf.get(), X509_VERSION_3);
  set_random_serial(leaf.get());
  X509_gmtime_adj(X509_getm_notBefore(leaf.get()), forgery.not_before_s);
  X509_gmtime_adj(X509_getm_notAfter(leaf.get()), forgery.not_after_s);
  for (const auto& name : forgery.common_names) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(leaf.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1,
                               0);
  }
  X509_set_pubkey(leaf.get(), key.get());
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(ca.certificate.get()));
  add_text_extension(leaf.get(), NID_basic_constraints, forgery.basic_constraints);
  add_text_extension(leaf.get(), NID_ext_key_usage, forgery.extended_usage);
  for (const auto& extension : forgery.extensions) add_raw_extension(leaf.get(), extension);
  X509_sign(leaf.get(), ca.key.get(), EVP_sha256());
  if (!forgery.break_signature) return leaf;
  return certificate_from_base64(base64_text(flip_last_byte(der_of(leaf))));
}

std::vector<std::uint8_t> octet_string(const std::vector<std::uint8_t>& content) {
  std::vector<std::uint8_t> der(2 + content.size());
  der[0] = 0x04;
  der[1] = static_cast<std::uint8_t>(content.size());
  std::copy(content.begin(), content.end(), der.begin() + 2);
  return der;
}

TestCa ca_of(Hub& hub, const std::string& kind) {
  const auto cas = hub.json({"ca", "list"});
  for (const auto& ca : cas.at("value")) {
    if (ca.at("kind") != kind || ca.at("status") != "active") continue;
    const auto shown = identity_from_pem(ca.at("certificate").get<std::string>());
    for (const auto& file : std::filesystem::directory_iterator(hub.data() / "keys")) {
      const auto kept = identity_from_pem(read_text(file.path()));
      if (kept.key && X509_check_private_key(shown.chain.front().get(), kept.key.get()) == 1) {
        return {kept.key, shown.chain.front()};
      }
    }
  }
  throw std::runtime_error("no active " + kind + " CA with its key in the data folder");
}

std::vector<std::uint8_t> identifier_of(const Certificate& certificate) {
  ASN1_OBJECT* const oid = OBJ_txt2obj(std::string(kIdentifierOid).c_str(), 1);
  const int at = X509_get_ext_by_OBJ(certificate.get(), oid, -1);
  ASN1_OBJECT_free(oid);
  if (at < 0) return {};
  const ASN1_OCTET_STRING* const value = X509_EXTENSION_get_data(X509_get_ext(certificate.get(), at));
  const std::uint8_t* const bytes = ASN1_STRING_get0_data(value);
  std::vector<std::uint8_t> content(bytes, bytes + ASN1_STRING_length(value));
  constexpr std::size_t kWrapped = 34;  // in an OCTET STRING of its own
  if (content.size() == kWrapped) content.erase(content.begin(), content.begin() + 2);
  return content;
}

std::string csr_with_wrong_signature(const Key& key, const std::string& common_name) {
  return base64_text(flip_last_byte(base64_bytes(make_csr(key, common_name))));
}

std::string pem_csr(const Key& key, const std::string& common_name) {
  const std::string base64 = make_csr(key, common_name);
  std::string pem = "-----BEGIN CERTIFICATE REQUEST-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) pem += base64.substr(at, 64) + "\n";
  return pem + "-----END CERTIFICATE REQUEST-----\n";
}

}  // namespace latchkey::tests
