// SPDX-License-Identifier: Apache-2.0
// Every state with every event: what the world can do to an agent, done to it in each state. After each one the
// invariants hold (Bench), and in a world that goes well the agent comes to life again.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "tests/unit/agent/core/bench.h"
#include "tests/unit/agent/core/walk_share.h"

namespace latchkey::test {
namespace {

using namespace agent;
using ports::LinkFailure;

struct WorldEvent {
  const char* name;
  std::function<void(Bench&)> happen;
};

std::vector<WorldEvent> link_events() {
  std::vector<WorldEvent> events = {
      {"link up", [](Bench& b) { b.step(LinkUp{false}); }},
      {"subscribed", [](Bench& b) { b.step(Subscribed{true}); }},
      {"subscription refused", [](Bench& b) { b.step(Subscribed{false}); }},
      {"published", [](Bench& b) { b.step(Published{}); }},
  };
  static constexpr std::pair<LinkFailure, int> kEnds[] = {
      {LinkFailure::kUnreachable, 0}, {LinkFailure::kServerNotTrusted, 0},
      {LinkFailure::kTlsAlert, 0},    {LinkFailure::kTlsAlert, 45},
      {LinkFailure::kTlsAlert, 46},   {LinkFailure::kClosedWithoutConnack, 0},
      {LinkFailure::kRefused, 1},     {LinkFailure::kRefused, 2},
      {LinkFailure::kRefused, 3},     {LinkFailure::kRefused, 4},
      {LinkFailure::kRefused, 5},     {LinkFailure::kRefused, 6},
      {LinkFailure::kLost, 0},        {LinkFailure::kLocal, 0}};
  for (const auto& end : kEnds) {
    events.push_back({"link ended", [&end](Bench& b) { b.step(LinkEnded{end.first, end.second}); }});
  }
  return events;
}

std::vector<WorldEvent> own_events() {
  return {
      {"stop", [](Bench& b) { b.step(Stop{}); }},
      {"key made", [](Bench& b) { b.key_made(std::exchange(b.key_ticket, 0)); }},
      {"key of another request", [](Bench& b) { b.key_made(b.key_ticket + 1000); }},
      {"empty key",
       [](Bench& b) {
         MadeKey none;
         b.step(KeyMade{std::exchange(b.key_ticket, 0), &none});
       }},
      {"key failed",
       [](Bench& b) {
         b.step(KeyFailed{std::exchange(b.key_ticket, 0), Status::kInternal});
       }},
      {"stored",
       [](Bench& b) {
         b.step(Stored{std::exchange(b.store_ticket, 0), Status::kOk});
       }},
      {"not stored",
       [](Bench& b) {
         b.step(Stored{std::exchange(b.store_ticket, 0), Status::kStorageFailed});
       }},
      {"marked",
       [](Bench& b) {
         b.step(Stored{std::exchange(b.mark_ticket, 0), Status::kOk});
       }},
      {"not marked",
       [](Bench& b) {
         b.step(Stored{std::exchange(b.mark_ticket, 0), Status::kStorageFull});
       }},
      {"another write",
       [](Bench& b) {
         b.step(Stored{9'999, Status::kOk});
       }},
      {"time: nothing due", [](Bench& b) { b.step(Timer{}); }},
      {"time: due",
       [](Bench& b) {
         const auto wake = b.core->wake_at();
         b.pass(wake > b.now.monotonic ? wake - b.now.monotonic : 1);
         b.step(Timer{});
       }},
      {"time: an hour later",
       [](Bench& b) {
         b.now.monotonic += 3'600'000;
         b.step(Timer{});
       }},
      {"wall clock: late in the lifetime",
       [](Bench& b) {
         b.now.wall += 6'900'000;
         b.step(Timer{});
       }},
      {"wall clock: expired",
       [](Bench& b) {
         b.now.wall += 8'000'000;
         b.step(Timer{});
       }},
      {"wall clock: back to the past",
       [](Bench& b) {
         b.now.wall -= 1'000'000'000;
         b.step(Timer{});
         b.now.wall += 1'000'000'000;
       }},
      {"wall clock: lost",
       [](Bench& b) {
         b.now.wall_is_set = false;
         b.step(Timer{});
         b.now.wall_is_set = true;
       }},
  };
}

std::vector<WorldEvent> messages() {
  std::vector<WorldEvent> events = {
      {"assigned", [](Bench& b) { b.dps(200, b.assigned()); }},
      {"renewed", [](Bench& b) { b.renewal(200, b.issued_chain_body()); }},
      {"devicebound",
       [](Bench& b) {
         b.step(Message{"devices/dev-1/messages/devicebound/", ByteView(std::string("x"))});
       }},
      {"of another device",
       [](Bench& b) {
         b.step(Message{"devices/dev-2/messages/devicebound/", ByteView(std::string("x"))});
       }},
      {"no topic of ours",
       [](Bench& b) {
         b.step(Message{"$SYS/broker/version", ByteView(std::string("x"))});
       }},
      {"answer to another request",
       [](Bench& b) {
         b.step(Message{"$dps/registrations/res/200/?$rid=77777", ByteView(std::string("{}"))});
       }},
      {"answer to another renewal",
       [](Bench& b) {
         b.step(Message{"$iothub/credentials/res/200/?$rid=other-1", ByteView(std::string("{}"))});
       }},
  };
  static const std::pair<int, const char*> kDps[] = {
      {202, R"({"operationId":"5.op","status":"assigning"})"},
      {202, R"({"operationId":"a/b#","status":"assigning"})"},
      {202, R"({"status":"assigning"})"},
      {200, R"({"status":"assigned","registrationState":{"assignedHub":"hub.example"}})"},
      {200, R"({"status":"failed","registrationState":{"errorCode":400209,"errorMessage":"m"}})"},
      {200, R"({"status":"disabled"})"},
      {200, R"({"status":"strange"})"},
      {200, "{"},
      {204, ""},
      {301, "{}"},
      {400, "{}"},
      {401, R"({"errorCode":401002})"},
      {404, "junk"},
      {429, "{}"},
      {500, ""}};
  for (const auto& answer : kDps) {
    events.push_back({answer.second, [&answer](Bench& b) { b.dps(answer.first, answer.second); }});
  }
  events.push_back({"429, a very long wait", [](Bench& b) { b.dps(429, "{}", "&retry-after=4294967295"); }});
  static const std::pair<int, const char*> kRenewal[] = {{202, "{}"},
                                                         {202, "junk"},
                                                         {200, R"({"certificates":["AAAA"]})"},
                                                         {200, "junk"},
                                                         {400, R"({"errorCode":400001})"},
                                                         {400, R"({"errorCode":400037})"},
                                                         {403, R"({"errorCode":403010})"},
                                                         {404, R"({"errorCode":404001})"},
                                                         {409, R"({"errorCode":409005,"info":{"requestId":"x-1"}})"},
                                                         {412, R"({"errorCode":412001})"},
                                                         {412, R"({"errorCode":412005})"},
                                                         {429, R"({"errorCode":429002,"retryAfter":5})"},
                                                         {500, R"({"errorCode":500001})"},
                                                         {503, R"({"errorCode":503001})"},
                                                         {503, R"({"errorCode":503102})"}};
  for (const auto& answer : kRenewal) {
    events.push_back({answer.second, [&answer](Bench& b) { b.renewal(answer.first, answer.second); }});
  }
  return events;
}

std::vector<WorldEvent> all_events() {
  std::vector<WorldEvent> events = link_events();
  for (auto part : {own_events(), messages()}) events.insert(events.end(), part.begin(), part.end());
  return events;
}

State state_at(std::size_t i) { return static_cast<State>(i); }

void check_pair(State state, const WorldEvent& event, Coverage* coverage) {
  Bench bench(coverage);
  ASSERT_TRUE(bench.reach(state)) << "cannot reach " << to_string(state) << ", is in " << to_string(bench.state());
  event.happen(bench);
  const bool stopped = bench.state() == State::kStopped || std::string_view(event.name) == "stop";
  EXPECT_TRUE(bench.cooperate_until(stopped ? State::kStopped : State::kLive))
      << "does not recover, is in " << to_string(bench.state());
}

class Pairs : public testing::TestWithParam<std::size_t> {};

TEST_P(Pairs, whatever_happens_invariants_hold_and_the_agent_recovers) {
  const State state = state_at(GetParam());
  std::size_t step = GetParam();  // a share has other events in each state
  for (const WorldEvent& event : all_events()) {
    if (step++ % walk_share() != 0) continue;
    SCOPED_TRACE(std::string(to_string(state)) + " and: " + event.name);
    check_pair(state, event, nullptr);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryState, Pairs, testing::Range(std::size_t{0}, kStates), [](const auto& instance) {
  std::string name(to_string(state_at(instance.param)));
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

// The table's claim, from both sides: what it says reacts is really reached, what it says is impossible never is.
TEST(Table, every_reacting_pair_is_used_and_no_impossible_one_comes_up) {
  Coverage coverage;
  const auto events = all_events();
  for (std::size_t s = 0; s < kStates; ++s) {
    std::size_t step = s;
    for (const WorldEvent& event : events) {
      if (step++ % walk_share() != 0) continue;
      Bench bench(&coverage);
      ASSERT_TRUE(bench.reach(state_at(s)));
      event.happen(bench);
    }
  }
  // A close that overtakes CONNACK: the session is left before it is up.
  for (const WorldEvent& event : link_events()) {
    Bench bench(&coverage);
    ASSERT_TRUE(bench.reach(State::kHubConnecting));
    bench.pass(60'000);
    bench.step(Timer{});
    ASSERT_EQ(bench.state(), State::kLeaving);
    event.happen(bench);
  }
  Bench loading(&coverage);
  loading.step(Loaded{ports::Item::kSlotA, {}});
  for (std::size_t s = 0; s < kStates; ++s) {
    for (std::size_t t = 0; t < kTriggers; ++t) {
      const auto trigger = static_cast<Trigger>(t);
      const Core::Rule& rule = Core::rule(state_at(s), trigger);
      const bool used = coverage.used[s][t];
      const std::string pair = std::string(to_string(state_at(s))) + " on " + std::string(to_string(trigger));
      if (rule.why == Why::kReacts && walk_share() == 1) {
        EXPECT_TRUE(used) << pair << " is said to react and is never reached";
      }
      if (is_impossible(rule.why)) {
        EXPECT_FALSE(used) << pair << " is said to be impossible: " << to_string(rule.why);
      }
    }
  }
}

TEST(Table, each_pair_has_either_a_reaction_and_a_goal_or_a_reason) {
  for (std::size_t s = 0; s < kStates; ++s) {
    for (std::size_t t = 0; t < kTriggers; ++t) {
      const Core::Rule& rule = Core::rule(state_at(s), static_cast<Trigger>(t));
      EXPECT_EQ(rule.why == Why::kReacts, rule.reaction != nullptr && rule.to != 0);
    }
  }
}

// What only a broken driver would do is counted, and changes nothing.
TEST(Table, impossible_pairs_are_counted_and_change_nothing) {
  Bench bench;
  ASSERT_TRUE(bench.reach(State::kLive));
  bench.core->step(Start{}, bench.now);
  EXPECT_EQ(bench.core->summary().broken_promises, 1u);
  EXPECT_EQ(bench.state(), State::kLive);
  EXPECT_EQ(bench.core->step(Loaded{ports::Item::kSlotA, {}}, bench.now).size(), 0u);
  EXPECT_EQ(bench.core->summary().broken_promises, 2u);
}

TEST(Walk, random_lives_keep_the_invariants_and_recover) {
  const auto events = all_events();
  for (unsigned seed = 1; seed <= 60 / walk_share(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Bench bench(nullptr, seed);
    for (int i = 0; i < 150; ++i) {
      if (random() % 3 != 0) {
        bench.cooperate();
        continue;
      }
      const WorldEvent& event = events[random() % events.size()];
      if (std::string_view(event.name) != "stop") event.happen(bench);
    }
    ASSERT_TRUE(bench.cooperate_until(State::kLive)) << to_string(bench.state());
  }
}

}  // namespace
}  // namespace latchkey::test
