// SPDX-License-Identifier: Apache-2.0
// What is asked for at one node reaches a device at another (docs/consistency.md): direct methods, messages, and what
// is desired. Two nodes on one PostgreSQL live through all of it; each test has devices of its own.
#include <gmock/gmock.h>

#include <future>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/integration/nodes_world.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Call = std::future<Finished>;
using Device = std::unique_ptr<DeviceClient>;

class NodesTraffic : public NodesWorld {
 protected:
  static void SetUpTestSuite() { begin({"--status-listen", "off", "--https-listen", "off"}); }
  static bool no_calls_are_left() {
    return eventually([] { return psql("SELECT COUNT(*) FROM calls") == "0\n"; });
  }

  enum class Listens { kToAll, kNotToMethods };
  // A session that stands and whose subscriptions are known.
  static Device connect(Hub& at, const std::string& id, const Identity& identity, Listens listens = Listens::kToAll) {
    Device client;
    const bool stands = eventually([&] {
      client = std::make_unique<DeviceClient>(at.hub_options(id, identity));
      return client->connect().seen == Seen::kAccepted;
    });
    if (!stands) throw std::runtime_error(id + " is not let in");
    EXPECT_EQ(client->subscribe("devices/" + id + "/messages/devicebound/#"), 1);
    EXPECT_TRUE(listens == Listens::kNotToMethods || client->subscribe("$iothub/methods/POST/#") == 1);
    EXPECT_EQ(client->subscribe("$iothub/twin/PATCH/properties/desired/#"), 1);
    EXPECT_EQ(client->subscribe("$iothub/twin/res/#"), 1);
    EXPECT_TRUE(client->publish("$iothub/twin/GET/?$rid=1", ""));
    EXPECT_TRUE(
        client->wait_message([](const Message& told) { return told.topic.find("/res/200/") != told.topic.npos; }));
    return client;
  }
  static Device device_at(Hub& at, const std::string& id, Listens listens = Listens::kToAll) {
    return connect(at, id, at.provision(id, a_->group_key()), listens);
  }

  // The device may take a while to be found, as the machine may be busy; an empty time: it has to be there.
  static Call invoke(Hub& at, const std::string& id, const std::string& method, std::vector<std::string> more = {},
                     const std::string& connect_s = "10") {
    std::vector<std::string> words{"-o", "json", "device", "method", "invoke", "-n", id, "--method-name", method};
    if (!connect_s.empty()) words.insert(words.end(), {"--connect-timeout", connect_s});
    words.insert(words.end(), more.begin(), more.end());
    return std::async(std::launch::async, [&at, words] { return at.cli(words); });
  }
  // The request id under which the device is called.
  static std::string called(DeviceClient& device, const std::string& method) {
    const auto call = device.wait_message(
        [&](const Message& told) { return told.topic.find("/POST/" + method + "/") != told.topic.npos; });
    return call ? call->topic.substr(call->topic.find("$rid")) : "";
  }
  static void answer(DeviceClient& device, const std::string& rid, const std::string& body, int status = 200) {
    EXPECT_TRUE(device.publish("$iothub/methods/res/" + std::to_string(status) + "/?" + rid, body));
  }
  static void desire(Hub& at, const std::string& id, int rate) {
    operate(at, {"device", "twin", "update", "-n", id, "--desired", R"({"rate": )" + std::to_string(rate) + "}"});
  }
  // The next of what is desired.
  static json told(DeviceClient& device) {
    const auto message =
        device.wait_message([](const Message& one) { return one.topic.find("/desired/") != one.topic.npos; });
    return message ? json::parse(message->payload) : json();
  }
};

