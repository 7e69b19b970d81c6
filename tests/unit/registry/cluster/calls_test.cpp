// SPDX-License-Identifier: Apache-2.0
// Direct methods between nodes: two or three of them on one database, whose clocks stand still unless the test moves
// them, and whose turns it takes itself.
#include "registry/cluster/calls.h"

#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "registry/cluster/asked_calls.h"
#include "registry/cluster/served_calls.h"
#include "registry/store/schema.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::cluster {
namespace {

using testing::HasSubstr;
using Answer = Outcome<std::string>;
using Found = ServedCalls::Found;

// A node with at most one device.
struct TestNode {
  explicit TestNode(std::string node)
      : name(std::move(node)),
        asked({name, [this] { return now_ms; }, [] {}}),
        served({name, [this] { return now_ms; }, [] {}},
               {[this](const std::string&, const std::string&) { return found; },
                [this](const DeviceCall& call, std::function<void(CallEnd)> done) {
                  calls.push_back(call);
                  answer = std::move(done);
                },
                [this] { ++ticks; }}) {}

  std::string name;
  std::int64_t now_ms = 1'000'000;
  Found found = Found::kAbsent;
  std::vector<DeviceCall> calls;
  std::function<void(CallEnd)> answer;  // of the last call
  int ticks = 0;
  AskedCalls asked;
  ServedCalls served;
};

class CallsTest : public ::testing::Test {
 protected:
  CallsTest() {
    const auto store = store_in(folder_);
    database_ = std::move(*store::Database::open(store, store::Database::Access::kReadWrite));
    EXPECT_TRUE(store::migrate(*database_));
  }
  void turn(TestNode& node) {
    ASSERT_TRUE(node.served.tell_ends(*database_));
    const auto calls = list_calls(*database_);
    ASSERT_TRUE(calls);
    ASSERT_TRUE(node.asked.turn(*database_, *calls, others_of(node)));
    ASSERT_TRUE(node.served.turn(*database_, *calls));
  }
  void turns() {
    for (TestNode* node : nodes_) turn(*node);
  }
  std::vector<std::string> others_of(const TestNode& own) const {
    std::vector<std::string> others;
    for (const TestNode* node : nodes_) {
      if (node != &own && node != lost_) others.push_back(node->name);
    }
    return others;
  }
  static std::future<Answer> ask(TestNode& node, std::int64_t connect_ms = 0, std::int64_t response_ms = 30'000) {
    DeviceCall call;
    call.namespace_name = "default";
    call.device = "dev-1";
    call.method = "reboot";
    call.payload = R"({"delay":3})";
    call.connect_ms = connect_ms;
    call.response_ms = response_ms;
    return std::async(std::launch::async, [&node, call] { return node.asked.ask(call); });
  }
  static bool ended(const std::future<Answer>& answer) {
    return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  // Turns until that is so; whoever asks does so in a thread of its own.
  template <class Holds>
  void until(const Holds& holds) {
    while (!holds()) {
      turns();
      std::this_thread::yield();
    }
  }
  Answer end_of(std::future<Answer>& answer) {
    until([&] { return ended(answer); });
    return answer.get();
  }
  std::vector<CallState> rows() { return *list_calls(*database_); }
  static void expect_refused(const Answer& answer, Reason reason, const std::string& words) {
    ASSERT_FALSE(answer) << *answer;
    EXPECT_EQ(to_string(answer.error().reason), to_string(reason));
    EXPECT_THAT(answer.error().detail, HasSubstr(words));
  }

  tests::MemoryFolder folder_;
  std::unique_ptr<store::Database> database_;
  TestNode a_{"a"};
  TestNode b_{"b"};
  TestNode c_{"c"};
  std::vector<TestNode*> nodes_{&a_, &b_, &c_};
  const TestNode* lost_ = nullptr;
};

TEST_F(CallsTest, row_is_taken_once_ended_by_who_took_it_and_given_up_only_while_nobody_has) {
  DeviceCall call;
  call.id.bytes.fill(1);
  call.caller = "a";
  call.namespace_name = "default";
  call.device = "dev-1";
  call.method = "reboot";
  call.payload = "{}";
  call.connect_ms = 5;
  call.response_ms = 6;
  ASSERT_TRUE(put_call(*database_, call));
  ASSERT_TRUE(put_call(*database_, call)) << "again, because its answer was lost";
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_EQ(rows().front().device, "dev-1");
  EXPECT_EQ(rows().front().connect_ms, 5);
  EXPECT_TRUE(rows().front().server.empty());

  ASSERT_TRUE(deny_call(*database_, call.id, "c", true));
  EXPECT_EQ(rows().front().absent, "c\n");
  EXPECT_TRUE(rows().front().deaf);
  const auto taken = take_call(*database_, call.id, "b");
  ASSERT_TRUE(taken && *taken);
  EXPECT_EQ((*taken)->method, "reboot");
  EXPECT_EQ((*taken)->payload, "{}");
  EXPECT_EQ((*taken)->response_ms, 6);
  EXPECT_FALSE(*take_call(*database_, call.id, "c")) << "b has it";
  EXPECT_FALSE(*give_call_up(*database_, call.id));
  EXPECT_FALSE(*find_call_end(*database_, call.id));

  ASSERT_TRUE(end_call(*database_, call.id, "c", {std::nullopt, "not its own"}));
  EXPECT_FALSE(*find_call_end(*database_, call.id));
  ASSERT_TRUE(end_call(*database_, call.id, "b", {Reason::kDeviceSilent, "why"}));
  ASSERT_TRUE(end_call(*database_, call.id, "b", {std::nullopt, "too late"}));
  const auto end = find_call_end(*database_, call.id);
  ASSERT_TRUE(end && *end);
  EXPECT_EQ((*end)->refusal, Reason::kDeviceSilent);
  EXPECT_EQ((*end)->text, "why");
  ASSERT_TRUE(remove_call(*database_, call.id));
  EXPECT_TRUE(rows().empty());
  EXPECT_FALSE(*take_call(*database_, call.id, "b"));
}

TEST_F(CallsTest, device_at_another_node_is_asked_there_and_its_answer_comes_back) {
  b_.found = Found::kListens;
  auto answer = ask(a_);
  until([&] { return !b_.calls.empty(); });
  EXPECT_EQ(b_.calls.front().method, "reboot");
  EXPECT_EQ(b_.calls.front().payload, R"({"delay":3})");
  EXPECT_EQ(b_.calls.front().response_ms, 30'000);
  turns();
  EXPECT_GT(b_.ticks, 0);
  EXPECT_EQ(b_.calls.size(), 1U) << "it is asked once";
  EXPECT_FALSE(ended(answer));
  b_.answer({std::nullopt, R"({"status":200})"});
  const auto got = end_of(answer);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, R"({"status":200})");
  EXPECT_TRUE(rows().empty());
  EXPECT_TRUE(a_.calls.empty() && c_.calls.empty());
}

TEST_F(CallsTest, refusal_of_the_device_comes_back_as_it_was) {
  b_.found = Found::kListens;
  auto answer = ask(a_);
  until([&] { return !b_.calls.empty(); });
  b_.answer({Reason::kDeviceAnswerUnreadable, "the device's answer is not JSON"});
  expect_refused(end_of(answer), Reason::kDeviceAnswerUnreadable, "not JSON");
}

TEST_F(CallsTest, device_that_comes_to_the_node_that_was_called_is_asked_there) {
  auto answer = ask(a_, 60'000);
  until([&] { return rows().size() == 1; });
  a_.found = Found::kListens;
  until([&] { return !a_.calls.empty(); });
  a_.answer({std::nullopt, "{}"});
  EXPECT_TRUE(end_of(answer));
}

TEST_F(CallsTest, device_that_no_node_has_is_not_online_as_soon_as_all_have_said_so) {
  auto answer = ask(a_);
  expect_refused(end_of(answer), Reason::kDeviceNotOnline, "404103: timed out waiting for device 'dev-1' to connect");
  EXPECT_TRUE(rows().empty());
}

TEST_F(CallsTest, node_that_says_nothing_is_waited_for_no_longer_than_it_may_take) {
  nodes_ = {&a_, &b_};
  auto answer = ask(a_);
  until([&] { return rows().size() == 1; });
  const std::vector<std::string> others{"b", "c"};  // c says nothing
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(b_.served.turn(*database_, rows()));
    ASSERT_TRUE(a_.asked.turn(*database_, rows(), others));
  }
  EXPECT_FALSE(ended(answer));
  a_.now_ms += 5'000;
  ASSERT_TRUE(a_.asked.turn(*database_, rows(), others));
  expect_refused(answer.get(), Reason::kDeviceNotOnline, "404103");
}

TEST_F(CallsTest, device_may_come_for_as_long_as_was_asked_for) {
  auto answer = ask(a_, 60'000);
  until([&] { return rows().size() == 1 && rows().front().absent.size() == 4; });
  turns();
  EXPECT_FALSE(ended(answer)) << "all have said that it is not there yet";
  for (TestNode* node : nodes_) node->now_ms += 59'000;
  c_.found = Found::kListens;
  until([&] { return !c_.calls.empty(); });
  c_.answer({std::nullopt, "{}"});
  EXPECT_TRUE(end_of(answer));

  c_.found = Found::kAbsent;
  answer = ask(a_, 60'000);
  until([&] { return rows().size() == 1 && rows().front().absent.size() == 4; });
  for (TestNode* node : nodes_) node->now_ms += 60'000;
  expect_refused(end_of(answer), Reason::kDeviceNotOnline, "404103");
}

TEST_F(CallsTest, connected_device_has_a_moment_to_subscribe_and_is_told_apart_from_one_that_is_away) {
  b_.found = Found::kDeaf;
  auto answer = ask(a_);
  until([&] { return rows().size() == 1 && rows().front().absent == "c\n"; });
  b_.found = Found::kListens;
  until([&] { return !b_.calls.empty(); });
  b_.answer({std::nullopt, "{}"});
  EXPECT_TRUE(end_of(answer));

  b_.found = Found::kDeaf;
  answer = ask(a_);
  until([&] { return rows().size() == 1 && rows().front().absent == "c\n"; });
  b_.now_ms += 1'000;
  expect_refused(end_of(answer), Reason::kDeviceNotOnline, "has not subscribed to direct methods");
}

TEST_F(CallsTest, device_that_does_not_answer_is_silent_even_if_its_node_says_nothing) {
  b_.found = Found::kListens;
  auto answer = ask(a_, 0, 30'000);
  until([&] { return !b_.calls.empty(); });
  nodes_ = {&a_, &c_, &b_};
  turns();
  a_.now_ms += 30'000;
  turns();
  EXPECT_FALSE(ended(answer)) << "the answer may be on its way";
  a_.now_ms += 3'000;
  expect_refused(end_of(answer), Reason::kDeviceSilent, "504101: timed out");
  b_.answer({std::nullopt, "too late"});
  turns();
  EXPECT_TRUE(rows().empty());
}

TEST_F(CallsTest, node_that_is_lost_with_a_call_ends_it) {
  b_.found = Found::kListens;
  auto answer = ask(a_);
  until([&] { return !b_.calls.empty(); });
  lost_ = &b_;
  expect_refused(end_of(answer), Reason::kDeviceSilent, "504101: the node was lost");
  EXPECT_TRUE(rows().empty());
}

TEST_F(CallsTest, new_process_of_a_node_ends_what_the_last_one_took_and_removes_what_it_asked) {
  b_.found = Found::kListens;
  auto answer = ask(a_);
  until([&] { return !b_.calls.empty(); });
  TestNode again("b");
  nodes_ = {&a_, &again, &c_};
  expect_refused(end_of(answer), Reason::kDeviceSilent, "ended before it answered");

  DeviceCall left;
  left.id.bytes.fill(9);
  left.caller = "b";
  left.device = "dev-1";
  ASSERT_TRUE(put_call(*database_, left));
  turn(again);
  EXPECT_TRUE(rows().empty());
}

TEST_F(CallsTest, call_of_a_node_that_is_gone_is_carried_out_no_later_than_it_could_have_been_and_goes) {
  DeviceCall left;
  left.id.bytes.fill(9);
  left.caller = "gone";
  left.namespace_name = "default";
  left.device = "dev-1";
  left.connect_ms = 1'000;
  left.response_ms = 5'000;
  ASSERT_TRUE(put_call(*database_, left));
  turns();
  b_.now_ms += 6'001;
  b_.found = Found::kListens;
  turn(b_);
  EXPECT_TRUE(b_.calls.empty());
  EXPECT_EQ(rows().size(), 1U);
  b_.now_ms += 120'000;
  turn(b_);
  EXPECT_TRUE(rows().empty());
}

TEST_F(CallsTest, text_that_the_registry_does_not_take_ends_the_call_and_not_the_turn) {
  b_.found = Found::kListens;
  auto answer = ask(a_);
  until([&] { return !b_.calls.empty(); });
  b_.answer({std::nullopt, std::string("\xff\0", 2)});
  const auto got = end_of(answer);
  if (on_postgres()) {
    expect_refused(got, Reason::kDeviceAnswerUnreadable, "cannot be passed on");
    DeviceCall call;
    call.device = "\xff";
    auto asked = std::async(std::launch::async, [&] { return a_.asked.ask(call); });
    expect_refused(end_of(asked), Reason::kInvalidArgument, "");
  }
  EXPECT_TRUE(rows().empty());
}

TEST_F(CallsTest, no_more_than_so_many_are_under_way) {
  for (std::size_t i = 0; i < kMostCalls; ++i) {
    DeviceCall other;
    other.id.bytes[0] = static_cast<std::uint8_t>(i);
    other.caller = "elsewhere";
    other.device = "dev-2";
    ASSERT_TRUE(put_call(*database_, other));
  }
  auto answer = ask(a_);
  const auto refused = [&] {
    while (!ended(answer)) {
      const auto calls = rows();
      EXPECT_TRUE(a_.asked.turn(*database_, calls, {"b"}));
    }
    return answer.get();
  }();
  expect_refused(refused, Reason::kThrottled, "256");
  EXPECT_EQ(rows().size(), kMostCalls);
}

TEST_F(CallsTest, stop_ends_every_wait_and_what_was_asked_is_removed) {
  auto answer = ask(a_, 60'000);
  until([&] { return rows().size() == 1; });
  a_.asked.stop();
  expect_refused(answer.get(), Reason::kShuttingDown, "shutting down");
  auto later = ask(a_);
  expect_refused(later.get(), Reason::kShuttingDown, "shutting down");
  turn(a_);
  EXPECT_TRUE(rows().empty());
}

}  // namespace
}  // namespace latchkey::registry::cluster
