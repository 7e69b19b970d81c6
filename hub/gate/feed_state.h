// SPDX-License-Identifier: Apache-2.0
// The registry's state as this gate has it, and the rules by which batches of the feed change it.
//
// Invariants
//  1. While a snapshot comes in, the state before it stays in force; the last batch puts the new one in its place.
//  2. After a gap nothing counts as ready until a snapshot is whole.
//  3. applied() never names a batch that table and trust set do not hold; while a snapshot of another generation comes
//     in, staged() says how much of it is here.
//  4. A lease is in force from the moment on at which the changes of the batch that gave it are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hub/gate/trust.h"
#include "hub/wire/feed.h"
#include "registry/table/table.h"

namespace latchkey::hub::gate {

class FeedState {
 public:
  FeedState();

  enum class Outcome : std::uint8_t {
    kApplied,       // in force
    kStaged,        // part of a snapshot that is not whole
    kReplaced,      // a snapshot is whole: everything may have changed
    kRepeated,      // delivered twice
    kNeedSnapshot,  // gap, unknown generation, or a change that cannot be read
  };
  // What a batch took away: sessions that may have lost their ground. Of kApplied only.
  struct Touched {
    std::vector<std::string> devices;
    std::vector<Uuid> issuers;
  };
  // kNeedSnapshot also when memory runs out: the state is then not ready.
  Outcome apply(const wire::Batch& batch, Touched& touched);
  // A batch that could not be decoded at all.
  void lose() { lost_ = true; }

  // A whole state, without a gap behind it, within its lease.
  bool ready(std::uint64_t boot_ms) const { return complete_ && !lost_ && !lease_ended(boot_ms); }
  bool lease_ended(std::uint64_t boot_ms) const { return complete_ && boot_ms >= lease_end_ms_; }
  bool had_lease() const { return lease_end_ms_ != 0; }

  std::uint64_t generation() const { return generation_; }
  std::uint64_t applied() const { return applied_; }
  // The last batch that is here of a snapshot that is not whole, 0 unless it is of that generation.
  std::uint64_t staged(std::uint64_t generation) const {
    return staged_ != nullptr && generation == staged_generation_ ? staged_number_ : 0;
  }
  const registry::Table& table() const { return *current_.table; }
  TrustSet& trust() { return current_.trust; }
  const TrustSet& trust() const { return current_.trust; }
  const wire::ClockSet& clock() const { return current_.clock; }

 private:
  struct State {
    std::unique_ptr<registry::Table> table;
    TrustSet trust;
    wire::ClockSet clock;
  };
  static State empty_state();
  // False when a change cannot be read.
  static bool change(State& state, const wire::FeedChange& change, Touched& touched);
  static bool change_all(State& state, const wire::Batch& batch, Touched& touched);

  Outcome begin_snapshot(const wire::Batch& batch);
  Outcome continue_snapshot(const wire::Batch& batch);
  Outcome increment(const wire::Batch& batch, Touched& touched);
  Outcome lost();
  void renew_lease(const wire::Batch& batch);

  State current_;
  std::uint64_t generation_ = 0;
  std::uint64_t applied_ = 0;  // 0: none yet
  bool complete_ = false;
  bool lost_ = false;
  std::uint64_t lease_end_ms_ = 0;  // by boot_ms; 0: none was given

  std::unique_ptr<State> staged_;  // null: no snapshot under way
  std::uint64_t staged_generation_ = 0;
  std::uint64_t staged_number_ = 0;
};

}  // namespace latchkey::hub::gate
