// SPDX-License-Identifier: Apache-2.0
// Readers: connections that only read. They see the last commit and never wait for the writer: SQLite's in WAL mode,
// PostgreSQL's by themselves.
//
// Threads: view() from any thread; each View belongs to the thread that took it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

class Readers {
 public:
  explicit Readers(std::string location);

  // One consistent view of the last commit, for as long as it lives. Must not outlive the Readers.
  class View {
   public:
    View(View&&) = default;
    View& operator=(View&&) = delete;
    ~View();
    Database& operator*() const { return *database_; }

   private:
    friend class Readers;
    View(Readers* readers, std::unique_ptr<Database> database) : readers_(readers), database_(std::move(database)) {}
    Readers* readers_;
    std::unique_ptr<Database> database_;  // null after a move
  };
  // Opens a connection when all are in use; of PostgreSQL, whose connections are few, no more than kMostOfPostgres, and
  // who comes then waits until one is free: kStorage when none is for long.
  Outcome<View> view();

  static constexpr std::size_t kMostOfPostgres = 16;

 private:
  Outcome<std::unique_ptr<Database>> take();
  void give_back(std::unique_ptr<Database> database);

  const std::string path_;
  const std::size_t most_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Database>> idle_;
  std::size_t lent_ = 0;
};

}  // namespace latchkey::registry::store
