// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/methods.h"

#include <future>
#include <thread>

#include "agent/protocol/hub.h"
#include "tests/unit/hub/twin/world.h"

namespace latchkey::hub::twin {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* kCall = R"({"methodName":"reboot","payload":{"delay":3}})";

class MethodsTest : public TwinTest {
 protected:
  MethodsTest() { restart({}); }

  // Waits are as short as the tests need; nobody waits for a device that does not answer longer than 50 ms.
  static Methods::Options options() {
    Methods::Options made;
    made.namespace_name = "default";
    made.grace = milliseconds(0);
    made.usual_response = milliseconds(60'000);
    return made;
  }
  void restart(std::function<void(Methods::Options&)> change) {
    Methods::Options made = options();
    if (change) change(made);
    methods = std::make_unique<Methods>(*registry, presence, outbox, made);
  }
  Speaker listening(const std::string& id) {
    const auto speaker = connect(id);
    presence.subscribed({speaker.connection, "$iothub/methods/POST/#"});
    return speaker;
  }
  registry::Outcome<std::string> invoke(const std::string& body = kCall, const std::string& id = "dev-1") {
    return methods->invoke(call(), id, body);
  }
  static std::string rid_of(const Sent& sent) { return sent.topic.substr(sent.topic.find("$rid=") + 5); }
  // What the device does when it is called.
  void on_call(std::function<void(const Sent&, const std::string& rid)> act) {
    outbox.on_deliver = [act = std::move(act)](const Sent& sent) { act(sent, rid_of(sent)); };
  }

  std::unique_ptr<Methods> methods;
};

TEST_F(MethodsTest, call_goes_out_and_its_answer_comes_back) {
  const auto device = listening("dev-1");
  on_call([&](const Sent&, const std::string& rid) {
    EXPECT_TRUE(methods->answer(device, rid, 207, view_of(R"({"done":true})")));
  });
  const auto answer = invoke();
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(json::parse(*answer), json::parse(R"({"status":207,"payload":{"done":true}})"));
  const auto sent = outbox.only();
  EXPECT_EQ(sent.connection, device.connection);
  EXPECT_TRUE(sent.topic.starts_with("$iothub/methods/POST/reboot/?$rid=")) << sent.topic;
  EXPECT_EQ(sent.payload, R"({"delay":3})");
  EXPECT_EQ(newest_audit().action, "device.invokeMethod");
  EXPECT_EQ(newest_audit().outcome, "ok");
  EXPECT_EQ(newest_audit().detail.find("delay"), std::string::npos);
}

TEST_F(MethodsTest, payload_is_null_both_ways_when_there_is_none) {
  const auto device = listening("dev-1");
  on_call([&](const Sent& sent, const std::string& rid) {
    EXPECT_EQ(sent.payload, "null");
    methods->answer(device, rid, -1, ByteView());
  });
  EXPECT_EQ(*invoke(R"({"methodName":"x"})"), R"({"payload":null,"status":-1})");
}

TEST_F(MethodsTest, only_the_connection_that_was_asked_may_answer_and_only_once) {
  const auto device = listening("dev-1");
  const auto stranger = listening("dev-2");
  on_call([&](const Sent&, const std::string& rid) {
    EXPECT_FALSE(methods->answer(stranger, rid, 200, view_of(R"("stolen")")));
    EXPECT_FALSE(methods->answer(device, rid + "0", 200, view_of(R"("other")")));
    EXPECT_TRUE(methods->answer(device, rid, 200, view_of(R"("first")")));
    EXPECT_FALSE(methods->answer(device, rid, 200, view_of(R"("second")")));
  });
  EXPECT_EQ(json::parse(*invoke())["payload"], "first");
  EXPECT_FALSE(methods->answer(device, rid_of(outbox.only()), 200, ByteView()));
}

TEST_F(MethodsTest, device_that_is_not_connected_is_not_online) {
  const auto refused = invoke();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kDeviceNotOnline);
  EXPECT_NE(refused.error().detail.find("404103"), std::string::npos);
  EXPECT_EQ(newest_audit().outcome, registry::to_string(Reason::kDeviceNotOnline));
}

TEST_F(MethodsTest, device_that_does_not_exist_is_not_found) {
  EXPECT_EQ(invoke(kCall, "nobody").error().reason, Reason::kNotFound);
}

TEST_F(MethodsTest, call_waits_for_a_device_to_connect_and_listen) {
  auto answer =
      std::async(std::launch::async, [&] { return invoke(R"({"methodName":"x","connectTimeoutInSeconds":60})"); });
  on_call([&](const Sent& sent, const std::string& rid) {
    methods->answer(*presence.find(sent.connection), rid, 200, ByteView());
  });
  listening("dev-1");
  EXPECT_TRUE(answer.get());
}

TEST_F(MethodsTest, connected_device_that_has_not_subscribed_is_not_online) {
  connect("dev-1");
  const auto refused = invoke();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kDeviceNotOnline);
  EXPECT_THAT(refused.error().detail, testing::HasSubstr("404103"));
  EXPECT_THAT(refused.error().detail, testing::HasSubstr("not subscribed"));
  EXPECT_TRUE(outbox.take().empty());
}

