// SPDX-License-Identifier: Apache-2.0
// The statement key of firmware (hub/firmware/statement_key.h) where all nodes of a registry find it: with the keys
// that they share, named by a setting of the registry. Where keys are files of a data folder, or the key was made when
// they were, it is a file, and the setting says which: a node that has not got that file signs nothing, rather than by
// a key that no device has.
//
// Threads: one at a time.
#pragma once

#include <filesystem>
#include <functional>

#include "hub/app/process/key_providers.h"
#include "hub/firmware/statement_key.h"

namespace latchkey::hub::app {

class SharedStatementKey final : public firmware::StatementKey {
 public:
  // A setting of the registry that is written once: answers what it says then. Empty: no other node is there.
  using Agree = std::function<registry::Outcome<std::string>(const std::string& setting, const std::string& ours)>;
  // The folder is there, and open to its owner alone. All outlive it.
  SharedStatementKey(registry::Registry& registry, KeyProviders& keys, const std::filesystem::path& folder,
                     Agree agree = {});

  // Of a node, before it serves: says that the key is the file that is here, if none is named yet. kStorage.
  registry::Outcome<registry::Nothing> settle();
  // kPreconditionFailed: it is another node's file.
  registry::Outcome<Key> load() override;
  // kPreconditionFailed: there are statements, so that it must have been made by a node that has not said so yet.
  registry::Outcome<Key> make() override;

 private:
  registry::Outcome<Key> make_file();
  registry::Outcome<Key> make_shared();

  registry::Registry& registry_;
  KeyProviders& keys_;
  const std::filesystem::path folder_;
  const Agree agree_;
  firmware::StatementKeyFile file_;
};

}  // namespace latchkey::hub::app
