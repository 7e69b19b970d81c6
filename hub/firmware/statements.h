// SPDX-License-Identifier: Apache-2.0
// The hub's statement key, and the statements that it signs (docs/firmware-update.md): durable EKUs that are pinned,
// and what the signing service has revoked. The key is EC P-256, a PKCS#8 file of mode 0600 made at its first need:
// when its public half is asked for, or pins are set. It is never logged, and leaves its file for nobody.
//
// Threads: any; statements are made one after the other.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <set>

#include "platform/openssl/openssl_ptr.h"
#include "registry/firmware/statements.h"

namespace latchkey::hub::firmware {

using registry::Bytes;
using registry::firmware::Statement;
using registry::firmware::StatementKind;

class Statements {
 public:
  // The rows outlive it; the folder is there, and open to its owner alone.
  Statements(registry::RowKeeper& rows, const std::filesystem::path& folder)
      : rows_(rows), statements_(rows), file_(folder / "statement.key") {}

  // SubjectPublicKeyInfo (DER). kStorage, kInternal: the key cannot be read or made.
  registry::Outcome<Bytes> public_key(const registry::Call& call);
  // These durable EKUs, dotted, one to four, instead of those before. The same ones again: the statement that stands.
  // kInvalidArgument.
  registry::Outcome<Statement> pin(const registry::Call& call, std::vector<std::string> ekus);
  // A new statement of revocations if something else is revoked than the newest one says. What does not fit into 4 KiB
  // is left out, the oldest first, of profiles that are not pinned. Nothing: it stands, there is no key yet, or the
  // signing service never ran, so that there is nothing to speak of. kPreconditionFailed: what is revoked of pinned
  // profiles alone does not fit; the statement before stands then.
  registry::Outcome<std::optional<Statement>> refresh(const registry::Call& call);

  registry::Outcome<std::optional<Statement>> newest(StatementKind kind) { return statements_.newest(kind); }

 private:
  registry::Outcome<registry::Nothing> have_key(const registry::Call& call);
  registry::Outcome<bool> load_key();
  registry::Outcome<std::optional<Statement>> renew(const registry::Call& call);
  registry::Outcome<Statement> add(const registry::Call& call, Statement statement);
  registry::Outcome<std::set<std::string>> pinned();

  registry::RowKeeper& rows_;
  registry::firmware::StatementRows statements_;
  const std::filesystem::path file_;
  std::mutex making_;     // guards the key, and makes one statement after the other
  openssl::PkeyPtr key_;  // null: not loaded
};

}  // namespace latchkey::hub::firmware
