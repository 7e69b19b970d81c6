// SPDX-License-Identifier: Apache-2.0
// Keys for the signing service's certificates. Threads: any.
#pragma once

#include <optional>
#include <string_view>

#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::signing {

enum class KeyKind { kRsa3072, kEcP256, kEcP384, kEcP521, kEcSecp256k1 };
// "rsa-3072", "ec-p256", "ec-p384", "ec-p521", "ec-secp256k1".
std::string_view name_of(KeyKind kind);
std::optional<KeyKind> key_kind_by_name(std::string_view name);

// Null when OpenSSL fails. An RSA key takes some hundred milliseconds, or seconds on a busy machine.
openssl::PkeyPtr make_key(KeyKind kind = KeyKind::kRsa3072);

}  // namespace latchkey::hub::signing
