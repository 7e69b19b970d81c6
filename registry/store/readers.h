// SPDX-License-Identifier: Apache-2.0
// Readers: connections that only read. In WAL mode they see the last commit and never wait for the writer.
//
// Threads: view() from any thread; each View belongs to the thread that took it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

class Readers {
 public:
  explicit Readers(std::string path) : path_(std::move(path)) {}

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
  // Opens a connection when all are in use.
  Outcome<View> view();

 private:
  void give_back(std::unique_ptr<Database> database);

  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_;
};

}  // namespace latchkey::registry::store
