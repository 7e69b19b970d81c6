// SPDX-License-Identifier: Apache-2.0
// A device and its world in simulated time: the real core and driver over simulated ports, and a strict hub. The world
// (clock, storage, hub) outlives power cuts; start() powers a device up, cut() takes it away. Not thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "agent/core/driver.h"
#include "platform/sim/entropy.h"
#include "platform/sim/storage.h"
#include "tests/sweep/sim_link.h"

namespace latchkey::sweep {

inline constexpr std::uint64_t kHourMs = 3'600'000;
inline constexpr std::uint64_t kDayMs = 24 * kHourMs;

// What lies between the driver and the medium: nothing, or a planted bug.
using Wrap = std::function<std::unique_ptr<ports::Storage>(sim::SimStorage&)>;

agent::Config sweep_config();

// Real keys, made once and given out in turn: a sweep is about storage.
class PooledKeys final : public agent::KeyMaker {
 public:
  Result<void> make(crypto::Curve curve, std::string_view common_name, agent::MadeKey& out) override;
};

class Watcher final : public agent::Observer {
 public:
  void on_report(const agent::Report& report) override { ++seen[static_cast<std::size_t>(report.what)]; }
  void on_state(agent::State, agent::State) override {}
  unsigned count(agent::Occurrence what) const { return seen[static_cast<std::size_t>(what)]; }
  std::array<unsigned, 32> seen{};
};

// What is gone when the power fails.
struct Board {
  Board(SimHub& hub, ports::Storage& storage, sim::SimClock& clock, const agent::Config& config, std::uint64_t seed);

  SimLink link;
  sim::SeededEntropy entropy;
  PooledKeys keys;
  Watcher watcher;
  agent::Workspace room;
  agent::Driver driver;
};

class Rig {
 public:
  explicit Rig(SimHub::Ids ids = SimHub::Ids::kUntilRevoked, const Wrap& wrap = {});

  // Power on: a device that knows nothing but what is stored.
  void start();
  // Power off, without a word.
  void stop() { board_.reset(); }
  Board& board() { return *board_; }
  const agent::Summary& summary() const { return board_->driver.summary(); }
  agent::State state() const { return board_->driver.state(); }
  bool live() const { return agent::is_live(state()); }

  // Lets things happen and time pass, event by event, until `done`, the power fails, or the time is up. Whether done.
  bool run_until(const std::function<bool()>& done, std::uint64_t at_most_ms = kHourMs);
  bool run_until_live(std::uint64_t at_most_ms = kHourMs) {
    return run_until([this] { return live(); }, at_most_ms);
  }
  void run_for(std::uint64_t ms);
  // The operator revokes; sessions are cut.
  void revoke();

  agent::Config config = sweep_config();
  sim::SimClock clock;
  sim::SimStorage storage;
  SimHub hub;

 private:
  std::unique_ptr<ports::Storage> wrapped_;
  std::unique_ptr<Board> board_;
  std::uint64_t starts_ = 0;
};

}  // namespace latchkey::sweep
