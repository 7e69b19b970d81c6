// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/key_provider.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::ca {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::size_t kNameBytes = 16;

}  // namespace

KeyAlgorithm algorithm_of(registry::KeyProfile profile) {
  return profile == registry::KeyProfile::kEcP384 ? KeyAlgorithm::kEcP384 : KeyAlgorithm::kEcP256;
}

std::string_view to_string(KeyAlgorithm algorithm) {
  switch (algorithm) {
    case KeyAlgorithm::kEcP256: return "ec-p256";
    case KeyAlgorithm::kEcP384: return "ec-p384";
    case KeyAlgorithm::kEcP521: return "ec-p521";
    case KeyAlgorithm::kEcSecp256k1: return "ec-secp256k1";
    case KeyAlgorithm::kRsa3072: return "rsa-3072";
  }
  return "unknown";
}

openssl::PkeyPtr make_key(KeyAlgorithm algorithm) {
  switch (algorithm) {
    case KeyAlgorithm::kEcP256: return openssl::make_ec_key("P-256");
    case KeyAlgorithm::kEcP384: return openssl::make_ec_key("P-384");
    case KeyAlgorithm::kEcP521: return openssl::make_ec_key("P-521");
    case KeyAlgorithm::kEcSecp256k1: return openssl::PkeyPtr(EVP_EC_gen("secp256k1"));
    case KeyAlgorithm::kRsa3072: return openssl::PkeyPtr(EVP_RSA_gen(3072));
  }
  return nullptr;
}

std::string_view provider_kind(std::string_view key_ref) {
  if (key_ref.ends_with(".pem")) return "files";
  if (key_ref.ends_with(".sealed")) return "sealed";
  if (key_ref.ends_with(".p11")) return "pkcs11";
  return {};
}

tl::unexpected<registry::Refusal> refuse_key(const std::string& key_ref, const std::string& told,
                                             const std::string& why) {
  const auto kind = provider_kind(key_ref);
  std::string detail = "the registry names key " + key_ref;
  if (!kind.empty()) detail += ", which was made with --keys " + std::string(kind);
  detail += "; this node's keys are " + told + (why.empty() ? "" : ": " + why) +
            ". Nothing is served, and no new CA is made: start it with the --keys and the key material that the "
            "registry's keys were made with, or bring them back from a copy (docs/keys.md)";
  return refuse(Reason::kPreconditionFailed, std::move(detail));
}

Outcome<std::string> fresh_key_name() {
  std::array<std::uint8_t, kNameBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    return refuse(Reason::kInternal, "no randomness: " + openssl::take_error());
  }
  std::array<std::uint8_t, hex_size(kNameBytes)> text{};
  if (!hex_encode(random, text)) return refuse(Reason::kInternal, "key name");
  return std::string(ByteView(text).text());
}

bool named_like_a_key(std::string_view key_ref, std::string_view ending) {
  if (key_ref.size() != hex_size(kNameBytes) + ending.size() || !key_ref.ends_with(ending)) return false;
  key_ref.remove_suffix(ending.size());
  return std::ranges::all_of(key_ref, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace latchkey::hub::ca
