// SPDX-License-Identifier: Apache-2.0
// Everything of mbedTLS whose shape differs between 2.28, 3.x and 4.x, and that this folder uses. Private to
// platform/crypto: include it in .cpp files only. The rest goes through PSA or through the members that are public in
// all three.
//
// Built, and this folder's tests passed, with 2.28.3 (Debian 12), 3.6.6 and 4.0.0 (with TF-PSA-Crypto 1.0.0), each in
// its default configuration on x86-64. A board's own configuration (ESP-IDF 5 brings 3.x, ESP-IDF 6 4.x) may leave
// parts out: PSA, CSR writing, certificate parsing, P-256 and P-384, SHA-256 and SHA-384 are needed.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <psa/crypto.h>

#include <cstddef>

namespace latchkey::crypto::compat {

#if MBEDTLS_VERSION_NUMBER < 0x04000000
// What prototypes of 2.28 and 3.x want as a generator. 4.x takes none: it uses PSA's by itself.
inline int psa_random(void*, unsigned char* out, std::size_t size) {
  return psa_generate_random(out, size) == PSA_SUCCESS ? 0 : -1;
}
#endif

inline int parse_key(mbedtls_pk_context* pk, const unsigned char* der, std::size_t size) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x04000000
  return mbedtls_pk_parse_key(pk, der, size, nullptr, 0, psa_random, nullptr);
#else
  return mbedtls_pk_parse_key(pk, der, size, nullptr, 0);
#endif
}

// Writes at the end of `out` and returns the size, or a negative code.
inline int write_csr_der(mbedtls_x509write_csr* csr, unsigned char* out, std::size_t size) {
#if MBEDTLS_VERSION_NUMBER < 0x04000000
  return mbedtls_x509write_csr_der(csr, out, size, psa_random, nullptr);
#else
  return mbedtls_x509write_csr_der(csr, out, size);
#endif
}

inline bool is_ca(const mbedtls_x509_crt& crt) {
#if MBEDTLS_VERSION_NUMBER >= 0x03060000
  return mbedtls_x509_crt_get_ca_istrue(&crt) == 1;
#elif MBEDTLS_VERSION_NUMBER >= 0x03000000
  return crt.MBEDTLS_PRIVATE(ca_istrue) == 1;
#else
  return crt.ca_istrue == 1;
#endif
}

}  // namespace latchkey::crypto::compat
