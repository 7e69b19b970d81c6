// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/text.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>

namespace latchkey::hub::management {

using registry::Bytes;
using registry::Reason;

namespace {

struct Free {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
};
using CertificatePtr = std::unique_ptr<X509, Free>;
using BioPtr = std::unique_ptr<BIO, Free>;

CertificatePtr parse_der(ByteView der) {
  const unsigned char* at = der.data();
  CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return certificate;
}

UnixMs unix_ms(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return 0;
  return static_cast<UnixMs>(timegm(&fields)) * 1000;
}

}  // namespace

Answer<Bytes> from_base64(std::string_view text, const std::string& target) {
  Bytes bytes(base64_decoded_max(text.size()));
  const auto size = base64_decode(text, {bytes.data(), bytes.size()});
  if (!size) return fault(Reason::kMalformedRequest, "'" + target + "' is not base64 (RFC 4648, padded)", target);
  bytes.resize(*size);
  return bytes;
}

std::string pem_from_der(ByteView der, std::string_view label) {
  constexpr std::size_t kLine = 64;  // RFC 7468 section 2
  const std::string body = base64(der);
  const std::string mark = std::string(label) + "-----\n";
  std::string pem = "-----BEGIN " + mark;
  for (std::size_t at = 0; at < body.size(); at += kLine) pem += body.substr(at, kLine) + "\n";
  return pem + "-----END " + mark;
}

std::string sha256_thumbprint(ByteView der) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(der.data(), der.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) return {};
  std::string text = hex({digest.data(), size});
  for (char& c : text) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

Answer<Bytes> der_from_pem(const std::string& pem, CertificateUse use, const std::string& target) {
  const auto refused = [&target](const std::string& why) {
    return fault(Reason::kInvalidArgument, "'" + target + "' " + why, target);
  };
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    ERR_clear_error();
    return refused("is not a certificate in PEM form");
  }
  const CertificatePtr another(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (another) return refused("holds more than one certificate");
  const bool authority = X509_check_ca(certificate.get()) == 1;
  if (use == CertificateUse::kAuthority && !authority) return refused("is not a CA certificate");
  if (use == CertificateUse::kLeaf && authority) return refused("is a CA certificate; a device's own is wanted");
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate.get(), &encoded);
  if (size <= 0) return refused("cannot be encoded");
  Bytes der(encoded, encoded + size);
  OPENSSL_free(encoded);
  return der;
}

CertificateFacts facts_of(ByteView der) {
  CertificateFacts facts;
  const auto certificate = parse_der(der);
  if (!certificate) return facts;
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  facts.subject.assign(data, static_cast<std::size_t>(size));
  facts.not_before = unix_ms(X509_get0_notBefore(certificate.get()));
  facts.not_after = unix_ms(X509_get0_notAfter(certificate.get()));
  return facts;
}

}  // namespace latchkey::hub::management
