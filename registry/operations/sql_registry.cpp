// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/sql_registry.h"

#include <chrono>

#include "registry/model/observer.h"
#include "registry/operations/internal/subscription.h"
#include "registry/operations/internal/trial.h"
#include "registry/store/portrait.h"
#include "registry/store/schema.h"
#include "registry/store/settings.h"
#include "registry/store/sparing.h"

namespace latchkey::registry {

Outcome<std::unique_ptr<Registry>> Registry::open(Options options, const ports::Digest& digest) {
  LATCHKEY_TRY(registry, SqlRegistry::open_with(std::move(options), digest, {}));
  return std::unique_ptr<Registry>(std::move(registry));
}

Outcome<std::unique_ptr<SqlRegistry>> SqlRegistry::open_with(Options options, const ports::Digest& digest,
                                                             store::Writer::Options hooks) {
  LATCHKEY_TRY(database, store::Database::open(options.path, store::Database::Access::kReadWrite));
  LATCHKEY_TRY_VOID(store::make_ready(*database));
  LATCHKEY_TRY_VOID(ensure_subscription(*database));
  hooks.batch_limit = options.batch_limit;
  LATCHKEY_TRY(writer, store::Writer::start(std::move(database), digest, std::move(hooks)));
  return std::unique_ptr<SqlRegistry>(new SqlRegistry(std::move(options), digest, std::move(writer)));
}

SqlRegistry::SqlRegistry(Options options, const ports::Digest& digest, std::unique_ptr<store::Writer> writer)
    : options_(std::move(options)), digest_(digest), writer_(std::move(writer)), readers_(options_.path) {}

SqlRegistry::~SqlRegistry() { writer_->close(); }

void SqlRegistry::close() { writer_->close(); }

void SqlRegistry::set_commit_listener(CommitListener listener) { writer_->set_listener(std::move(listener)); }

AuditRecord record_of(const Call& call, const Attempt& attempt, std::string outcome, std::string detail,
                      std::pair<std::string, std::string> changed) {
  return {0,
          call.now,
          call.actor,
          std::string(attempt.action),
          attempt.resource,
          std::move(outcome),
          std::move(detail),
          call.source,
          std::move(changed.first),
          std::move(changed.second)};
}

static Outcome<AuditFacts> portrait_of(store::Database& db, const Attempt& attempt) {
  return attempt.told_by_rule ? Outcome<AuditFacts>(AuditFacts{}) : store::portrait(db, attempt.resource);
}

Outcome<Sequence> SqlRegistry::run(const Call& call, const Attempt& attempt,
                                   const std::function<Outcome<Nothing>(Act&)>& rule) {
  if (call.trial != nullptr) return try_out(call, attempt, rule);
  const auto began = std::chrono::steady_clock::now();
  last_now_.store(call.now, std::memory_order_relaxed);
  auto record = [&](store::Transaction& transaction, std::string outcome, std::string detail,
                    std::pair<std::string, std::string> changed) {
    return transaction.audit(record_of(call, attempt, std::move(outcome), std::move(detail), std::move(changed)));
  };
  auto answer = writer_->run(
      [&](store::Transaction& transaction) -> Outcome<Nothing> {
        if (options_.faults != nullptr) {
          if (const auto fine = options_.faults->before(attempt.action, attempt.resource); !fine) {
            transaction.condemn(fine.error());
            return Nothing{};  // nobody hears that: the commit fails
          }
        }
        if (!attempt.leaves_enrollments) transaction.touch();
        const store::Sparing sparing(attempt.leaves_enrollments);
        Act act{transaction, transaction.database(), call, {}};
        act.action = attempt.action;
        act.faults = options_.faults;
        LATCHKEY_TRY(before, portrait_of(act.db, attempt));
        LATCHKEY_TRY_VOID(rule(act));
        LATCHKEY_TRY_VOID(keep_labels(act, attempt));
        LATCHKEY_TRY(after, portrait_of(act.db, attempt));
        before.insert(before.end(), act.before.begin(), act.before.end());
        after.insert(after.end(), act.after.begin(), act.after.end());
        return record(transaction, "ok", std::move(act.note), differences(before, after));
      },
      [&](store::Transaction& transaction, const Refusal& refusal) {
        return record(transaction, std::string(to_string(refusal.reason)), refusal.detail, {});
      });
  if (auto* observer = observer_.load(std::memory_order_acquire)) {
    observer->operation(attempt.action, answer ? Reason::kNone : answer.error().reason,
                        std::chrono::steady_clock::now() - began);
  }
  return answer;
}

// The refusal at the end is what takes it back; without anybody to record it, nothing stays.
Outcome<Sequence> SqlRegistry::try_out(const Call& call, const Attempt& attempt,
                                       const std::function<Outcome<Nothing>(Act&)>& rule) {
  Outcome<Nothing> verdict = Nothing{};
  bool through = false;
  auto ended = writer_->run(
      [&](store::Transaction& transaction) -> Outcome<Nothing> {
        Act act{transaction, transaction.database(), call, {}};
        act.action = attempt.action;
        transaction.memo().forget();  // nothing of what comes about here
        LATCHKEY_TRY_VOID(call.trial->before(act.db));
        verdict = rule(act);
        if (verdict) LATCHKEY_TRY_VOID(call.trial->after(act.db));
        through = true;
        return refuse(Reason::kPreconditionFailed, "tried out");
      },
      {});
  if (!through && !ended) return fail(ended.error());
  if (!verdict) return fail(verdict.error());
  return writer_->newest();
}

void SqlRegistry::set_observer(Observer* observer) {
  observer_.store(observer, std::memory_order_release);
  writer_->set_observer(observer);
}

Outcome<Nothing> SqlRegistry::keep(const std::function<Outcome<Nothing>(store::Database&)>& rule) {
  LATCHKEY_TRY(sequence, writer_->run(
                             [&](store::Transaction& transaction) {
                               const store::Sparing sparing;
                               return rule(transaction.database());
                             },
                             {}));
  static_cast<void>(sequence);
  return Nothing{};
}

Outcome<std::optional<std::string>> SqlRegistry::setting(const std::string& name) {
  return read<std::optional<std::string>>([&](store::Database& db) { return store::find_setting(db, name); });
}

Outcome<Nothing> SqlRegistry::set_setting(const std::string& name, const std::string& value) {
  return keep([&](store::Database& db) { return store::put_setting(db, name, value); });
}

}  // namespace latchkey::registry
