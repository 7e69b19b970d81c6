// SPDX-License-Identifier: Apache-2.0
#include "registry/store/transaction.h"

#include <algorithm>

#include "registry/store/audit.h"
#include "registry/store/changes.h"

namespace latchkey::registry::store {
namespace {

// Changes between two prunings. Each pruning deletes about as many rows as came since the last, so none is long.
constexpr Sequence kPruneEvery = 1024;

struct Standing {
  Transaction::Numbers numbers;
  std::int64_t edition = 0;
};

// All of it in one statement, for each is a wait.
Outcome<Standing> read_standing(Database& database) {
  LATCHKEY_TRY(found, database
                          .query("SELECT c.value, e.value, h.count, h.hash FROM audit_head h, counters c, counters e "
                                 "WHERE c.name = 'change' AND e.name = 'edition'")
                          .all([](const Query& row) {
                            Standing standing;
                            standing.numbers.change = static_cast<Sequence>(row.integer(0));
                            standing.edition = row.integer(1);
                            standing.numbers.audit.count = static_cast<std::uint64_t>(row.integer(2));
                            const Bytes hash = row.bytes(3);
                            auto& head = standing.numbers.audit.hash;
                            if (hash.size() == head.size()) std::copy(hash.begin(), hash.end(), head.begin());
                            return standing;
                          }));
  if (found.size() == 1) return found.front();
  return refuse(Reason::kStorage, "storage: a counter or the head of the audit is missing");
}

}  // namespace

Outcome<Nothing> take_turn(Database& database) {
  if (database.kind() == StoreKind::kSqlite) return Nothing{};
  return database.query("SELECT value FROM counters WHERE name = 'change' FOR UPDATE").run();
}

Outcome<Transaction> Transaction::start(Database& database, const ports::Digest& digest, Memo& memo) {
  Transaction transaction(database, digest, memo);
  LATCHKEY_TRY_VOID(take_turn(database));
  LATCHKEY_TRY(standing, read_standing(database));
  memo.begin(standing.edition, database.connections());
  transaction.started_ = transaction.numbers_ = standing.numbers;
  return transaction;
}

Outcome<Nothing> Transaction::change(const ChangeBody& body) {
  LATCHKEY_TRY_VOID(insert(*database_, Change{numbers_.change + 1, body}));
  ++numbers_.change;
  return Nothing{};
}

Outcome<Nothing> Transaction::forget_changes() {
  ++numbers_.change;
  return prune_changes(*database_, numbers_.change);
}

Outcome<Nothing> Transaction::audit(AuditRecord record) {
  make_printable(record);
  record.number = numbers_.audit.count + 1;
  record.previous = numbers_.audit.hash;
  LATCHKEY_TRY(hash, audit_hash(*digest_, record));
  record.hash = hash;
  LATCHKEY_TRY_VOID(insert(*database_, record));
  numbers_.audit = {record.number, record.hash};
  return Nothing{};
}

Outcome<Nothing> Transaction::finish(std::uint64_t keep_changes) {
  if (condemned_) return fail(*condemned_);
  if (touched_ || numbers_.change != started_.change) database_->announce();
  if (numbers_.change != started_.change) {
    LATCHKEY_TRY_VOID(database_->query("UPDATE counters SET value = $1 WHERE name = 'change'", numbers_.change).run());
  }
  if (touched_) {
    LATCHKEY_TRY_VOID(database_->query("UPDATE counters SET value = value + 1 WHERE name = 'edition'").run());
  }
  if (!(numbers_.audit == started_.audit)) LATCHKEY_TRY_VOID(put_audit_head(*database_, numbers_.audit));
  const bool due = numbers_.change / kPruneEvery != started_.change / kPruneEvery;
  if (due && numbers_.change > keep_changes) return prune_changes(*database_, numbers_.change - keep_changes);
  return Nothing{};
}

}  // namespace latchkey::registry::store
