// SPDX-License-Identifier: Apache-2.0
// This node's own place among the nodes: how it joins, when it renews, and until when its gates may serve. It decides
// and does nothing: whoever owns it speaks to the database (member.h).
//
// Invariants
//  1. A lease counts from before its renewal was sent, and is given for what the registry held when the renewal was
//     done: whoever has it must know that much (Grant::sequence).
//  2. A name belongs to one data folder at a time. Another one takes it over only when no lease of the first is in
//     force; the same one goes on at once, with the leases that its gates have.
//
// Times are those of one clock of this machine, which its gates share and which does not stop in suspend
// (CLOCK_BOOTTIME). One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "registry/cluster/silence.h"

namespace latchkey::registry::cluster {

class Membership {
 public:
  struct Options {
    std::string name;
    std::int64_t lease_ms = 8'000;  // of one renewal, at least 1 s
  };
  // `kept`: the incarnation that this data folder had, if nobody but it can have it; an empty one if it had none.
  Membership(Options options, const Uuid& kept) : options_(std::move(options)), incarnation_(kept) {}

  // How to join, by the row of its name as it was just read (nothing: there is none). To be asked again after kWait,
  // and after a statement that found the row changed.
  enum class Join : std::uint8_t {
    kInsert,    // as a new row
    kGoOn,      // the row is this folder's own: renew it
    kTakeOver,  // on the condition that incarnation, beat and state are still as they were read
    kWait,      // it may be somebody else's who lives
    kRefuse,    // it is: its beat went on while we looked
  };
  Join how_to_join(const std::optional<Node>& row, std::int64_t now_ms);
  // The row is there, durably, with that incarnation.
  void joined(const Uuid& incarnation);
  // A renewal, or any other statement on the condition that the row is live and ours, found none.
  void lost();

  bool member() const { return member_; }
  const Uuid& incarnation() const { return incarnation_; }
  const Options& options() const { return options_; }

  // Until when this thread may sleep.
  std::int64_t next_renewal_ms() const { return next_renewal_ms_; }
  struct Grant {
    Sequence sequence = 0;
    std::int64_t until_ms = 0;
  };
  // The renewal that was sent at `sent_ms` is durable; `newest` is the newest change as of the same statement.
  Grant renewed(std::int64_t sent_ms, Sequence newest);
  // It failed: to be tried again soon.
  void not_renewed(std::int64_t now_ms);
  // Whether a lease is in force, at gates that follow.
  bool leased(std::int64_t now_ms) const { return now_ms < lease_end_ms_; }
  std::int64_t lease_end_ms() const { return lease_end_ms_; }

 private:
  const Options options_;
  Uuid incarnation_;
  bool member_ = false;
  Silence silence_;  // of whoever has our name
  std::optional<Node> met_;
  std::int64_t next_renewal_ms_ = 0;
  std::int64_t lease_end_ms_ = 0;
};

}  // namespace latchkey::registry::cluster