TEST_F(NodesTraffic, method_that_is_asked_for_at_one_is_answered_by_a_device_at_the_other) {
  const auto device = device_at(*b_, "method-1");
  for (Hub* at : {a_.get(), b_.get()}) {
    auto call = invoke(*at, "method-1", "reboot", {"--payload", R"({"delay": 3})"});
    const auto message =
        device->wait_message([](const Message& told) { return told.topic.find("/reboot/") != told.topic.npos; });
    ASSERT_TRUE(message);
    EXPECT_EQ(json::parse(message->payload), json::parse(R"({"delay": 3})"));
    answer(*device, message->topic.substr(message->topic.find("$rid")), R"({"done": true})", 207);
    const auto answered = call.get();
    ASSERT_EQ(answered.exit_status, 0) << answered.err;
    EXPECT_EQ(json::parse(answered.out), json::parse(R"({"status": 207, "payload": {"done": true}})"));
  }
  EXPECT_TRUE(no_calls_are_left());
}

TEST_F(NodesTraffic, methods_at_once_have_each_its_own_answer) {
  const auto one = device_at(*b_, "both-1");
  const auto other = device_at(*a_, "both-2");
  auto first = invoke(*a_, "both-1", "first");
  auto second = invoke(*a_, "both-1", "second");
  auto third = invoke(*b_, "both-2", "third");
  const auto rid_1 = called(*one, "first");
  const auto rid_2 = called(*one, "second");
  const auto rid_3 = called(*other, "third");
  answer(*other, rid_3, "3");
  answer(*one, rid_2, "2");
  answer(*one, rid_1, "1");
  EXPECT_EQ(json::parse(first.get().out).at("payload"), 1);
  EXPECT_EQ(json::parse(second.get().out).at("payload"), 2);
  EXPECT_EQ(json::parse(third.get().out).at("payload"), 3);
}

TEST_F(NodesTraffic, device_that_is_nowhere_is_not_online_and_one_that_nobody_knows_is_not_found) {
  (void)b_->provision("offline-1", a_->group_key());
  const auto offline = invoke(*a_, "offline-1", "reboot", {}, "").get();
  EXPECT_NE(offline.exit_status, 0);
  EXPECT_THAT(offline.err, HasSubstr("404103: timed out waiting for device 'offline-1' to connect"));
  const auto unknown = invoke(*a_, "unknown-1", "reboot").get();
  EXPECT_NE(unknown.exit_status, 0);
  EXPECT_THAT(unknown.err, testing::Not(HasSubstr("404103")));
  EXPECT_TRUE(no_calls_are_left());
}

TEST_F(NodesTraffic, device_that_does_not_listen_to_methods_is_not_online) {
  const auto device = device_at(*b_, "deaf-1", Listens::kNotToMethods);
  const auto refused = invoke(*a_, "deaf-1", "reboot", {}, "").get();
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_THAT(refused.err, HasSubstr("404103"));
  EXPECT_EQ(device->subscribe("$iothub/methods/POST/#"), 1);
  auto call = invoke(*a_, "deaf-1", "reboot");
  answer(*device, called(*device, "reboot"), "{}");
  EXPECT_EQ(call.get().exit_status, 0);
}

TEST_F(NodesTraffic, method_waits_for_its_device_to_come_to_either_node) {
  for (Hub* at : {b_.get(), a_.get()}) {
    const std::string id = at == a_.get() ? "late-1" : "late-2";
    const auto identity = a_->provision(id);
    auto call = invoke(*a_, id, "reboot", {}, "60");
    EXPECT_TRUE(eventually([] { return psql("SELECT COUNT(*) FROM calls") == "1\n"; }));
    const auto device = connect(*at, id, identity);
    answer(*device, called(*device, "reboot"), "{}");
    const auto answered = call.get();
    EXPECT_EQ(answered.exit_status, 0) << answered.err;
  }
  EXPECT_TRUE(no_calls_are_left());
}

