// SPDX-License-Identifier: Apache-2.0
#include "registry/store/writer.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "registry/store/changes.h"

namespace latchkey::registry::store {
namespace {

// Beyond it more company is not worth the wait.
constexpr auto kMostWait = std::chrono::milliseconds(1);

// An operation's own code has no business throwing; what the standard library throws (bad_alloc) stops here, so that
// one operation fails and not the process.
Outcome<Nothing> guarded(const Writer::Act& act, Transaction& transaction) {
  try {
    return act(transaction);
  } catch (const std::exception& exception) {
    return refuse(Reason::kInternal, exception.what());
  }
}

}  // namespace

Outcome<std::unique_ptr<Writer>> Writer::start(std::unique_ptr<Database> database, const ports::Digest& digest,
                                               Options options) {
  LATCHKEY_TRY(newest, newest_change(*database));
  std::unique_ptr<LogKeeper> log_keeper;
  if (database->kind() == StoreKind::kSqlite) {
    LATCHKEY_TRY(started, LogKeeper::start(*database, {}));
    log_keeper = std::move(started);
  }
  options.batch_limit = std::max<std::size_t>(options.batch_limit, 1);
  return std::unique_ptr<Writer>(
      new Writer(std::move(database), std::move(log_keeper), digest, std::move(options), newest));
}

Writer::Writer(std::unique_ptr<Database> database, std::unique_ptr<LogKeeper> log_keeper, const ports::Digest& digest,
               Options options, Sequence newest)
    : database_(std::move(database)),
      log_keeper_(std::move(log_keeper)),
      digest_(digest),
      options_(std::move(options)),
      newest_(newest),
      thread_([this] { loop(); }) {}

Writer::~Writer() { close(); }

void Writer::close() {
  {
    std::lock_guard lock(queue_mutex_);
    closing_ = true;
  }
  queued_.notify_all();
  std::lock_guard lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

void Writer::set_listener(std::function<void(Sequence)> listener) {
  std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

std::size_t Writer::queued() {
  std::lock_guard lock(queue_mutex_);
  return queue_.size();
}

Outcome<Sequence> Writer::run(Act act, RecordRefusal refused) {
  static thread_local const auto waiter = std::make_shared<Waiter>();
  waiter->answered = false;  // nobody else knows it now
  Task task;
  task.act = std::move(act);
  task.refused = std::move(refused);
  task.waiter = waiter;
  {
    const std::lock_guard lock(queue_mutex_);
    if (closing_) return refuse(Reason::kShuttingDown, "the registry is closing");
    queue_.push_back(&task);
  }
  queued_.notify_one();
  std::unique_lock lock(waiter->mutex);
  waiter->changed.wait(lock, [] { return waiter->answered; });
  return std::move(task.answer);
}

void Writer::loop() {
  std::vector<Task*> batch;
  while (take(batch)) {
    auto newest = run_batch(batch);
    if (newest) {
      announce(*newest);
    } else {
      for (Task* task : batch) task->answer = fail(newest.error());
    }
    answer(batch);
  }
}

// False when closing and nothing is left.
bool Writer::take(std::vector<Task*>& batch) {
  std::unique_lock lock(queue_mutex_);
  queued_.wait(lock, [this] { return closing_ || !queue_.empty(); });
  wait_for_company(lock);
  const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), options_.batch_limit));
  batch.assign(queue_.begin(), queue_.begin() + count);
  queue_.erase(queue_.begin(), queue_.begin() + count);
  return !batch.empty();
}

// Threads that write in turn fall into two groups, one of which is answered while the other is being committed: twice
// as many commits as it takes. The same as PostgreSQL's commit_delay, and its documentation's advice on how long.
void Writer::wait_for_company(std::unique_lock<std::mutex>& lock) {
  if (closing_ || last_batch_ < 2 || queue_.size() >= options_.batch_limit) return;
  lock.unlock();
  std::this_thread::sleep_for(std::min<Observer::Duration>(commit_takes_ / 2, kMostWait));
  lock.lock();
}

