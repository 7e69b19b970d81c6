// SPDX-License-Identifier: Apache-2.0
#include "registry/store/transaction.h"

#include "registry/store/audit.h"
#include "registry/store/changes.h"

namespace latchkey::registry::store {
namespace {

// Changes between two prunings. Each pruning deletes about as many rows as came since the last, so none is long.
constexpr Sequence kPruneEvery = 1024;

}  // namespace

Outcome<Nothing> take_turn(Database& database) {
  if (database.kind() == StoreKind::kSqlite) return Nothing{};
  return database.query("SELECT value FROM counters WHERE name = 'change' FOR UPDATE").run();
}

Outcome<Transaction> Transaction::start(Database& database, const ports::Digest& digest) {
  Transaction transaction(database, digest);
  Numbers& numbers = transaction.numbers_;
  LATCHKEY_TRY_VOID(take_turn(database));
  LATCHKEY_TRY(newest, newest_change(database));
  LATCHKEY_TRY(head, find_audit_head(database));
  numbers = {newest, head};
  transaction.started_ = numbers;
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
