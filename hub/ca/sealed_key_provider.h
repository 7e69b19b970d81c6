// SPDX-License-Identifier: Apache-2.0
// SealedKeyProvider: keys that several hub nodes share, each sealed under a node key (sealing.h) in a store that need
// not be trusted (sealed_keys.h). A key_ref is 32 hex digits, the purpose and ".sealed": "0123...cdef.ca.sealed".
//
// A key is unsealed into memory when it is used, and forgotten after a minute: so a key that another node destroyed
// signs no longer than that here, even for a caller that still has its name (the registry unnames a key before it is
// destroyed). Its octets are wiped once OpenSSL has parsed them; OpenSSL wipes its own when the key goes.
#pragma once

#include <chrono>
#include <functional>

#include "hub/ca/key_provider.h"
#include "hub/ca/node_key.h"
#include "hub/ca/remembered_keys.h"
#include "hub/ca/sealed_keys.h"

namespace latchkey::hub::ca {

class SealedKeyProvider final : public KeyProvider {
 public:
  struct Options {
    std::string purpose = "ca";                    // letters a to z
    std::chrono::milliseconds remembered{60'000};  // how long a key stays in memory; 0: unsealed at each use
    std::function<UnixMs()> now;                   // real time, for the age of keys that nobody names
  };
  // The store outlives it. `node_keys`: the first seals, all unseal.
  SealedKeyProvider(SealedKeys& store, NodeKeys node_keys, Options options);

  using KeyProvider::generate;
  registry::Outcome<GeneratedKey> generate(KeyAlgorithm algorithm) override;
  registry::Outcome<SigningKey> load(const std::string& key_ref) override;
  registry::Outcome<void> destroy(const std::string& key_ref) override;
  registry::Outcome<std::size_t> destroy_unnamed(const std::set<std::string>& named) override;
  // Unseals each.
  registry::Outcome<void> check(const std::set<std::string>& named) override;
  std::string told() const override;

  struct Resealed {
    std::size_t anew = 0;     // that were sealed under another node key
    std::size_t already = 0;  // that were sealed under the first one before
  };
  // Seals every key of this purpose under the first node key. Each goes over whole, so what a crash leaves is readable
  // by nodes that know both keys, and calling it again goes on. A key that is destroyed meanwhile stays destroyed.
  // Stops at the first that cannot be opened: kPreconditionFailed, kStorage.
  registry::Outcome<Resealed> reseal();

 private:
  bool is_ours(std::string_view key_ref) const;
  registry::Outcome<bool> reseal_one(const std::string& key_ref);  // whether it had to be
  registry::Outcome<SigningKey> unsealed(const std::string& key_ref) const;

  SealedKeys& store_;
  const NodeKeys node_keys_;
  const Options options_;
  const std::string ending_;  // ".ca.sealed"
  RememberedKeys remembered_;
};

}  // namespace latchkey::hub::ca
