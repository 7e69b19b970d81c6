// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/certificates/key.h"

#include <openssl/rsa.h>

#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::signing {

std::string_view name_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::kEcP256: return "ec-p256";
    case KeyKind::kEcP384: return "ec-p384";
    case KeyKind::kEcP521: return "ec-p521";
    case KeyKind::kEcSecp256k1: return "ec-secp256k1";
    default: return "rsa-3072";
  }
}

std::optional<KeyKind> key_kind_by_name(std::string_view name) {
  for (const KeyKind kind :
       {KeyKind::kRsa3072, KeyKind::kEcP256, KeyKind::kEcP384, KeyKind::kEcP521, KeyKind::kEcSecp256k1}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

openssl::PkeyPtr make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::kEcP256: return openssl::make_ec_key("P-256");
    case KeyKind::kEcP384: return openssl::make_ec_key("P-384");
    case KeyKind::kEcP521: return openssl::make_ec_key("P-521");
    case KeyKind::kEcSecp256k1: return openssl::PkeyPtr(EVP_EC_gen("secp256k1"));
    default: return openssl::PkeyPtr(EVP_RSA_gen(3072));
  }
}

}  // namespace latchkey::hub::signing
