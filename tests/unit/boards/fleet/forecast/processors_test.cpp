// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/processors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace latchkey::boards::fleet::forecast {
namespace {

constexpr TimeUs kFar = 1'000'000'000;

struct Someone : Customer {
  explicit Someone(Engine& clock) : engine(clock) {}
  bool still_wants(std::uint32_t ticket, std::uint32_t) const override { return !gone.contains(ticket); }
  void served(std::uint32_t ticket, std::uint32_t) override { at[ticket] = engine.now(); }
  Engine& engine;
  std::set<std::uint32_t> gone;
  std::map<std::uint32_t, TimeUs> at;
};

void run(Engine& engine) {
  while (engine.step(kFar)) {
  }
}

TEST(EngineTest, events_come_by_time_and_then_in_order_of_asking) {
  struct Listener : Engine::Listener {
    void on_event(std::uint64_t number) override { heard.push_back(number); }
    std::vector<std::uint64_t> heard;
  } listener;
  Engine engine;
  engine.at(20, listener, 1);
  engine.at(10, listener, 2);
  engine.at(20, listener, 3);
  EXPECT_TRUE(engine.step(15));
  EXPECT_FALSE(engine.step(15));  // the next one is later
  EXPECT_EQ(engine.now(), 15);
  engine.at(5, listener, 4);  // is past: now
  while (engine.step(100)) {
  }
  EXPECT_THAT(listener.heard, testing::ElementsAre(2, 4, 1, 3));
  EXPECT_EQ(engine.now(), 100);
}

TEST(ProcessorsTest, one_thread_does_one_job_after_the_other_however_many_cores_there_are) {
  Engine engine;
  Processors processors(engine, 8);
  Station broker(processors, 1);
  Someone who(engine);
  broker.post({&who, 1, 0, 1000});
  broker.post({&who, 2, 0, 500});
  run(engine);
  EXPECT_EQ(who.at[1], 1000);
  EXPECT_EQ(who.at[2], 1500);
  EXPECT_EQ(broker.worked_us(), 1500);
}

TEST(ProcessorsTest, threads_share_the_cores_evenly) {
  Engine engine;
  Processors processors(engine, 1);
  Station one(processors, 1);
  Station other(processors, 1);
  Someone who(engine);
  one.post({&who, 1, 0, 1000});
  other.post({&who, 2, 0, 3000});
  run(engine);
  EXPECT_NEAR(static_cast<double>(who.at[1]), 2000, 2);  // at half the speed
  EXPECT_NEAR(static_cast<double>(who.at[2]), 4000, 2);  // and alone from then on
}

TEST(ProcessorsTest, part_of_a_core_makes_all_slower) {
  Engine engine;
  Processors processors(engine, 0.5);
  Station one(processors, 1);
  Someone who(engine);
  one.post({&who, 1, 0, 1000});
  run(engine);
  EXPECT_NEAR(static_cast<double>(who.at[1]), 2000, 2);
}

TEST(ProcessorsTest, who_has_gone_costs_nothing_and_conversations_go_before_newcomers) {
  Engine engine;
  Processors processors(engine, 1);
  Station broker(processors, 1);
  Someone who(engine);
  broker.post({&who, 1, 0, 1000});
  broker.post({&who, 2, 0, 1000}, Station::Kind::kNewcomer);
  broker.post({&who, 3, 0, 1000}, Station::Kind::kNewcomer);
  broker.post({&who, 4, 0, 1000});
  who.gone.insert(2);
  run(engine);
  EXPECT_EQ(who.at[4], 2000);
  EXPECT_EQ(who.at[3], 3000);
  EXPECT_FALSE(who.at.contains(2));
}

}  // namespace
}  // namespace latchkey::boards::fleet::forecast