// The newest change after the commit, or why nothing of the batch took effect.
Outcome<Sequence> Writer::run_batch(const std::vector<Task*>& batch) {
  const auto began = std::chrono::steady_clock::now();
  LATCHKEY_TRY_VOID(database_->begin_write());
  auto transaction = Transaction::start(*database_, digest_, memo_);
  Outcome<Nothing> done = Nothing{};
  if (transaction && transaction->newest() < newest_.load(std::memory_order_acquire)) {
    done =
        refuse(Reason::kStorage,
               "the database has gone back: acknowledged changes are missing in it, as after a failover to a standby "
               "that was behind or a backup that was put back; restart this node when that is what you want");
  } else if (transaction) {
    done = run_in_transaction(batch, *transaction);
  } else {
    done = fail(transaction.error());
  }
  if (done && options_.before_commit) done = options_.before_commit(*database_);
  Observer::Duration committing{};
  if (done) done = commit(committing);
  if (!done) database_->rollback();
  if (auto* observer = observer_.load(std::memory_order_acquire)) {
    observer->committed(batch.size(), std::chrono::steady_clock::now() - began, committing);
  }
  last_batch_ = batch.size();
  commit_takes_ += (committing - commit_takes_) / 8;
  // After a commit that failed, too: it may still be found after a crash.
  if (transaction && transaction->touched()) edition_.fetch_add(1, std::memory_order_acq_rel);
  if (!done) return refuse(Reason::kStorage, done.error().detail);
  commits_.fetch_add(1, std::memory_order_relaxed);
  return transaction->newest();
}

Outcome<Nothing> Writer::commit(Observer::Duration& took) {
  const auto began = std::chrono::steady_clock::now();
  auto done = database_->commit();
  took = std::chrono::steady_clock::now() - began;
  return done;
}

Outcome<Nothing> Writer::run_in_transaction(const std::vector<Task*>& batch, Transaction& transaction) {
  for (Task* task : batch) LATCHKEY_TRY_VOID(run_one(*task, transaction));
  return transaction.finish(options_.keep_changes);
}

// An error condemns the whole batch; a refusal of the operation is its answer and no error here.
Outcome<Nothing> Writer::run_one(Task& task, Transaction& transaction) {
  const Transaction::Numbers mark = transaction.mark();
  LATCHKEY_TRY_VOID(database_->savepoint());
  Outcome<Nothing> done = guarded(task.act, transaction);
  if (done) done = database_->release_savepoint();  // tells what failed of it on PostgreSQL
  if (done) {
    task.answer = transaction.newest();
    return done;
  }
  // SQLite gives up the whole transaction on some errors (full disk, I/O), and a lost connection ends it: then there is
  // no savepoint to go back to.
  if (!database_->in_transaction()) return done;
  LATCHKEY_TRY_VOID(database_->rollback_to_savepoint());
  LATCHKEY_TRY_VOID(database_->release_savepoint());
  transaction.restore(mark);
  if (task.refused) {
    LATCHKEY_TRY_VOID(task.refused(transaction, done.error()));
    LATCHKEY_TRY_VOID(database_->settle());  // else the next operation would be told of it
  }
  task.answer = fail(done.error());
  return Nothing{};
}

void Writer::announce(Sequence newest) {
  if (newest_.exchange(newest, std::memory_order_acq_rel) == newest) return;
  std::lock_guard lock(listener_mutex_);
  if (listener_) listener_(newest);
}

void Writer::answer(const std::vector<Task*>& batch) {
  for (Task* task : batch) {
    const auto waiter = std::move(task->waiter);
    {
      const std::lock_guard lock(waiter->mutex);
      waiter->answered = true;  // from here on the task, which lives on its caller's stack, may be gone
    }
    waiter->changed.notify_one();  // outside the lock, which the one that is woken takes first of all
  }
}

}  // namespace latchkey::registry::store
