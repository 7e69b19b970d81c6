// SPDX-License-Identifier: Apache-2.0
// A whole agent in a test: driver and core over the simulated ports, with the moves of a broker as one-liners.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/core/driver.h"
#include "platform/sim/clock.h"
#include "platform/sim/entropy.h"
#include "platform/sim/link.h"
#include "platform/sim/storage.h"
#include "tests/unit/agent/core/test_hub.h"

namespace latchkey::test {

inline constexpr const char* kDevice = "dev-1";
inline constexpr const char* kHub = "hub.example:8884";
// Short, so that a test can walk through it second by second.
inline constexpr std::uint64_t kLifetimeMs = 7'200'000;

agent::Config test_config();

class Watcher final : public agent::Observer {
 public:
  void on_report(const agent::Report& report) override { reports.push_back({report.what, std::string(report.text)}); }
  void on_state(agent::State, agent::State to) override { states.push_back(to); }
  bool saw(agent::Occurrence what) const;

  struct Seen {
    agent::Occurrence what;
    std::string text;
  };
  std::vector<Seen> reports;
  std::vector<agent::State> states;
};

// What outlives a power cut; a Device is what does not.
struct World {
  World();
  sim::SimClock clock;
  sim::SimStorage storage;
  TestAuthority authority;
};

class Device {
 public:
  explicit Device(World& world, agent::Config config = test_config(), std::uint64_t seed = 1);

  agent::State state() const { return driver->state(); }
  const agent::Summary& summary() const { return driver->summary(); }

  // Time passes, second by second; false when `until` was not reached in that time.
  void pass(std::uint64_t ms);
  bool pass_until(agent::State until, std::uint64_t at_most_ms);

  // DPS. Each asserts that the agent was ready for it.
  bool dps_accepts();  // CONNACK 0, SUBACK; the agent registers
  void dps_answers(int status, const std::string& body, int retry_after_s = -1);
  void dps_assigning();  // 202
  void dps_assigned(const LeafOptions& options);
  void dps_assigned();
  std::string csr() const;  // of the last register
  LeafOptions leaf_options() const;

  // Hub.
  bool hub_accepts();  // CONNACK 0 and both SUBACK: live
  const sim::ScriptedLink::Publish& last_renewal() const;
  std::string renewal_csr() const;
  std::string renewal_rid() const;
  void renewal_answers(int status, const std::string& body);
  void renewal_issued();

  // From the start to live.
  void provision();
  void become_live();

  World& world;
  sim::ScriptedLink link;
  sim::SeededEntropy entropy;
  agent::FreshKeyMaker keys;
  Watcher watcher;
  agent::Workspace room;
  std::unique_ptr<agent::Driver> driver;
};

// The record in a slot, if it is a valid one.
struct StoredRecord {
  bool valid = false;
  std::uint32_t generation = 0;
  agent::RecordState state = agent::RecordState::kPending;
  std::string text;
};
StoredRecord stored(World& world, ports::Item item);

}  // namespace latchkey::test
