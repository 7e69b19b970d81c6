// SPDX-License-Identifier: Apache-2.0
// The signing service's keys, in a folder of files as the CAs' are (hub/ca/file_key_provider.h), but one of their own:
// each of the two erases at its start what its own rows do not name.
#pragma once

#include "hub/ca/file_key_provider.h"
#include "hub/signing/service/ports.h"

namespace latchkey::hub::app {

class SigningKeys final : public signing::KeyStore {
 public:
  // The provider outlives it.
  explicit SigningKeys(ca::FileKeyProvider& files) : files_(files) {}

  signing::Answer<Kept> keep(openssl::PkeyPtr key) override {
    LATCHKEY_TRY(kept, files_.keep(std::move(key)));
    return Kept{std::move(kept.key_ref), std::move(kept.key)};
  }
  signing::Answer<signing::SigningKey> load(const std::string& key_ref) override { return files_.load(key_ref); }
  signing::Answer<registry::Nothing> erase(const std::string& key_ref) override {
    LATCHKEY_TRY_VOID(files_.destroy(key_ref));
    return registry::Nothing{};
  }
  signing::Answer<registry::Nothing> erase_unnamed(const std::set<std::string>& named) override {
    LATCHKEY_TRY(erased, files_.destroy_unnamed(named));
    static_cast<void>(erased);
    return registry::Nothing{};
  }

 private:
  ca::FileKeyProvider& files_;
};

}  // namespace latchkey::hub::app
