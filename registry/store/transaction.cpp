// SPDX-License-Identifier: Apache-2.0
#include "registry/store/transaction.h"

#include "registry/store/audit.h"
#include "registry/store/changes.h"

namespace latchkey::registry::store {
namespace {

// Changes between two prunings. Each pruning deletes about as many rows as came since the last, so none is long.
constexpr Sequence kPruneEvery = 1024;

}  // namespace

Outcome<Transaction> Transaction::start(Database& database) {
  Transaction transaction(database);
  Numbers& numbers = transaction.numbers_;
  LATCHKEY_TRY_VOID(database.query("SELECT name, value FROM counters").each([&numbers](const Query& row) {
    (row.text(0) == "change" ? numbers.change : numbers.audit) = static_cast<std::uint64_t>(row.integer(1));
  }));
  transaction.started_ = numbers;
  return transaction;
}

Outcome<Nothing> Transaction::change(const ChangeBody& body) {
  LATCHKEY_TRY_VOID(insert(*database_, Change{numbers_.change + 1, body}));
  ++numbers_.change;
  return Nothing{};
}

Outcome<Nothing> Transaction::audit(AuditRecord record) {
  record.number = numbers_.audit + 1;
  LATCHKEY_TRY_VOID(insert(*database_, record));
  ++numbers_.audit;
  return Nothing{};
}

Outcome<Nothing> Transaction::finish(std::uint64_t keep_changes) {
  if (numbers_.change != started_.change) {
    LATCHKEY_TRY_VOID(database_->query("UPDATE counters SET value = $1 WHERE name = 'change'", numbers_.change).run());
  }
  if (numbers_.audit != started_.audit) {
    LATCHKEY_TRY_VOID(database_->query("UPDATE counters SET value = $1 WHERE name = 'audit'", numbers_.audit).run());
  }
  const bool due = numbers_.change / kPruneEvery != started_.change / kPruneEvery;
  if (due && numbers_.change > keep_changes) return prune_changes(*database_, numbers_.change - keep_changes);
  return Nothing{};
}

}  // namespace latchkey::registry::store
