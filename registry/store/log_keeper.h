// SPDX-License-Identifier: Apache-2.0
// LogKeeper: folds the write-ahead log back into the database beside the writer. SQLite would do it within a commit,
// every thousand pages, and everybody who writes would wait for it: tens of milliseconds, many times a second under
// load.
//
// A log that is written without a pause is never folded to its end, which is where SQLite begins it anew. So the writer
// folds what is left itself once the log has `most` pages.
//
// Threads: the watch that it sets runs on the writer's thread, the folding on one of its own.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

class LogKeeper {
 public:
  struct Options {  // in pages of 4 KiB
    std::size_t every = 1000;
    std::size_t most = 4096;
  };
  // `writer` outlives it, and is not in use when it begins and ends.
  static Outcome<std::unique_ptr<LogKeeper>> start(Database& writer, Options options);
  ~LogKeeper();

 private:
  LogKeeper(Database& writer, std::unique_ptr<Database> own, Options options);
  void grown(std::size_t pages);
  void loop();

  Database& writer_;
  const std::unique_ptr<Database> own_;
  const Options options_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::size_t pages_ = 0;   // in the log
  std::size_t folded_ = 0;  // of them, when folding began last
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace latchkey::registry::store
