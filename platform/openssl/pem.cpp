// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/pem.h"

#include <openssl/pem.h>

namespace latchkey::openssl {
namespace {

std::vector<std::uint8_t> content_of(BIO* bio) {
  const std::uint8_t* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::vector<std::uint8_t>(data, data + size) : std::vector<std::uint8_t>{};
}

BioPtr reader(ByteView pem) { return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// Instead of OpenSSL's default, which asks on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

std::vector<std::uint8_t> key_to_pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  return content_of(bio.get());
}

std::vector<std::uint8_t> certificate_to_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  return content_of(bio.get());
}

PkeyPtr key_from_pem(ByteView pem) {
  const BioPtr bio = reader(pem);
  return PkeyPtr(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
}

X509Ptr certificate_from_pem(ByteView pem) {
  const BioPtr bio = reader(pem);
  return X509Ptr(bio ? PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
}

}  // namespace latchkey::openssl