TEST_F(MethodsTest, device_that_unsubscribed_is_not_online_until_it_subscribes_again) {
  const auto device = listening("dev-1");
  on_call([&](const Sent&, const std::string& rid) { methods->answer(device, rid, 200, ByteView()); });
  presence.subscribed({device.connection, "$iothub/methods/POST/#", true});
  EXPECT_EQ(invoke().error().reason, Reason::kDeviceNotOnline);
  presence.subscribed({device.connection, "$iothub/methods/POST/#"});
  EXPECT_TRUE(invoke());
}

TEST_F(MethodsTest, subscription_to_something_else_is_not_listening) {
  const auto device = connect("dev-1");
  presence.subscribed({device.connection, "$iothub/twin/res/#"});
  EXPECT_EQ(invoke().error().reason, Reason::kDeviceNotOnline);
}

TEST_F(MethodsTest, session_that_was_kept_listens_without_a_word) {
  wire::Opened opened;
  opened.connection = 7;
  opened.client_id = "dev-1";
  opened.filters = {"$iothub/twin/res/#", "$iothub/methods/POST/#"};
  presence.opened(opened);
  on_call([&](const Sent& sent, const std::string& rid) {
    methods->answer(*presence.find(sent.connection), rid, 200, ByteView());
  });
  EXPECT_TRUE(invoke());
}

TEST_F(MethodsTest, connection_that_is_told_again_listens_as_it_is_told) {
  const auto device = listening("dev-1");
  wire::Opened again;
  again.connection = device.connection;
  again.client_id = "dev-1";
  again.resent = true;
  presence.opened(again);
  EXPECT_EQ(invoke().error().reason, Reason::kDeviceNotOnline);
}

TEST_F(MethodsTest, call_waits_for_a_connected_device_to_subscribe) {
  const auto device = connect("dev-1");
  on_call([&](const Sent&, const std::string& rid) { methods->answer(device, rid, 200, ByteView()); });
  auto answer =
      std::async(std::launch::async, [&] { return invoke(R"({"methodName":"x","connectTimeoutInSeconds":60})"); });
  presence.subscribed({device.connection, "$iothub/methods/POST/#"});
  EXPECT_TRUE(answer.get());
}

TEST_F(MethodsTest, silent_device_is_given_up_after_the_response_timeout) {
  restart([](Methods::Options& options) { options.usual_response = milliseconds(50); });
  listening("dev-1");
  const auto refused = invoke();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kDeviceSilent);
  EXPECT_NE(refused.error().detail.find("504101"), std::string::npos);
}

TEST_F(MethodsTest, call_ends_with_its_connection) {
  const auto device = listening("dev-1");
  on_call([&](const Sent&, const std::string&) { methods->closed(device.connection); });
  EXPECT_EQ(invoke().error().reason, Reason::kDeviceSilent);
}

TEST_F(MethodsTest, connection_that_ended_before_the_call_was_noted_ends_the_call) {
  const auto device = listening("dev-1");
  on_call([&](const Sent&, const std::string&) { presence.closed(device.connection); });
  EXPECT_EQ(invoke().error().reason, Reason::kDeviceSilent);
}

