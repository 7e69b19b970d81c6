// SPDX-License-Identifier: Apache-2.0
// Drain: sends the devices of a node that is drained to the other nodes, gently.
//
// First balancers have time to see that this node wants no more of them: kGraceMs, a look of theirs, a repetition and
// what stands between it and the devices. Then everybody who is here is sent away once, a twentieth each second: the
// other nodes have twenty seconds for what would otherwise come to them at once. Few are done sooner (kLeastPerSecond),
// and of very many no more go than half of the handshakes that two cores do (kMostPerSecond; docs/benchmarks.md).
//
// Whoever comes meanwhile is let in, and is sent away with the next round. To refuse would be worse: a device that is
// sent here all the same would find no node at all, while this one still keeps every promise; and nodes that are all
// drained by mistake go on serving. A device that knows no other address is sent away each time, and its agent comes
// back ever more slowly.
//
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "hub/app/endpoints/seats.h"

namespace latchkey::hub::app {

class HubEndpoint;

class Drain {
 public:
  static constexpr std::int64_t kGraceMs = 5'000;
  static constexpr std::size_t kShare = 20;  // a round takes so many seconds
  static constexpr std::size_t kLeastPerSecond = 20;
  static constexpr std::size_t kMostPerSecond = 500;

  struct Session {
    std::shared_ptr<HubEndpoint> hub;
    Seats::Seat seat;
  };
  using List = std::function<std::vector<Session>()>;  // of this node, in the order in which they are to go
  using End = std::function<void(const Session&)>;     // says nothing of one that has ended by itself
  Drain(List list, End end) : list_(std::move(list)), end_(std::move(end)) {}

  // To be called often, by a clock that does not go back. `draining`: it is asked for. `sessions`: how many there are.
  void step(bool draining, std::size_t sessions, std::int64_t now_ms);
  // Balancers had time to see it, and when it looked last there was no session.
  bool done() const { return done_; }

 private:
  void begin_round(std::int64_t now_ms);
  std::size_t due(std::int64_t now_ms);

  const List list_;
  const End end_;
  std::optional<std::int64_t> since_ms_;  // nothing: it is not asked for
  bool done_ = false;
  std::vector<Session> round_;
  std::size_t next_ = 0;  // of the round
  std::size_t per_second_ = kLeastPerSecond;
  std::int64_t round_ms_ = 0;  // when it began
  std::int64_t paid_ms_ = 0;   // up to when its sessions have gone
};

}  // namespace latchkey::hub::app
