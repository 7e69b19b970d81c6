// SPDX-License-Identifier: Apache-2.0
// The statements that the hub signs (docs/firmware-update.md): durable EKUs that are pinned, and what the signing
// service has revoked. Their key (statement_key.h) is made when its public half is asked for, or pins are set.
//
// Threads: any; statements are made one after the other, and of several nodes that make one at once the later ones try
// again behind the first.
#pragma once

#include <mutex>
#include <set>

#include "hub/firmware/statement_key.h"
#include "registry/firmware/statements.h"

namespace latchkey::hub::firmware {

using registry::Bytes;
using registry::firmware::Statement;
using registry::firmware::StatementKind;

class Statements {
 public:
  // Both outlive it.
  Statements(registry::RowKeeper& rows, StatementKey& key) : rows_(rows), statements_(rows), key_(key) {}

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
  using Key = StatementKey::Key;
  registry::Outcome<Key> have_key(const registry::Call& call);
  registry::Outcome<Statement> try_pin(const registry::Call& call, const Key& key,
                                       const std::vector<std::string>& ekus);
  registry::Outcome<std::optional<Statement>> renew(const registry::Call& call, const Key& key);
  registry::Outcome<std::optional<Statement>> try_renew(const registry::Call& call, const Key& key);
  registry::Outcome<Statement> add(const registry::Call& call, Statement statement);
  registry::Outcome<std::set<std::string>> pinned();

  registry::RowKeeper& rows_;
  registry::firmware::StatementRows statements_;
  StatementKey& key_;
  std::mutex making_;  // guards the key, and makes one statement after the other
};

}  // namespace latchkey::hub::firmware
