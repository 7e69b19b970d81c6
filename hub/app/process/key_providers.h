// SPDX-License-Identifier: Apache-2.0
// The key providers of a hub process: for its CAs, for the signing service, and for what nodes share beside
// them: the server CA, the last OCSP keys of CAs that were ended, the statement key of firmware. All are of the kind
// that --keys says.
//
// Threads: all functions may be called from any thread.
#pragma once

#include <memory>
#include <mutex>

#include "hub/app/base/data_folder.h"
#include "hub/app/base/keys_option.h"
#include "hub/ca/pkcs11_key_provider.h"
#include "hub/ca/sealed_key_provider.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

class KeyProviders {
 public:
  // Folder and registry outlive it. Nothing is made but empty folders. kInvalidArgument, kUnauthorized (a file that is
  // open to others), kNotFound, kPreconditionFailed (no such token, wrong PIN), kStorage.
  static registry::Outcome<std::unique_ptr<KeyProviders>> open(const KeysOption& option, const DataFolder& folder,
                                                               registry::Registry& registry);
  ~KeyProviders();

  ca::KeyProvider& cas() { return *cas_; }
  // Opened at the first use. kStorage.
  registry::Outcome<ca::KeyProvider*> signing();
  // The same; it destroys nothing by itself. Not for files of this data folder, which no other node can read:
  // in_files().
  registry::Outcome<ca::KeyProvider*> shared();
  // Does it keep keys as files of this data folder alone? Then snapshots can copy them.
  bool in_files() const { return option_.kind == KeysOption::Kind::kFiles; }
  std::filesystem::path signing_folder() const { return folder_.path() / "signing-keys"; }
  // Can every key be used that the registry's CAs name? As KeyProvider::check.
  registry::Outcome<registry::Nothing> check_cas();
  // For people.
  std::string told() const;

  struct Resealed {
    std::size_t anew = 0;     // keys that were sealed under another node key before
    std::size_t already = 0;  // under this one
    std::string node_key;     // its id
  };
  // Seals all keys of all purposes under the first node key. May be done again after it failed, and goes on.
  // kNotSupported: keys are not sealed here. kPreconditionFailed: one is sealed under a node key that is not known
  // here. kStorage.
  registry::Outcome<Resealed> rotate();

 private:
  KeyProviders(KeysOption option, const DataFolder& folder, registry::Registry& registry)
      : option_(std::move(option)), folder_(folder), registry_(registry) {}
  registry::Outcome<registry::Nothing> open_store();
  registry::Outcome<ca::KeyProvider*> made_once(std::unique_ptr<ca::KeyProvider>& provider, const std::string& purpose);
  registry::Outcome<std::unique_ptr<ca::KeyProvider>> make(const std::string& purpose,
                                                           const std::filesystem::path& folder);

  const KeysOption option_;
  const DataFolder& folder_;
  registry::Registry& registry_;
  std::string registry_id_;  // 32 hex digits: whose keys these are, where several registries share a folder or a token
  ca::NodeKeys node_keys_;
  std::unique_ptr<ca::SealedKeys> store_;
  ca::TokenHandle token_;
  std::unique_ptr<ca::KeyProvider> cas_;
  std::mutex mutex_;
  std::unique_ptr<ca::KeyProvider> signing_;  // guarded by mutex_, as the next
  std::unique_ptr<ca::KeyProvider> shared_;
};

}  // namespace latchkey::hub::app
