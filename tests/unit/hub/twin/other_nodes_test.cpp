// SPDX-License-Identifier: Apache-2.0
// Twins and methods of a hub that several nodes serve.
#include <set>
#include <thread>

#include "hub/twin/methods.h"
#include "hub/twin/twins.h"
#include "tests/unit/hub/twin/world.h"

namespace latchkey::hub::twin {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Answer = registry::Outcome<std::string>;

class FakeNodes final : public OtherNodes {
 public:
  Answer invoke(const std::string& namespace_name, const std::string& device_id, const MethodCall& call) override {
    asked.push_back(namespace_name + " " + device_id + " " + call.name + " " + call.payload);
    last = call;
    return answer;
  }
  bool connected(const std::string& namespace_name, const std::string& device_id) override {
    return there.contains(namespace_name + " " + device_id);
  }
  std::set<std::string> there;
  std::vector<std::string> asked;
  MethodCall last;
  Answer answer = std::string("{}");
};

class OtherNodesTest : public TwinTest {
 protected:
  OtherNodesTest() : methods(*registry, presence, outbox, options(), &nodes) {}
  static Methods::Options options() {
    Methods::Options made;
    made.namespace_name = "default";
    made.grace = milliseconds(0);
    made.max_waiting = 1;
    return made;
  }
  Speaker listening(const std::string& id) {
    const auto speaker = connect(id);
    presence.subscribed({speaker.connection, "$iothub/methods/POST/#"});
    return speaker;
  }
  // As for a caller of another node; its ends are kept.
  void ask(milliseconds response = milliseconds(60'000)) {
    methods.ask("dev-1", {"reboot", R"({"delay":3})", milliseconds(0), response},
                [this](Answer answer) { ends.push_back(std::move(answer)); });
  }
  std::string rid() {
    const auto sent = outbox.only();
    EXPECT_EQ(sent.payload, R"({"delay":3})");
    return sent.topic.substr(sent.topic.find("$rid=") + 5);
  }

  FakeNodes nodes;
  Methods methods;
  std::vector<Answer> ends;
};

TEST_F(OtherNodesTest, device_that_is_not_here_is_asked_for_elsewhere) {
  nodes.answer = std::string(R"({"status":200,"payload":null})");
  const auto answer =
      methods.invoke(call(), "dev-1",
                     R"({"methodName":"reboot","payload":1,"connectTimeoutInSeconds":7,"responseTimeoutInSeconds":9})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, R"({"status":200,"payload":null})");
  EXPECT_EQ(nodes.asked, std::vector<std::string>{"default dev-1 reboot 1"});
  EXPECT_EQ(nodes.last.connect, milliseconds(7'000));
  EXPECT_EQ(nodes.last.response, milliseconds(9'000));
  EXPECT_EQ(newest_audit().action, "device.invokeMethod");
  EXPECT_EQ(newest_audit().outcome, "ok");
  EXPECT_TRUE(outbox.take().empty());
}

TEST_F(OtherNodesTest, refusal_of_the_other_nodes_is_the_answer_and_audited) {
  nodes.answer = registry::refuse(Reason::kDeviceNotOnline, "404103: nowhere");
  EXPECT_EQ(methods.invoke(call(), "dev-1", R"({"methodName":"x"})").error().reason, Reason::kDeviceNotOnline);
  EXPECT_EQ(newest_audit().outcome, to_string(Reason::kDeviceNotOnline));
}

TEST_F(OtherNodesTest, nobody_else_is_asked_for_a_device_that_is_here_or_that_nobody_knows) {
  const auto device = listening("dev-1");
  outbox.on_deliver = [&](const Sent& sent) {
    methods.answer(device, sent.topic.substr(sent.topic.find("$rid=") + 5), 200, ByteView());
  };
  EXPECT_TRUE(methods.invoke(call(), "dev-1", R"({"methodName":"x"})"));
  (void)connect("dev-2");
  EXPECT_EQ(methods.invoke(call(), "dev-2", R"({"methodName":"x"})").error().reason, Reason::kDeviceNotOnline);
  EXPECT_EQ(methods.invoke(call(), "dev-3", R"({"methodName":"x"})").error().reason, Reason::kNotFound);
  EXPECT_EQ(methods.invoke(call(), "dev-1", "[]").error().reason, Reason::kMalformedRequest);
  EXPECT_TRUE(nodes.asked.empty());
}

TEST_F(OtherNodesTest, caller_of_another_node_has_the_answer_that_one_of_this_would_have) {
  EXPECT_EQ(methods.find("dev-1"), Methods::Found::kAbsent);
  const auto deaf = connect("dev-1");
  EXPECT_EQ(methods.find("dev-1"), Methods::Found::kDeaf);
  presence.subscribed({deaf.connection, "$iothub/methods/POST/#"});
  EXPECT_EQ(methods.find("dev-1"), Methods::Found::kListens);
  ask();
  const auto id = rid();
  EXPECT_TRUE(ends.empty());
  methods.tick();
  EXPECT_TRUE(ends.empty());
  EXPECT_FALSE(methods.answer(listening("dev-2"), id, 200, ByteView())) << "another device";
  EXPECT_TRUE(methods.answer(deaf, id, 207, view_of(R"({"done":true})")));
  EXPECT_FALSE(methods.answer(deaf, id, 207, ByteView())) << "once";
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(json::parse(*ends.front()), json::parse(R"({"status":207,"payload":{"done":true}})"));
}

TEST_F(OtherNodesTest, such_a_call_ends_with_garbage_with_its_connection_and_with_its_time) {
  const auto device = listening("dev-1");
  ask();
  methods.answer(device, rid(), 200, view_of("{"));
  ask();
  EXPECT_FALSE(rid().empty());
  methods.closed(device.connection + 1);
  EXPECT_EQ(ends.size(), 1U) << "another connection";
  methods.closed(device.connection);
  ask(milliseconds(0));
  EXPECT_FALSE(rid().empty());
  methods.tick();
  presence.closed(device.connection);
  ask();
  EXPECT_TRUE(outbox.take().empty()) << "nobody is there";
  ASSERT_EQ(ends.size(), 4U);
  EXPECT_EQ(ends[0].error().reason, Reason::kDeviceAnswerUnreadable);
  EXPECT_NE(ends[1].error().detail.find("ended before it answered"), std::string::npos);
  EXPECT_NE(ends[2].error().detail.find("504101: timed out"), std::string::npos);
  EXPECT_EQ(ends[3].error().reason, Reason::kDeviceSilent);
}

TEST_F(OtherNodesTest, stop_ends_such_calls_and_nobody_is_here_any_more) {
  listening("dev-1");
  ask();
  methods.stop();
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends.front().error().reason, Reason::kDeviceSilent);
  EXPECT_EQ(methods.find("dev-1"), Methods::Found::kAbsent);
}

TEST_F(OtherNodesTest, what_is_desired_is_told_by_the_registry_and_not_by_who_writes_it) {
  const auto device = connect("dev-1");
  Twins twins(*registry, presence, outbox, {"default", [] { return test::kNow; }, 65'536, true});
  const auto written =
      twins.write(call(), "dev-1", Twins::Write::kMerge, R"({"properties":{"desired":{"rate":5}}})", {});
  ASSERT_TRUE(written);
  EXPECT_FALSE(written->notice);
  EXPECT_TRUE(outbox.take().empty());
  EXPECT_EQ(json::parse(twins.show("dev-1")->body)["properties"]["desired"]["rate"], 5);
  EXPECT_EQ(newest_audit().action, "twin.update");

  twins.tell("dev-1", device.shown->device, 2, R"({"rate":5,"$version":2})");
  const auto sent = outbox.only();
  EXPECT_EQ(sent.connection, device.connection);
  EXPECT_EQ(sent.topic, "$iothub/twin/PATCH/properties/desired/?$version=2");
  EXPECT_EQ(sent.payload, R"({"rate":5,"$version":2})");
}

TEST_F(OtherNodesTest, device_that_is_connected_anywhere_is_shown_as_connected) {
  Twins::Options shown{"default", [] { return test::kNow; }, 65'536, true};
  shown.elsewhere = [this](const std::string& device) { return nodes.connected("default", device); };
  Twins twins(*registry, presence, outbox, shown);
  const auto state = [&](const char* device) {
    return json::parse(twins.show(device)->body)["connectionState"].get<std::string>();
  };
  EXPECT_EQ(state("dev-1"), "Disconnected");
  nodes.there = {"default dev-1", "other dev-2"};
  EXPECT_EQ(state("dev-1"), "Connected");
  EXPECT_EQ(state("dev-2"), "Disconnected");
  nodes.there.clear();
  (void)connect("dev-1");
  EXPECT_EQ(state("dev-1"), "Connected");
}

TEST_F(OtherNodesTest, only_the_very_device_is_told) {
  const auto device = connect("dev-1");
  Twins twins(*registry, presence, outbox, {"default", [] { return test::kNow; }, 65'536, true});
  twins.tell("dev-1", Uuid{}, 2, "{}");
  EXPECT_TRUE(outbox.take().empty()) << "another one had its id";
  twins.tell("dev-2", device.shown->device, 2, "{}");
  EXPECT_TRUE(outbox.take().empty()) << "it is not here";
}

}  // namespace
}  // namespace latchkey::hub::twin
