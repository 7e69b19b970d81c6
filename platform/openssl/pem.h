// SPDX-License-Identifier: Apache-2.0
// Keys and certificates in their PEM forms (RFC 7468): PKCS#8 without a pass phrase, X.509 certificate.
#pragma once

#include <vector>

#include "platform/base/bytes.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::openssl {

// Empty when OpenSSL fails; the caller wipes keys.
std::vector<std::uint8_t> key_to_pem(EVP_PKEY* key);
std::vector<std::uint8_t> certificate_to_pem(X509* certificate);
// Null when the text is not that.
PkeyPtr key_from_pem(ByteView pem);
X509Ptr certificate_from_pem(ByteView pem);

}  // namespace latchkey::openssl