TEST_F(NodesTraffic, device_that_does_not_answer_or_goes_is_silent) {
  auto device = device_at(*b_, "silent-1");
  auto call = invoke(*a_, "silent-1", "reboot", {"--timeout", "5"});
  EXPECT_FALSE(called(*device, "reboot").empty());
  auto refused = call.get();
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_THAT(refused.err, HasSubstr("504101: timed out waiting for the response from device 'silent-1'"));

  call = invoke(*a_, "silent-1", "again", {"--timeout", "100"});
  EXPECT_FALSE(called(*device, "again").empty());
  device->disconnect();
  refused = call.get();
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_THAT(refused.err, HasSubstr("504101: the connection of device 'silent-1' ended before it answered"));
  EXPECT_TRUE(no_calls_are_left());
}

TEST_F(NodesTraffic, answer_that_is_no_json_is_refused_as_at_one_node) {
  const auto device = device_at(*b_, "garbage-1");
  auto call = invoke(*a_, "garbage-1", "reboot");
  answer(*device, called(*device, "reboot"), "{");
  const auto refused = call.get();
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_THAT(refused.err, HasSubstr("the device's answer is not JSON"));
}

TEST_F(NodesTraffic, messages_that_are_sent_at_one_are_received_at_the_other_in_their_order) {
  const auto device = device_at(*b_, "c2d-1");
  for (const char* text : {"one", "two", "three"}) operate(*a_, {"device", "send", "-n", "c2d-1", "--message", text});
  for (const char* text : {"one", "two", "three"}) {
    const auto message =
        device->wait_message([](const Message& one) { return one.topic.find("/devicebound/") != one.topic.npos; });
    ASSERT_TRUE(message) << text;
    EXPECT_EQ(message->payload, text);
  }
}

// A broker keeps a session, and the registry keeps messages: so none is lost, and one may come twice.
TEST_F(NodesTraffic, messages_find_a_device_whose_session_is_kept_at_another_node) {
  const auto identity = a_->provision("kept-1");
  const auto come = [&](Hub& at, bool present) {
    auto options = at.hub_options("kept-1", identity);
    options.clean_session = false;
    Device client;
    ConnectResult seen;
    EXPECT_TRUE(eventually([&] {
      client = std::make_unique<DeviceClient>(options);
      seen = client->connect();
      return seen.seen == Seen::kAccepted;
    }));
    EXPECT_EQ(seen.session_present, present);
    return client;
  };
  const auto send = [](Hub& at, const std::string& text) {
    operate(at, {"device", "send", "-n", "kept-1", "--message", text});
  };
  // Nothing else comes before it but what came before.
  const auto hears = [](DeviceClient& device, const std::string& text) {
    const auto message = device.wait_message([&](const Message& one) { return one.payload == text; });
    return message && message->topic.find("/devicebound/") != std::string::npos;
  };
  const std::string filter = "devices/kept-1/messages/devicebound/#";
  auto device = come(*a_, false);
  EXPECT_EQ(device->subscribe(filter), 1);
  send(*b_, "one");
  EXPECT_TRUE(hears(*device, "one"));
  device->disconnect();

  send(*a_, "two");
  send(*b_, "three");
  device = come(*b_, false);
  EXPECT_EQ(device->subscribe(filter), 1) << "node b knows nothing of what it subscribed to at a";
  EXPECT_TRUE(hears(*device, "two"));
  EXPECT_TRUE(hears(*device, "three"));
  device->disconnect();

  send(*b_, "four");
  operate(*b_, {"device", "message", "purge", "-n", "kept-1"});
  send(*a_, "five");
  device = come(*a_, true);
  EXPECT_TRUE(hears(*device, "five")) << "by the subscription that node a has kept";
  EXPECT_FALSE(device->wait_message([](const Message& one) { return one.payload == "four"; }, 0))
      << "what was purged at b is not in a's hands";
  device->disconnect();
  device = come(*b_, true);
  send(*a_, "six");
  EXPECT_TRUE(hears(*device, "six"));
}

