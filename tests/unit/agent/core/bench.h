// SPDX-License-Identifier: Apache-2.0
// A core on the test bench: nothing is performed by itself, every step is checked against the core's invariants, and
// the test decides which answer comes when. cooperate() is a world in which everything goes well.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/core.h"
#include "platform/sim/entropy.h"
#include "tests/unit/agent/core/test_hub.h"

namespace latchkey::test {

// Which cells of the table were used, over all benches of a program.
struct Coverage {
  std::array<std::array<bool, agent::kTriggers>, agent::kStates> used{};
};

class Bench {
 public:
  explicit Bench(Coverage* coverage = nullptr, std::uint64_t seed = 1);

  agent::State state() const { return core->state(); }
  void step(const agent::Event& event);

  // One answer to whatever is outstanding, or time passes until the core wants to wake. False: nothing more to do.
  bool cooperate();
  bool cooperate_until(agent::State wanted, int most_steps = 2'000);
  // Leads a fresh bench into that state.
  bool reach(agent::State wanted);

  // Answers as a service would give them, for the request that is out (or would be).
  void dps(int status, const std::string& body, const std::string& tail = "");
  void renewal(int status, const std::string& body);
  std::string issued_chain_body();
  std::string assigned();
  void key_made(std::uint32_t ticket);
  void pass(std::uint64_t ms) {
    now.monotonic += ms;
    now.wall += static_cast<UnixMs>(ms);
  }

  agent::Now now{1'700'000'000'000, true, 1'000};
  agent::Workspace room;
  std::unique_ptr<agent::Core> core;

  // What is outstanding.
  std::uint32_t key_ticket = 0;
  std::uint32_t store_ticket = 0;
  std::uint32_t mark_ticket = 0;
  int subscribes = 0;
  enum class Link { kDown, kConnecting, kUp } link = Link::kDown;
  bool to_dps = false;
  bool closing = false;

 private:
  void check(const agent::Actions& actions, bool was_stopping);
  void check_slot_write(ports::Item item, agent::RecordState written);

  sim::SeededEntropy entropy_;
  Coverage* coverage_;
  bool stopping_ = false;
  std::string register_rid_ = "1";
  std::string renewal_rid_ = "lk-0-0";
  std::string csr_;  // of the last request
};

}  // namespace latchkey::test
