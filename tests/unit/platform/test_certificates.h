// SPDX-License-Identifier: Apache-2.0
// Keys and certificates for tests, made by OpenSSL: another implementation than the one under test.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "platform/base/bytes.h"

namespace latchkey::test {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_vfree>>;
using Der = std::vector<std::uint8_t>;

inline void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

inline Pkey make_ec_key(const char* curve = "P-256") {
  Pkey key(EVP_EC_gen(curve));
  require(key != nullptr, "EVP_EC_gen");
  return key;
}

inline Pkey make_rsa_key() {
  Pkey key(EVP_RSA_gen(2048));
  require(key != nullptr, "EVP_RSA_gen");
  return key;
}

// From the stored form of a device key.
inline Pkey read_key(ByteView der) {
  const unsigned char* at = der.data();
  Pkey key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  require(key != nullptr, "d2i_AutoPrivateKey");
  return key;
}

struct Extension {
  std::string oid;
  bool critical;
  Der value;  // what extnValue holds
};

struct CertificateSpec {
  std::vector<std::string> common_names;
  EVP_PKEY* subject_key = nullptr;
  X509* issuer = nullptr;          // null: self-signed
  EVP_PKEY* issuer_key = nullptr;  // null: subject_key
  std::int64_t not_before = 1'700'000'000;
  std::int64_t not_after = 4'000'000'000;
  bool ca = false;
  std::string subject_alternative_name;  // as in openssl.cnf: "DNS:localhost,IP:127.0.0.1"
  std::vector<Extension> extensions;
  std::string key_usage;  // empty: keyCertSign for a CA, digitalSignature else
  Der serial = {0x51};
};

// Seconds since 1970; ASN1_TIME_set would end in 2038 where time_t has 32 bits, as on armhf.
inline void set_time(ASN1_TIME* to, std::int64_t seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d%02u%02u%02d%02d%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  require(ASN1_TIME_set_string_X509(to, text) == 1, "ASN1_TIME_set_string_X509");
}

inline void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "X509V3_EXT_conf_nid");
}

inline void add_raw_extension(X509* certificate, const Extension& raw) {
  std::unique_ptr<ASN1_OBJECT, Freer<ASN1_OBJECT_free>> oid(OBJ_txt2obj(raw.oid.c_str(), 1));
  std::unique_ptr<ASN1_OCTET_STRING, Freer<ASN1_OCTET_STRING_free>> value(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(value.get(), raw.value.data(), static_cast<int>(raw.value.size()));
  std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), raw.critical ? 1 : 0, value.get()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "raw extension");
}

inline X509Ptr make_certificate(const CertificateSpec& spec) {
  X509Ptr made(X509_new());
  X509_set_version(made.get(), 2);
  std::unique_ptr<BIGNUM, Freer<BN_free>> serial(
      BN_bin2bn(spec.serial.data(), static_cast<int>(spec.serial.size()), nullptr));
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(made.get()));
  set_time(X509_getm_notBefore(made.get()), spec.not_before);
  set_time(X509_getm_notAfter(made.get()), spec.not_after);
  X509_NAME* subject = X509_get_subject_name(made.get());
  for (const std::string& name : spec.common_names) {
    X509_NAME_add_entry_by_txt(subject, "CN", V_ASN1_UTF8STRING, reinterpret_cast<const unsigned char*>(name.data()),
                               static_cast<int>(name.size()), -1, 0);
  }
  X509* issuer = spec.issuer != nullptr ? spec.issuer : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  X509_set_pubkey(made.get(), spec.subject_key);
  add_extension(made.get(), issuer, NID_basic_constraints, spec.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  const std::string usage = spec.ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
  add_extension(made.get(), issuer, NID_key_usage, spec.key_usage.empty() ? usage : spec.key_usage);
  if (!spec.subject_alternative_name.empty()) {
    add_extension(made.get(), issuer, NID_subject_alt_name, spec.subject_alternative_name);
  }
  for (const Extension& raw : spec.extensions) add_raw_extension(made.get(), raw);
  EVP_PKEY* signer = spec.issuer_key != nullptr ? spec.issuer_key : spec.subject_key;
  require(X509_sign(made.get(), signer, EVP_sha256()) > 0, "X509_sign");
  return made;
}

inline Der to_der(X509* certificate) {
  Der der(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* at = der.data();
  i2d_X509(certificate, &at);
  return der;
}

inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

inline std::string to_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(bio.get(), certificate) == 1, "PEM_write_bio_X509");
  return text_of(bio.get());
}

inline std::string to_pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "PrivateKey");
  return text_of(bio.get());
}

}  // namespace latchkey::test