TEST_F(NodesTraffic, what_is_desired_at_any_node_is_told_in_the_order_of_its_versions) {
  const auto at_a = device_at(*a_, "twin-1");
  const auto at_b = device_at(*b_, "twin-2");
  for (const auto& [id, device] : {std::pair("twin-1", at_a.get()), std::pair("twin-2", at_b.get())}) {
    for (int rate = 2; rate < 8; ++rate) desire(rate % 2 == 0 ? *a_ : *b_, id, rate);
    for (int rate = 2; rate < 8; ++rate) {
      EXPECT_EQ(told(*device), (json{{"rate", rate}, {"$version", rate}})) << id;
    }
  }
}

TEST_F(NodesTraffic, what_a_device_reports_at_one_is_shown_at_the_other) {
  const auto device = device_at(*b_, "report-1");
  EXPECT_TRUE(device->publish("$iothub/twin/PATCH/properties/reported/?$rid=2", R"({"level": 7})"));
  EXPECT_TRUE(
      device->wait_message([](const Message& told) { return told.topic.find("/res/204/") != told.topic.npos; }));
  EXPECT_EQ(a_->json({"device", "twin", "show", "-n", "report-1"}).at("properties").at("reported").at("level"), 7);
}

TEST_F(NodesTraffic, device_is_connected_at_whichever_node_it_is_asked_for) {
  const auto state = [](Hub& at) {
    const auto twin = at.json({"device", "twin", "show", "-n", "state-1"}).at("connectionState");
    const bool shown = at.json({"device", "show", "-n", "state-1"}).at("properties").at("connected");
    return shown == (twin == "Connected") ? twin.get<std::string>() : "it changed between the two";
  };
  const auto identity = a_->provision("state-1");
  for (Hub* at : {a_.get(), b_.get()}) EXPECT_EQ(state(*at), "Disconnected");
  for (Hub* where : {b_.get(), a_.get()}) {
    const auto device = connect(*where, "state-1", identity);
    for (Hub* at : {a_.get(), b_.get()}) EXPECT_TRUE(eventually([&] { return state(*at) == "Connected"; }));
    device->disconnect();
    for (Hub* at : {a_.get(), b_.get()}) EXPECT_TRUE(eventually([&] { return state(*at) == "Disconnected"; }));
  }
}

// A forecast counts who is connected anywhere, as it would lose its session.
TEST_F(NodesTraffic, forecast_at_one_counts_devices_at_the_other) {
  const auto device = device_at(*b_, "forecast-1");
  EXPECT_TRUE(eventually([&] {
    const auto forecast = a_->json({"device", "revoke", "-n", "forecast-1", "--what-if"});
    return forecast.at("losingAccess").at("connected") == 1;
  }));
}

TEST_F(NodesTraffic, hub_process_that_is_killed_leaves_neither_a_call_nor_its_sessions_without_an_end) {
  const auto device = device_at(*b_, "killed-1");
  auto brief = invoke(*a_, "killed-1", "first", {"--timeout", "5"});
  auto patient = invoke(*a_, "killed-1", "second", {"--timeout", "100"});
  EXPECT_FALSE(called(*device, "first").empty());
  const auto rid = called(*device, "second");
  b_->kill();  // its broker, and the session there, go on
  const auto timed_out = brief.get();
  EXPECT_NE(timed_out.exit_status, 0);
  EXPECT_THAT(timed_out.err, HasSubstr("504101: timed out waiting"));
  desire(*a_, "killed-1", 5);
  b_->start();
  const auto ended = patient.get();
  EXPECT_NE(ended.exit_status, 0);
  EXPECT_THAT(ended.err, HasSubstr("504101: the hub process of device 'killed-1' ended before it answered"));
  EXPECT_TRUE(no_calls_are_left());

  EXPECT_TRUE(device->connected());
  EXPECT_EQ(told(*device), (json{{"rate", 5}, {"$version", 2}})) << "which was written while nobody could tell it";
  auto call = invoke(*a_, "killed-1", "third");
  answer(*device, called(*device, "third"), "{}");
  EXPECT_EQ(call.get().exit_status, 0);
}

}  // namespace
}  // namespace latchkey::tests
