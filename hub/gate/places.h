// SPDX-License-Identifier: Apache-2.0
// DPS endpoint: who may take which client id. A broker lets the newest connection of a client id push out the one
// before it; here that would let anybody who knows an id interrupt its device, or inherit the answers meant for it.
//
// A session whose proof is not judged yet is never displaced; one whose proof failed by anybody; a verified one only by
// who shows the same certificate, or a proof that the hub process has approved: it is told of the attempt, and the next
// one with that proof gets in.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hub/gate/options.h"
#include "hub/gate/session.h"

namespace latchkey::hub::gate {

// Attempts to displace a verified session: waiting for the hub's verdict, or approved for a while.
class Attempts {
 public:
  explicit Attempts(const Options& options)
      : max_(options.max_attempts), max_per_peer_(options.max_attempts_per_peer), keep_ms_(options.approval_ms) {}

  // False when too many are waiting: the hub process is then not to be asked.
  bool add(wire::ConnectionId connection, std::string_view client_id, const Sha256& proof, std::string_view peer,
           std::uint64_t boot_ms);
  // The hub's verdict; one that failed is forgotten. False when there is no such attempt.
  bool judge(wire::ConnectionId connection, bool verified, std::uint64_t boot_ms);
  // True once for each approval.
  bool redeem(std::string_view client_id, const Sha256& proof, std::uint64_t boot_ms);
  std::size_t size() const { return attempts_.size(); }

 private:
  struct Attempt {
    std::string client_id;
    std::string peer;
    Sha256 proof{};
    bool approved = false;
    std::uint64_t until_ms = 0;
  };
  void drop_outdated(std::uint64_t boot_ms);

  const std::size_t max_;
  const std::size_t max_per_peer_;
  const std::uint64_t keep_ms_;
  std::unordered_map<wire::ConnectionId, Attempt> attempts_;
};

enum class Place : std::uint8_t {
  kFree,      // nobody holds the id
  kTakeOver,  // the holder gives way
  kHeld,      // the holder is not judged yet: try again
  kAttempt,   // the holder is verified: the hub process has to approve this proof first
};
Place find_place(const Session* holder, const Sha256& leaf_digest, const Sha256& proof, Attempts& attempts,
                 std::uint64_t boot_ms);

// Sessions that have not proven themselves, oldest deadline first, and the caps on them.
class Unverified {
 public:
  explicit Unverified(const Options& options)
      : max_(options.max_unverified), max_per_peer_(options.max_unverified_per_peer) {}

  // Deadlines of later additions are never earlier.
  void add(Session& session) { sessions_.push_back(&session); }
  // Those that the hub process has not judged yet.
  std::size_t pending() const;
  void remove(Session& session) { sessions_.remove(&session); }
  std::size_t size() const { return sessions_.size(); }
  // One whose deadline has passed, or null.
  Session* overdue(std::uint64_t boot_ms) const;

  // Is there room for one more from `peer`, once `leaving` (may be null) is gone? Whoever has to go for it is the
  // oldest whose proof failed.
  struct Room {
    bool granted = false;
    Session* evict = nullptr;
  };
  Room room_for(std::string_view peer, const Session* leaving) const;

 private:
  const std::size_t max_;
  const std::size_t max_per_peer_;
  std::list<Session*> sessions_;  // at most max_ of them
};

}  // namespace latchkey::hub::gate
