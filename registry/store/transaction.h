// SPDX-License-Identifier: Apache-2.0
// What an operation sees of the writer's transaction: the database, and the two numbered records that every mutation
// leaves, changes and audit. Numbers are given here, under the write lock, so they follow commit order, and so does the
// chain of the audit's hashes.
#pragma once

#include "registry/model/audit.h"
#include "registry/model/change.h"
#include "registry/store/memo.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Of all who write to one database only one does so at a time, from here to the end of the transaction that
// `database` is in.
//
// SQLite's BEGIN IMMEDIATE has seen to that already. On PostgreSQL, to which several nodes write, it is the row of the
// change counter, taken FOR UPDATE before anything else. So the numbers of changes and of audit records follow commits,
// as a SEQUENCE's would not, and no two operators collide: READ COMMITTED is enough, for each statement after this one
// sees all that was committed before it began, all others wait here, and so nothing is committed between two of them.
Outcome<Nothing> take_turn(Database& database);

class Transaction {
 public:
  // Takes its turn and reads the counters. `digest` hashes the audit's records, `memo` is the writer's.
  static Outcome<Transaction> start(Database& database, const ports::Digest& digest, Memo& memo);

  Database& database() { return *database_; }
  Memo& memo() { return *memo_; }

  // Adds to the change feed. The record gets the next sequence number.
  Outcome<Nothing> change(const ChangeBody& body);
  // Every change so far is forgotten, and a number is given to none: whoever follows has to take a snapshot.
  Outcome<Nothing> forget_changes();
  // Adds to the audit; number and hashes are given here, and what cannot be printed is replaced.
  Outcome<Nothing> audit(AuditRecord record);

  // What is done here may change how devices are judged that were judged before: Writer::edition(). Or any other row of
  // those that a Memo keeps.
  void touch() {
    touched_ = true;
    memo_->forget();
  }
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
  Transaction(Database& database, const ports::Digest& digest, Memo& memo)
      : database_(&database), digest_(&digest), memo_(&memo) {}

  Database* database_;
  const ports::Digest* digest_;
  Memo* memo_;
  Numbers started_;
  Numbers numbers_;
  bool touched_ = false;
  std::optional<Refusal> condemned_;
};

}  // namespace latchkey::registry::store
