// SPDX-License-Identifier: Apache-2.0
// What of mbedTLS's TLS differs between 2.28, 3.x and 4.x. Private to platform/tls. Built here with 2.28.3; the other
// branches follow those versions' headers.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <psa/crypto.h>

#include <cstddef>

namespace latchkey::tls::compat {

#if MBEDTLS_VERSION_NUMBER < 0x04000000
inline int psa_random(void*, unsigned char* out, std::size_t size) {
  return psa_generate_random(out, size) == PSA_SUCCESS ? 0 : -1;
}
#endif

inline void set_random(mbedtls_ssl_config* config) {
#if MBEDTLS_VERSION_NUMBER < 0x04000000
  mbedtls_ssl_conf_rng(config, psa_random, nullptr);
#else
  (void)config;
#endif
}

// TLS 1.2 and nothing else: one code path on a small device, and a server's verdict on our certificate comes before the
// handshake ends.
inline void set_version(mbedtls_ssl_config* config) {
#if MBEDTLS_VERSION_NUMBER < 0x03020000
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#else
  mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#endif
}

// Records of at most 4 KB from the server (RFC 6066 section 4): the least that holds a handshake message, which may not
// be cut. Set by hand: the library's function refuses more than the smaller of both buffers, and ours to send is
// smaller.
inline void ask_for_4k_records(mbedtls_ssl_config* config) {
#if !defined(MBEDTLS_SSL_MAX_FRAGMENT_LENGTH)
  (void)config;
#elif MBEDTLS_VERSION_NUMBER < 0x03000000
  config->mfl_code = MBEDTLS_SSL_MAX_FRAG_LEN_4096;
#else
  config->MBEDTLS_PRIVATE(mfl_code) = MBEDTLS_SSL_MAX_FRAG_LEN_4096;
#endif
}

inline int parse_key(mbedtls_pk_context* pk, const unsigned char* der, std::size_t size) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x04000000
  return mbedtls_pk_parse_key(pk, der, size, nullptr, 0, psa_random, nullptr);
#else
  return mbedtls_pk_parse_key(pk, der, size, nullptr, 0);
#endif
}

// The number of the alert that ended a session; 0 where the version keeps it to itself.
inline int alert_of(const mbedtls_ssl_context& ssl) {
#if MBEDTLS_VERSION_NUMBER < 0x03000000
  return ssl.in_msg != nullptr ? ssl.in_msg[1] : 0;
#else
  (void)ssl;
  return 0;
#endif
}

}  // namespace latchkey::tls::compat
