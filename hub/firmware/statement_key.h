// SPDX-License-Identifier: Apache-2.0
// The key that statements are signed by, wherever it lies: EC P-256, made at its first need. It is never logged.
//
// Threads: one at a time.
#pragma once

#include <openssl/types.h>

#include <filesystem>
#include <memory>

#include "registry/model/refusal.h"

namespace latchkey::hub::firmware {

class StatementKey {
 public:
  using Key = std::shared_ptr<EVP_PKEY>;
  virtual ~StatementKey() = default;
  // Null: none was made yet. kStorage, kPreconditionFailed: there is one, and it cannot be used here.
  virtual registry::Outcome<Key> load() = 0;
  // While there is none; durable when it returns. kStorage, kInternal.
  virtual registry::Outcome<Key> make() = 0;
};

// A PKCS#8 file of mode 0600 that it leaves for nobody.
class StatementKeyFile final : public StatementKey {
 public:
  // The folder is there, and open to its owner alone.
  explicit StatementKeyFile(const std::filesystem::path& folder) : file_(folder / "statement.key") {}
  registry::Outcome<Key> load() override;
  registry::Outcome<Key> make() override;

 private:
  const std::filesystem::path file_;
  Key key_;  // null: not loaded
};

}  // namespace latchkey::hub::firmware
