// SPDX-License-Identifier: Apache-2.0
// One session a device over all nodes, as one of them keeps it: each session that begins here is claimed under a number
// that the registry gives, and ended here once somebody else's claim stands in its place. It decides and does nothing:
// claimant.h speaks to the database, whoever is asked to ends sessions.
//
// The registry has a row for each place, which is a device at a hub: who claimed it last. Numbers grow in the order in
// which claims are committed (claim_rows.h), so whoever has seen one has seen, or can see, all before it.
//
// Invariants
//  1. A session whose claim is not known to be committed is ended by nobody's number: it will have a greater one, or
//     its claim be refused.
//  2. A session is ended only for a claim that another node committed: a greater one, or the one that refused its own.
//     Of two sessions only one can be ended for the other: the greater claim was never refused by the smaller, and who
//     is refused leaves no claim. So no two nodes end each other's in turn.
//  3. When every claim is committed and every node has seen all, no two sessions of a place live: of two, the one with
//     the smaller number is at a node that has seen the greater.
//  4. A claim takes over what was committed before its session began. Of what was committed later nobody knows, without
//     comparing clocks of two machines, whose session began later: one that is claimed at once takes that over too, and
//     one that is claimed late, because its hub process stood still or is a new one, does not.
//
// Threads: all functions from any thread, but take() to begin(), which belong to the one that speaks to the database.
// Times are those of this machine's clock since boot, which gates share.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "platform/base/ids.h"

namespace latchkey::registry::cluster {

using ClaimNumber = std::int64_t;  // of the first one 1

struct Place {
  std::string hub;
  std::string device;
  bool operator==(const Place&) const = default;
};

// A row: `node` is the incarnation of whose claim it is.
struct ClaimRow {
  Place place;
  Uuid node;
  ClaimNumber number = 0;
};

struct Claim {
  static constexpr ClaimNumber kWhatever = std::numeric_limits<ClaimNumber>::max();
  Place place;
  std::uint64_t connection = 0;
  // Takes over rows up to that number; others only if they are of this node, or of one that does not live.
  ClaimNumber over = 0;
};

// For one transaction.
struct ClaimBatch {
  static constexpr std::size_t kMost = 1'000;  // of each
  std::vector<Claim> claims;                   // at most one of a place
  std::vector<Place> vacated;                  // the rows of this node there go
  bool empty() const { return claims.empty() && vacated.empty(); }
  bool full() const { return claims.size() == kMost || vacated.size() == kMost; }
};

class Claims {
 public:
  struct Session {
    Place place;
    std::uint64_t connection = 0;  // no two of this node are the same
    std::int64_t since_ms = 0;     // when its gate let it in
  };
  struct Ending {
    std::string hub;
    std::uint64_t connection = 0;
  };

  // `began_ms`: when this hub process did. Of sessions before that it knows no more than that they live.
  explicit Claims(std::int64_t began_ms) : began_ms_(began_ms) {}

  // A session that has begun, or is told again. The newest of a place at this node counts, by `since_ms`. True: it was
  // to be ended, and lives.
  bool opened(const Session& session);
  void closed(std::uint64_t connection);

  // What waits to be told; to be answered with done() or undone().
  ClaimBatch take(std::int64_t now_ms);
  // It is committed, and these rows are what its claims took. What has to be ended.
  std::vector<Ending> done(const ClaimBatch& batch, const std::vector<ClaimRow>& taken);
  // It may be committed or not; begin() has to follow.
  void undone(const ClaimBatch& batch);
  // All rows there were at `now_ms`, or before it, with a number behind newest() and up to `newest`. What has to be
  // ended.
  std::vector<Ending> seen(const std::vector<ClaimRow>& rows, ClaimNumber newest, std::int64_t now_ms);

  // When the database may have gone back or does not know us, so with each connection and incarnation: its newest
  // claim, and the rows of this node behind that. Whom they do not confirm is claimed again. `all_told`: sessions that
  // are not known by now are none.
  void begin(const Uuid& node, ClaimNumber newest, const std::vector<ClaimRow>& own, bool all_told,
             std::int64_t now_ms);
  ClaimNumber newest() const;

 private:
  enum class State : std::uint8_t {
    kWaits,    // to be claimed
    kClaimed,  // in a batch that has no answer
    kSeated,
    kEnded,  // until it is closed
  };
  struct Seat {
    std::uint64_t connection = 0;
    std::int64_t since_ms = 0;
    State state = State::kWaits;
    bool late = false;  // was claimed before, or began before this process
    ClaimNumber over = 0;
    ClaimNumber number = 0;
  };
  struct PlaceHash {
    std::size_t operator()(const Place& place) const;
  };
  using Seats = std::unordered_map<Place, Seat, PlaceHash>;
  ClaimNumber seen_by(std::int64_t time_ms) const;
  Seats::value_type* find(std::uint64_t connection);
  void wait(Seat& seat);
  void note(ClaimNumber newest, std::int64_t now_ms);

  const std::int64_t began_ms_;
  mutable std::mutex mutex_;  // guards the rest
  Seats seats_;
  std::unordered_map<std::uint64_t, Seats::value_type*> connections_;  // of seats_, which stay where they are
  std::deque<std::uint64_t> waiting_;
  std::unordered_set<Place, PlaceHash> vacated_;
  Uuid node_;
  ClaimNumber newest_ = 0;
  std::deque<std::pair<std::int64_t, ClaimNumber>> history_;  // since when newest_ was at least that; both grow
};

}  // namespace latchkey::registry::cluster
