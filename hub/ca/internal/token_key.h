// SPDX-License-Identifier: Apache-2.0
// A key on a token as an EVP_PKEY: whoever signs with it (certificates, CRLs, CMS, the form of leaves) needs not know.
//
// OpenSSL 3.0 takes keys of a method of one's own (EC_KEY_METHOD, RSA_METHOD) past its providers, as it did for
// engines; that is deprecated, and works up to 3.x. The alternative, a provider of our own, is ten times as much code
// for the same two operations. Such keys sign and say their public half; they cannot be encoded.
#pragma once

#include <memory>

#include "hub/ca/internal/pkcs11_token.h"

namespace latchkey::hub::ca::internal {

// `public_half` is the token's answer for `id`. The token lives as long as the key. Null when OpenSSL fails.
openssl::PkeyPtr token_key(const EVP_PKEY* public_half, std::shared_ptr<Pkcs11Token> token, const Pkcs11Token::Id& id);

}  // namespace latchkey::hub::ca::internal