TEST_F(MethodsTest, newer_connection_cannot_answer_for_the_older_one) {
  listening("dev-1");
  on_call([&](const Sent& sent, const std::string& rid) {
    const auto newer = listening("dev-1");
    EXPECT_FALSE(methods->answer(newer, rid, 200, ByteView()));
    methods->closed(sent.connection);
  });
  EXPECT_EQ(invoke().error().reason, Reason::kDeviceSilent);
}

TEST_F(MethodsTest, answer_that_is_not_json_or_too_long_is_unreadable) {
  const auto device = listening("dev-1");
  for (const std::string& body : {std::string("nonsense"), '"' + std::string(kMaxMethodPayload, 'x') + '"'}) {
    on_call([&](const Sent&, const std::string& rid) { methods->answer(device, rid, 200, view_of(body)); });
    EXPECT_EQ(invoke().error().reason, Reason::kDeviceAnswerUnreadable);
  }
}

TEST_F(MethodsTest, bad_calls_are_refused_before_anything_is_sent) {
  listening("dev-1");
  const char* malformed[] = {"", "[]", "{}", R"({"methodName":5})", R"({"methodName":"x","unknown":1})"};
  for (const char* body : malformed) EXPECT_EQ(invoke(body).error().reason, Reason::kMalformedRequest) << body;
  const std::string invalid[] = {R"({"methodName":""})",
                                 R"({"methodName":"a/b"})",
                                 R"({"methodName":"a b"})",
                                 R"({"methodName":"a#"})",
                                 R"({"methodName":"ü"})",
                                 R"({"methodName":")" + std::string(129, 'x') + "\"}",
                                 R"({"methodName":"x","responseTimeoutInSeconds":4})",
                                 R"({"methodName":"x","responseTimeoutInSeconds":301})",
                                 R"({"methodName":"x","responseTimeoutInSeconds":5.5})",
                                 R"({"methodName":"x","responseTimeoutInSeconds":"5"})",
                                 R"({"methodName":"x","connectTimeoutInSeconds":-1})",
                                 R"({"methodName":"x","connectTimeoutInSeconds":301})",
                                 R"({"methodName":"x","payload":")" + std::string(kMaxMethodPayload, 'x') + "\"}"};
  for (const auto& body : invalid) {
    EXPECT_EQ(invoke(body).error().reason, Reason::kInvalidArgument) << body.substr(0, 80);
  }
  EXPECT_TRUE(outbox.take().empty());
}

TEST_F(MethodsTest, calls_beyond_the_limit_are_throttled) {
  restart([](Methods::Options& options) { options.max_waiting = 1; });
  const auto device = listening("dev-1");
  std::promise<std::string> called;
  on_call([&](const Sent&, const std::string& rid) { called.set_value(rid); });
  auto first = std::async(std::launch::async, [&] { return invoke(); });
  const std::string rid = called.get_future().get();
  EXPECT_EQ(invoke().error().reason, Reason::kThrottled);
  EXPECT_TRUE(methods->answer(device, rid, 200, ByteView()));
  EXPECT_TRUE(first.get());
  on_call([&](const Sent&, const std::string& next) { methods->answer(device, next, 200, ByteView()); });
  EXPECT_TRUE(invoke());
}

TEST_F(MethodsTest, stopping_ends_every_wait) {
  listening("dev-1");
  std::promise<void> called;
  on_call([&](const Sent&, const std::string&) { called.set_value(); });
  auto answering = std::async(std::launch::async, [&] { return invoke(); });
  auto connecting = std::async(std::launch::async,
                               [&] { return invoke(R"({"methodName":"x","connectTimeoutInSeconds":300})", "dev-2"); });
  called.get_future().get();
  methods->stop();
  EXPECT_EQ(answering.get().error().reason, Reason::kShuttingDown);
  EXPECT_EQ(connecting.get().error().reason, Reason::kShuttingDown);
  EXPECT_EQ(invoke().error().reason, Reason::kShuttingDown);
}

}  // namespace
}  // namespace latchkey::hub::twin
