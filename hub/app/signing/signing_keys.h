// SPDX-License-Identifier: Apache-2.0
// The signing service's keys, where the CAs' are (hub/ca/key_provider.h), but by a provider of their own purpose: each
// of the two erases at its start what its own rows do not name.
#pragma once

#include "hub/ca/key_provider.h"
#include "hub/signing/service/ports.h"

namespace latchkey::hub::app {

class SigningKeys final : public signing::KeyStore {
 public:
  // The provider outlives it.
  explicit SigningKeys(ca::KeyProvider& provider) : provider_(provider) {}

  signing::Answer<Kept> make(signing::KeyKind kind) override {
    LATCHKEY_TRY(kept, provider_.generate(algorithm_of(kind)));
    return Kept{std::move(kept.key_ref), std::move(kept.key)};
  }
  signing::Answer<signing::SigningKey> load(const std::string& key_ref) override { return provider_.load(key_ref); }
  signing::Answer<registry::Nothing> erase(const std::string& key_ref) override {
    LATCHKEY_TRY_VOID(provider_.destroy(key_ref));
    return registry::Nothing{};
  }
  signing::Answer<registry::Nothing> erase_unnamed(const std::set<std::string>& named) override {
    LATCHKEY_TRY(erased, provider_.destroy_unnamed(named));
    static_cast<void>(erased);
    return registry::Nothing{};
  }

 private:
  static ca::KeyAlgorithm algorithm_of(signing::KeyKind kind) {
    switch (kind) {
      case signing::KeyKind::kEcP256: return ca::KeyAlgorithm::kEcP256;
      case signing::KeyKind::kEcP384: return ca::KeyAlgorithm::kEcP384;
      case signing::KeyKind::kEcP521: return ca::KeyAlgorithm::kEcP521;
      case signing::KeyKind::kEcSecp256k1: return ca::KeyAlgorithm::kEcSecp256k1;
      case signing::KeyKind::kRsa3072: return ca::KeyAlgorithm::kRsa3072;
    }
    return ca::KeyAlgorithm::kRsa3072;
  }

  ca::KeyProvider& provider_;
};

}  // namespace latchkey::hub::app
