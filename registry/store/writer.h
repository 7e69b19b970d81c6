// SPDX-License-Identifier: Apache-2.0
// Writer: the one thread that changes the database. Operations queue up; it takes what is there, up to `batch_limit`,
// runs each in a SAVEPOINT of one shared transaction, commits once and only then answers all of them (group commit: a
// sync to disk is paid once for a batch). Where several wrote at one time it waits for half of what a commit takes, so
// that those who were just answered come along with those who were not; whoever writes alone waits for nobody.
//
// Threads: run() from any thread; it blocks until the operation is durable or refused. The operation itself runs on
// the writer's thread and must not call run().
//
// Invariants:
//  1. Nobody is answered before COMMIT.
//  2. An operation that refuses is rolled back to its savepoint; what `refused` then writes is part of the commit.
//  3. If the transaction cannot be committed, every operation of the batch is answered kStorage and none took effect.
//     (A commit whose sync failed may still be found after a crash: the answer then means "not known to hold".)
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "registry/model/observer.h"
#include "registry/store/log_keeper.h"
#include "registry/store/transaction.h"

namespace latchkey::registry::store {

class Writer {
 public:
  struct Options {
    std::size_t batch_limit = 256;        // operations in one commit at the most
    std::uint64_t keep_changes = 100000;  // of the change feed; older ones are pruned
    // For tests: called on the writer's thread before each COMMIT; an error makes the commit fail.
    std::function<Outcome<Nothing>(Database&)> before_commit;
  };
  using Act = std::function<Outcome<Nothing>(Transaction&)>;
  using RecordRefusal = std::function<Outcome<Nothing>(Transaction&, const Refusal&)>;

  // Takes over a connection that is open for writing and migrated. `digest` is for the audit and outlives the writer.
  static Outcome<std::unique_ptr<Writer>> start(std::unique_ptr<Database> database, const ports::Digest& digest,
                                                Options options);
  ~Writer();

  // Answers the sequence number of the newest change when the operation was done. `refused` may be empty.
  Outcome<Sequence> run(Act act, RecordRefusal refused);
  // Runs what is queued, then stops; later calls answer kShuttingDown. May be called more than once.
  void close();

  // Called on the writer's thread after a commit that made changes, before its operations are answered. After this
  // returns the former listener is not called any more.
  void set_listener(std::function<void(Sequence newest)> listener);
  // From now on; nullptr: nobody. The observer outlives the writer, or is taken away before it goes.
  void set_observer(Observer* observer) { observer_.store(observer, std::memory_order_release); }
  Sequence newest() const { return newest_.load(std::memory_order_acquire); }
  // Another one after each commit of an operation that touched what is looked up before devices are served
  // (Transaction::touch), and before that operation is answered. Read before a look-up, it says later whether that
  // would come out the same.
  std::uint64_t edition() const { return edition_.load(std::memory_order_acquire); }
  // Another node committed such an operation.
  void others_touched() { edition_.fetch_add(1, std::memory_order_acq_rel); }
  // Gauges: operations that wait for the next batch, and commits since the start.
  std::size_t queued();
  std::uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }

 private:
  // Where a thread waits for its answer. Each has its own, so that those who are answered together do not wait for one
  // another; shared with the writer, which wakes a thread when its task may be gone already.
  struct Waiter {
    std::mutex mutex;
    bool answered = false;  // guarded by mutex
    std::condition_variable changed;
  };
  struct Task {
    Act act;
    RecordRefusal refused;
    Outcome<Sequence> answer = 0;
    std::shared_ptr<Waiter> waiter;
  };

  Writer(std::unique_ptr<Database> database, std::unique_ptr<LogKeeper> log_keeper, const ports::Digest& digest,
         Options options, Sequence newest);
  void loop();
  bool take(std::vector<Task*>& batch);
  void wait_for_company(std::unique_lock<std::mutex>& lock);
  Outcome<Sequence> run_batch(const std::vector<Task*>& batch);
  Outcome<Nothing> commit(Observer::Duration& took);
  Outcome<Nothing> run_in_transaction(const std::vector<Task*>& batch, Transaction& transaction);
  Outcome<Nothing> run_one(Task& task, Transaction& transaction);
  void announce(Sequence newest);
  void answer(const std::vector<Task*>& batch);

  // The writer's thread only.
  std::unique_ptr<Database> database_;
  std::unique_ptr<LogKeeper> log_keeper_;  // SQLite's; from the start on; ends when the thread has
  const ports::Digest& digest_;
  Memo memo_;
  const Options options_;
  std::size_t last_batch_ = 0;
  Observer::Duration commit_takes_{};  // a moving mean

  std::atomic<Sequence> newest_;
  std::atomic<std::uint64_t> edition_ = 0;
  std::atomic<std::uint64_t> commits_ = 0;
  std::atomic<Observer*> observer_ = nullptr;

  std::mutex queue_mutex_;  // guards what follows
  std::condition_variable queued_;
  std::deque<Task*> queue_;
  bool closing_ = false;

  std::mutex listener_mutex_;
  std::function<void(Sequence)> listener_;

  std::mutex join_mutex_;
  std::thread thread_;  // guarded by join_mutex_ after the start
};

}  // namespace latchkey::registry::store
