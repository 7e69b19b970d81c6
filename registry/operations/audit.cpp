// SPDX-License-Identifier: Apache-2.0
#include "registry/store/audit.h"

#include <algorithm>

#include "registry/operations/internal/sql_registry.h"

namespace latchkey::registry {
namespace {

constexpr std::size_t kPageLimit = 10000;
// Each page is a view of its own, and short: a long one would keep SQLite from folding its log back into the file.
constexpr std::size_t kWalkPage = 1000;

using Fault = AuditReport::Fault;

// Goes along the chain from the first record on and says what is not as it was written.
class ChainWalk {
 public:
  ChainWalk(const ports::Digest& digest, const std::optional<AuditHead>& noted) : digest_(digest), noted_(noted) {}

  std::uint64_t count() const { return reached_.count; }

  Outcome<std::optional<Fault>> take(AuditRecord record) {
    const std::uint64_t expected = reached_.count + 1;
    if (record.number < expected) return found(record.number, "was inserted: its number is taken");
    if (record.number > expected) return found(expected, "is missing");
    record.previous = reached_.hash;
    LATCHKEY_TRY(hash, audit_hash(digest_, record));
    if (hash != record.hash) {
      return found(expected, "was changed, or stands where another one was: it does not match its hash");
    }
    reached_ = {expected, hash};
    if (noted_ && noted_->count == expected && noted_->hash != hash) {
      return found(expected, "is not the one of the noted head: the chain was written anew up to there");
    }
    return std::optional<Fault>();
  }

  // After the last record up to the head.
  std::optional<Fault> finish(const AuditHead& head, std::int64_t last_number) const {
    if (head.count > reached_.count) {
      return found(reached_.count + 1, "is missing: the head counts " + std::to_string(head.count) + " records");
    }
    if (head.hash != reached_.hash) return found(reached_.count, "does not match the head: the head was changed");
    if (last_number > static_cast<std::int64_t>(head.count)) {
      return found(reached_.count + 1, "was inserted: the head counts " + std::to_string(head.count) + " records");
    }
    if (noted_ && noted_->count > reached_.count) {
      return found(reached_.count + 1,
                   "is missing: the noted head counts " + std::to_string(noted_->count) + " records");
    }
    return std::nullopt;
  }

 private:
  static std::optional<Fault> found(std::uint64_t number, std::string what) { return Fault{number, std::move(what)}; }

  const ports::Digest& digest_;
  const std::optional<AuditHead>& noted_;
  AuditHead reached_;
};

// Where a walk begins: the head and the table's ends, seen at one moment.
struct Ends {
  AuditHead head;
  store::AuditNumbers numbers;
};

Outcome<Ends> ends_of(store::Database& db) {
  LATCHKEY_TRY(head, store::find_audit_head(db));
  LATCHKEY_TRY(numbers, store::audit_numbers(db));
  return Ends{head, numbers};
}

}  // namespace

Outcome<Nothing> SqlRegistry::audit(const Call& call, const std::string& action, const std::string& resource,
                                    const std::string& outcome, const std::string& detail) {
  LATCHKEY_TRY(
      sequence,
      writer_->run(
          [&](store::Transaction& transaction) {
            return transaction.audit({0, call.now, call.actor, action, resource, outcome, detail, call.source});
          },
          {}));
  static_cast<void>(sequence);
  return Nothing{};
}

Outcome<std::vector<AuditRecord>> SqlRegistry::list_audit(std::uint64_t before, std::size_t limit) {
  return read<std::vector<AuditRecord>>(
      [&](store::Database& db) { return store::audit_before(db, before, std::min(limit, kPageLimit)); });
}

Outcome<std::vector<AuditRecord>> SqlRegistry::audit_from(std::uint64_t first, std::size_t limit) {
  return read<std::vector<AuditRecord>>(
      [&](store::Database& db) { return store::audit_from(db, first, std::min(limit, kPageLimit)); });
}

Outcome<AuditHead> SqlRegistry::audit_head() {
  return read<AuditHead>([](store::Database& db) { return store::find_audit_head(db); });
}

Outcome<AuditReport> SqlRegistry::verify_audit(const std::optional<AuditHead>& noted) {
  if (noted && noted->count == 0 && noted->hash != AuditHash{}) {
    return refuse(Reason::kInvalidArgument, "a head without records has a hash of zeros");
  }
  LATCHKEY_TRY(ends, read<Ends>(ends_of));
  AuditReport report{ends.head, {}};
  if (ends.numbers.last != 0 && ends.numbers.first < 1) {
    report.fault = Fault{0, "was inserted: the first record has number 1"};
    return report;
  }
  ChainWalk walk(digest_, noted);
  while (walk.count() < ends.head.count) {
    const std::size_t left = ends.head.count - walk.count();
    LATCHKEY_TRY(page, audit_from(walk.count() + 1, std::min(left, kWalkPage)));
    if (page.empty()) break;
    for (AuditRecord& record : page) {
      LATCHKEY_TRY(fault, walk.take(std::move(record)));
      report.fault = std::move(fault);
      if (report.fault) return report;
    }
  }
  report.fault = walk.finish(ends.head, ends.numbers.last);
  return report;
}

}  // namespace latchkey::registry
