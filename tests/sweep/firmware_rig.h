// SPDX-License-Identifier: Apache-2.0
// A whole device that takes firmware, in simulated time: the real core over the real update session over one link, two
// slots with a boot loader, and a hub for both. The world outlives power cuts; what a restart wants to run is run. Not
// thread-safe.
#pragma once

#include <memory>

#include "agent/update/session.h"
#include "platform/sim/firmware_store.h"
#include "tests/sweep/firmware_hub.h"
#include "tests/sweep/rig.h"
#include "tests/unit/agent/update/firmware_world.h"

namespace latchkey::sweep {

class FirmwareRig final : private agent::UpdateObserver {
 public:
  using Bytes = FirmwareHub::Bytes;
  static constexpr std::size_t kSlotSize = 32 * ports::FirmwareStore::kBlockSize;

  // Whose firmware the device takes; outlives the rig.
  explicit FirmwareRig(agent::test::FirmwareWorld& world);

  // Power on, through the boot loader.
  void start();
  // Power off, without a word.
  void stop() { board_.reset(); }
  // As Rig::run_until; restarts that an update wants happen meanwhile.
  bool run_until(const std::function<bool()>& done, std::uint64_t at_most_ms = kDayMs);

  SimLink& link() { return board_->link; }
  agent::UpdateSummary summary() const { return board_->updates.summary(); }
  bool live() const { return agent::is_live(board_->driver.state()); }
  bool runs(const Bytes& image);
  // Lives, runs that image for good, and has nothing under way.
  bool settled_on(const Bytes& image);
  unsigned starts() const { return starts_; }

  const Bytes factory = Bytes(9000, 0xFA);
  sim::SimClock clock;
  sim::SimStorage storage;
  SimHub hub;
  sim::SimFirmwareStore store;
  FirmwareHub firmware;

 private:
  struct Board {
    Board(FirmwareRig& rig, std::uint64_t seed);

    SimLink link;
    sim::SeededEntropy entropy;
    PooledKeys keys;
    Watcher watcher;
    agent::Workspace workspace;
    agent::UpdateRoom room;
    agent::UpdateSession updates;
    agent::Driver driver;
  };
  void on_update(const agent::UpdateReport&) override {}
  void on_statement(const Result<agent::StatementKind>&) override {}
  void on_restart() override { restart_wanted_ = true; }

  agent::Config config_ = sweep_config();
  agent::UpdateConfig update_config_;
  std::unique_ptr<Board> board_;
  bool restart_wanted_ = false;
  bool stopping_ = false;
  unsigned starts_ = 0;
};

}  // namespace latchkey::sweep
