// SPDX-License-Identifier: Apache-2.0
// Speaks to the database for the sessions of this node (claims.h): a thread with a connection of its own, because a
// storm of devices that connect must hold up no lease. What is to be claimed goes in batches, some fifty a second at
// most, each one transaction; what others claimed is looked at as often.
//
// Threads: serve_as() and all_told() from any thread; the others belong to whoever starts the process. `end` is called
// on this object's thread, must not block for long, and must not call stop().
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "registry/cluster/claims.h"
#include "registry/store/sql.h"

namespace latchkey::registry::cluster {

class Claimant {
 public:
  struct Options {
    std::string store;                     // as store::Database::open takes it
    std::function<std::int64_t()> now_ms;  // since boot, as of Claims::Session
    int pause_ms = 20;                     // between two rounds
  };
  using End = std::function<void(const Claims::Ending&)>;
  // `claims` outlives this object.
  Claimant(Options options, Claims& claims, End end);
  ~Claimant() { stop(); }

  void start();
  void stop();
  // Nothing is claimed before it is known as which incarnation.
  void serve_as(const Uuid& incarnation);
  // Every broker has told its sessions: what this node has claimed for others, in an earlier life, is over.
  void all_told();

 private:
  void run();
  Outcome<bool> round(const Uuid& incarnation, bool all_told);
  Outcome<Nothing> begin(const Uuid& incarnation, bool all_told);
  Outcome<Nothing> follow();
  Outcome<bool> claim();
  void end(const std::vector<Claims::Ending>& endings);

  const Options options_;
  Claims& claims_;
  const End end_;
  std::thread thread_;

  // The thread's alone.
  std::unique_ptr<store::Database> database_;
  Uuid begun_as_;  // on that connection
  bool begun_with_all_ = false;

  std::mutex mutex_;  // guards the rest
  std::condition_variable wake_;
  bool stopping_ = false;
  Uuid incarnation_;
  bool all_told_ = false;
};

}  // namespace latchkey::registry::cluster
