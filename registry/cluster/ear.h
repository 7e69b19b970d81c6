// SPDX-License-Identifier: Apache-2.0
// What a node's thread rests by: somebody of this process rings, the database tells of a commit, or time is over. What
// it is told is only when to look; what there is, the numbers in the registry say.
//
// A database may take LISTEN and tell nothing all the same, behind a pool that gives the connection to others between
// transactions. So the ear is believed by what it hears: when a look finds news that were not heard of, nor are within
// kDoubtMs, then it is deaf until it hears something.
//
// Threads: ring() from any; the rest is the node's thread's.
#pragma once

#include <cstdint>
#include <optional>

#include "registry/store/sql.h"

namespace latchkey::registry::cluster {

class Ear {
 public:
  static constexpr std::int64_t kDoubtMs = 1'000;

  Ear();
  ~Ear();
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  // Ends the rest that is, or the next one.
  void ring() const;
  // For so long at most. `database` may be none.
  void rest(store::Database* database, std::int64_t most_ms);

  // Behind each look: whether it found what others must have announced.
  void looked(bool news, std::int64_t now_ms);
  void heard() { heard_ = true; }
  // Whether to rely on being told, by a database that listens.
  bool deaf() const { return deaf_; }

 private:
  int call_;
  bool heard_ = false;  // since the last look was begun
  bool deaf_ = false;
  std::optional<std::int64_t> missed_ms_;  // when news were found that nobody told of
};

}  // namespace latchkey::registry::cluster
