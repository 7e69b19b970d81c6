// SPDX-License-Identifier: Apache-2.0
// KeyProvider: where CA keys lie (a folder of files here; an HSM would be another implementation). The registry knows
// them only by `key_ref`, a name that means something to the provider alone.
//
// Order of events, so that a crash loses nothing and leaves nothing usable behind: a key is durable before generate()
// returns, so before any row names it; it is destroyed after the row is gone; what a crash left between the two,
// destroy_unnamed() removes at the next start.
//
// Threads: all functions may be called from any thread.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <set>
#include <string>

#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::ca {

// Shared: a key stays usable for whoever is signing with it while another thread destroys it.
using SigningKey = std::shared_ptr<EVP_PKEY>;

struct GeneratedKey {
  std::string key_ref;
  SigningKey key;
};

class KeyProvider {
 public:
  virtual ~KeyProvider() = default;

  // A new key, durable. kStorage, kInternal.
  virtual registry::Outcome<GeneratedKey> generate(registry::KeyProfile profile) = 0;
  // Parsed once, then from memory. kNotFound, kInvalidArgument (not a reference of this provider), kStorage.
  virtual registry::Outcome<SigningKey> load(const std::string& key_ref) = 0;
  // Gone for good, also after a crash. A key that is not there is success. kInvalidArgument, kStorage.
  virtual registry::Outcome<void> destroy(const std::string& key_ref) = 0;
  // Destroys every key that is not in `named`, and returns how many. Only at start-up, before anything is generated:
  // a key whose row is still on its way looks unnamed.
  virtual registry::Outcome<std::size_t> destroy_unnamed(const std::set<std::string>& named) = 0;
};

}  // namespace latchkey::hub::ca
