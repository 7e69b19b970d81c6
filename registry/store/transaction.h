// SPDX-License-Identifier: Apache-2.0
// What an operation sees of the writer's transaction: the database, and the two numbered records that every mutation
// leaves, changes and audit. Numbers are given here, under the write lock, so they follow commit order, and so does the
// chain of the audit's hashes.
#pragma once

#include "registry/model/audit.h"
#include "registry/model/change.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

class Transaction {
 public:
  // Reads the counters. (On PostgreSQL they are rows taken FOR UPDATE; a database sequence would not follow commits.)
  // `digest` hashes the audit's records.
  static Outcome<Transaction> start(Database& database, const ports::Digest& digest);

  Database& database() { return *database_; }

  // Adds to the change feed. The record gets the next sequence number.
  Outcome<Nothing> change(const ChangeBody& body);
  // Every change so far is forgotten, and a number is given to none: whoever follows has to take a snapshot.
  Outcome<Nothing> forget_changes();
  // Adds to the audit; number and hashes are given here, and what cannot be printed is replaced.
  Outcome<Nothing> audit(AuditRecord record);

  // What is done here may change how devices are judged that were judged before: Writer::edition().
  void touch() { touched_ = true; }
  bool touched() const { return touched_; }

  // finish() will fail for that reason, and nothing of the transaction come about.
  void condemn(Refusal why) { condemned_ = std::move(why); }

  Sequence newest() const { return numbers_.change; }

  // The counters as of now, to go back to after rolling back to a savepoint.
  struct Numbers {
    Sequence change = 0;
    AuditHead audit;
  };
  Numbers mark() const { return numbers_; }
  void restore(const Numbers& mark) { numbers_ = mark; }

  // Stores the counters and, now and then, prunes all but the newest `keep_changes` changes. Before COMMIT.
  Outcome<Nothing> finish(std::uint64_t keep_changes);

 private:
  Transaction(Database& database, const ports::Digest& digest) : database_(&database), digest_(&digest) {}

  Database* database_;
  const ports::Digest* digest_;
  Numbers started_;
  Numbers numbers_;
  bool touched_ = false;
  std::optional<Refusal> condemned_;
};

}  // namespace latchkey::registry::store
