// SPDX-License-Identifier: Apache-2.0
// Several brokers of one hub, behind one address (HAProxy) and each at its own: one session a device over all of them,
// state that bites on all, and processes that may die one by one.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "tests/integration/several_hubs.h"
#include "tests/integration/up_world.h"
#include "tests/support/subprocess.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using Session = std::unique_ptr<DeviceClient>;

const std::vector<std::string> kBoth{"hub/1", "hub/2"};

bool haproxy_is_there() { return ::access("/usr/sbin/haproxy", X_OK) == 0; }

std::vector<std::string> brokers_option(const std::string& front) {
  return {"--hub-brokers", "2", "--hub-front", front};
}

Session try_session(Hub& hub, const std::string& id, const Identity& identity, bool clean = true) {
  auto options = hub.hub_options(id, identity);
  options.clean_session = clean;
  auto client = std::make_unique<DeviceClient>(std::move(options));
  return client->connect().seen == Seen::kAccepted ? std::move(client) : nullptr;
}

// As devices do: comes again while nobody takes it.
Session session(Hub& hub, const std::string& id, const Identity& identity, bool clean = true) {
  Session client;
  if (!eventually([&] { return (client = try_session(hub, id, identity, clean)) != nullptr; })) {
    throw std::runtime_error(id + " is not let in");
  }
  return client;
}

// The broker that let that device in last.
std::string broker_that_let_in(Hub& hub, const std::string& id, std::size_t times) {
  std::vector<json> accepted;
  eventually([&] {
    accepted.clear();
    for (auto& one : rows(hub.json({"decisions", "list", "--device", id, "--limit", "1000"}))) {
      if (one.at("reason") == "accepted" && one.at("endpoint") != "dps") accepted.push_back(std::move(one));
    }
    return accepted.size() >= times;
  });
  if (accepted.size() < times) throw std::runtime_error(id + ": no decision");
  return accepted.front().at("endpoint");
}

std::size_t connections(Hub& hub, const std::string& broker) { return gate_of(hub, broker).value("connections", 0); }

std::size_t all_connections(Hub& hub) { return connections(hub, "hub/1") + connections(hub, "hub/2"); }

// A device that can be seen to change brokers: how often it was let in is counted along.
class Walker {
 public:
  Walker(Hub& hub, std::string id, Identity identity) : hub_(hub), id_(std::move(id)), identity_(std::move(identity)) {}

  Session connect(bool clean = true) {
    auto client = session(hub_, id_, identity_, clean);
    at_ = broker_that_let_in(hub_, id_, ++times_);
    return client;
  }
  // Sessions, one after the other, until one is at another broker than `here`: the others take the load's turns.
  Session connect_elsewhere(const std::string& here, bool clean = true) {
    for (int i = 0; i < 50; ++i) {
      auto client = connect(clean);
      if (at_ != here) return client;
      client->disconnect();
    }
    throw std::runtime_error(id_ + " never gets away from " + here);
  }
  const std::string& at() const { return at_; }

 private:
  Hub& hub_;
  const std::string id_;
  const Identity identity_;
  std::size_t times_ = 0;
  std::string at_;
};

class ProxiedBrokers : public HubTest<ProxiedBrokers> {
 public:
  static void SetUpTestSuite() {
    if (haproxy_is_there()) HubTest::SetUpTestSuite();
  }
  static Hub::Options options() {
    Hub::Options options;
    options.more = brokers_option("proxy");
    return options;
  }

 protected:
  void SetUp() override {
    if (!haproxy_is_there()) GTEST_SKIP() << "Debian's package haproxy is not installed";
  }
};

TEST_F(ProxiedBrokers, sessions_come_in_at_one_address_and_are_spread) {
  Cohort cohort(hub(), "spread");
  std::vector<Session> sessions;
  std::map<std::string, int> at;
  for (int i = 0; i < 6; ++i) {
    const auto id = cohort.device(std::to_string(i));
    const auto identity = cohort.provision(id);
    EXPECT_EQ(identity.hub, hub().hub_name());
    sessions.push_back(session(hub(), id, identity));
    ++at[broker_that_let_in(hub(), id, 1)];
  }
  for (const auto& broker : kBoth) EXPECT_GE(at[broker], 2) << broker;
  EXPECT_TRUE(eventually([] { return all_connections(hub()) == 6; }));
  const auto decision = rows(hub().json({"decisions", "list", "--device", cohort.device("0")})).front();
  EXPECT_EQ(decision.at("peer"), "front") << "the brokers know no other address";
  for (const auto& broker : kBoth) EXPECT_EQ(gate_of(hub(), broker).at("address"), hub().hub_name());
  const auto fronts = hub().json({"status"}).at("fronts");
  ASSERT_EQ(fronts.size(), 1u);
  EXPECT_EQ(fronts[0].at("address"), hub().hub_name());
  EXPECT_EQ(fronts[0].at("ready"), true);
  EXPECT_TRUE(alive(fronts[0].at("pid").get<pid_t>()));
}

TEST_F(ProxiedBrokers, newer_session_displaces_the_older_one_wherever_it_is) {
  Cohort cohort(hub(), "displaces");
  const auto a = cohort.device("a");
  Walker walker(hub(), a, cohort.provision(a));
  auto before = walker.connect();
  std::map<std::pair<std::string, std::string>, int> moves;
  for (int i = 0; i < 12; ++i) {
    const auto from = walker.at();
    auto after = walker.connect();
    ++moves[{from, walker.at()}];
    ASSERT_TRUE(before->wait_closed()) << i << ": " << from << " to " << walker.at();
    EXPECT_TRUE(after->connected()) << i << ": " << from << " to " << walker.at();
    before = std::move(after);
  }
  EXPECT_GT((moves[{"hub/1", "hub/2"}]), 0);
  EXPECT_GT((moves[{"hub/2", "hub/1"}]), 0);
  EXPECT_TRUE(before->connected());
}

TEST_F(ProxiedBrokers, of_sessions_that_come_at_one_time_exactly_one_stays) {
  Cohort cohort(hub(), "at-once");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  for (int round = 0; round < 8; ++round) {
    std::vector<Session> sessions(6);
    std::vector<std::thread> threads;
    for (auto& one : sessions) threads.emplace_back([&] { one = try_session(hub(), a, identity); });
    for (auto& thread : threads) thread.join();
    const auto standing = [&] {
      return std::count_if(sessions.begin(), sessions.end(), [](const auto& one) { return one && one->connected(); });
    };
    ASSERT_TRUE(eventually([&] { return standing() == 1; })) << "round " << round << ": " << standing();
    // It goes on: whatever was still under way was not meant for it.
    auto& survivor =
        **std::find_if(sessions.begin(), sessions.end(), [](const auto& one) { return one && one->connected(); });
    ASSERT_EQ(survivor.subscribe("$iothub/twin/res/#"), 1) << "round " << round;
    survivor.publish("$iothub/twin/GET/?$rid=1", "");
    ASSERT_TRUE(survivor.wait_message([](const Message&) { return true; })) << "round " << round;
    ASSERT_EQ(standing(), 1);
  }
}

TEST_F(ProxiedBrokers, revokes_bite_on_all_brokers) {
  Cohort cohort(hub(), "bites");
  std::map<std::string, std::pair<std::string, Session>> of;  // by broker: device, session
  std::map<std::string, Identity> identities;
  for (int i = 0; of.size() < 2 && i < 20; ++i) {
    const auto id = cohort.device(std::to_string(i));
    identities[id] = cohort.provision(id);
    auto one = session(hub(), id, identities[id]);
    auto& place = of[broker_that_let_in(hub(), id, 1)];
    if (!place.second) place = {id, std::move(one)};
  }
  ASSERT_EQ(of.size(), 2u);
  auto& [a, of_a] = of.at("hub/1");
  auto& [b, of_b] = of.at("hub/2");
  operate(hub(), {"device", "revoke", "-n", b, "-y"});
  EXPECT_TRUE(of_b->wait_closed());
  EXPECT_TRUE(of_a->connected());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(try_session(hub(), b, identities[b]), nullptr) << "whichever broker it meets";
  cohort.revoke_policy();
  EXPECT_TRUE(of_a->wait_closed());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(try_session(hub(), a, identities[a]), nullptr);
  identities[a] = cohort.provision(a);
  for (int i = 0; i < 4; ++i) EXPECT_NE(try_session(hub(), a, identities[a]), nullptr) << "all know the new CA";
}

TEST_F(ProxiedBrokers, messages_follow_their_device_to_another_broker) {
  Cohort cohort(hub(), "messages");
  const auto a = cohort.device("a");
  Walker walker(hub(), a, cohort.provision(a));
  const auto send = [&](const std::string& text) { operate(hub(), {"device", "send", "-n", a, "--message", text}); };
  const auto listen = [&](DeviceClient& client) {
    ASSERT_EQ(client.subscribe("devices/" + a + "/messages/devicebound/#"), 1);
  };
  const auto hears = [](DeviceClient& client, const std::string& text) {
    return client.wait_message([&](const Message& message) { return message.payload == text; }).has_value();
  };
  auto first = walker.connect(false);
  const auto home = walker.at();
  listen(*first);
  send("one");
  EXPECT_TRUE(hears(*first, "one"));
  first->disconnect();
  send("two");  // nobody is there
  auto second = walker.connect_elsewhere(home, false);
  listen(*second);
  EXPECT_TRUE(hears(*second, "two"));
  send("three");
  EXPECT_TRUE(hears(*second, "three"));
  // At the first broker again, which kept a session: what it remembers is older than what the other one delivered.
  const auto away = walker.at();
  second->disconnect();
  send("four");
  auto third = walker.connect_elsewhere(away, false);
  EXPECT_EQ(walker.at(), home);
  listen(*third);
  EXPECT_TRUE(hears(*third, "four"));
  send("five");
  EXPECT_TRUE(hears(*third, "five"));
}

TEST_F(ProxiedBrokers, twin_and_methods_reach_the_broker_where_the_session_is) {
  Cohort cohort(hub(), "twin");
  const auto a = cohort.device("a");
  Walker walker(hub(), a, cohort.provision(a));
  auto before = walker.connect();
  const auto home = walker.at();
  for (int i = 0; i < 2; ++i) {
    auto client = i == 0 ? std::move(before) : walker.connect_elsewhere(home);
    ASSERT_EQ(client->subscribe("$iothub/twin/PATCH/properties/desired/#"), 1);
    ASSERT_EQ(client->subscribe("$iothub/twin/res/#"), 1);
    ASSERT_EQ(client->subscribe("$iothub/methods/POST/#"), 1);
    client->publish("$iothub/twin/GET/?$rid=1", "");
    ASSERT_TRUE(
        client->wait_message([](const Message& told) { return told.topic.find("/res/200/") != told.topic.npos; }));
    operate(hub(), {"device", "twin", "update", "-n", a, "--desired", R"({"rate": )" + std::to_string(i) + "}"});
    EXPECT_TRUE(client->wait_message([&](const Message& told) {
      return told.topic.find("/desired/") != told.topic.npos && json::parse(told.payload).at("rate") == i;
    })) << walker.at();
    Finished called;
    std::thread caller([&] { called = hub().cli({"device", "method", "invoke", "-n", a, "--method-name", "ping"}); });
    const auto call =
        client->wait_message([](const Message& told) { return told.topic.find("/POST/ping/") != told.topic.npos; });
    if (call)
      client->publish("$iothub/methods/res/200/?" + call->topic.substr(call->topic.find("$rid")), R"({"at": 1})");
    caller.join();
    EXPECT_TRUE(call) << walker.at();
    EXPECT_EQ(called.exit_status, 0) << called.err;
  }
}

TEST_F(ProxiedBrokers, broker_that_dies_takes_its_own_sessions_and_comes_back_with_the_state) {
  Cohort cohort(hub(), "dies");
  std::map<std::string, std::vector<std::pair<std::string, Session>>> of;
  std::map<std::string, Identity> identities;
  for (int i = 0; i < 6; ++i) {
    const auto id = cohort.device(std::to_string(i));
    identities[id] = cohort.provision(id);
    auto one = session(hub(), id, identities[id]);
    of[broker_that_let_in(hub(), id, 1)].emplace_back(id, std::move(one));
  }
  ASSERT_FALSE(of["hub/1"].empty());
  ASSERT_FALSE(of["hub/2"].empty());
  const auto victim = broker_of(hub(), "hub/1");
  ASSERT_TRUE(signal_process(victim, SIGKILL));
  const auto revoked = of["hub/1"].front().first;
  operate(hub(), {"device", "revoke", "-n", revoked, "-y"});
  for (auto& [id, one] : of["hub/1"]) {
    EXPECT_TRUE(one->wait_closed()) << id;
    if (id != revoked) {
      EXPECT_NE(session(hub(), id, identities[id]), nullptr);
    }
  }
  for (auto& [id, one] : of["hub/2"]) EXPECT_TRUE(one->connected()) << id;
  EXPECT_TRUE(eventually([&] { return gate_of(hub(), "hub/1").value("ready", false); }));
  EXPECT_NE(broker_of(hub(), "hub/1"), victim);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(try_session(hub(), revoked, identities[revoked]), nullptr);
  // The new one is given sessions again.
  std::vector<Session> more;
  EXPECT_TRUE(eventually([&] {
    for (auto& [id, one] : of["hub/1"]) {
      if (id != revoked) more.push_back(session(hub(), id, identities[id]));
    }
    return connections(hub(), "hub/1") > 0;
  }));
}

TEST_F(ProxiedBrokers, front_that_dies_comes_back_at_its_address) {
  Cohort cohort(hub(), "front");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  const auto before = session(hub(), a, identity);
  const auto pid = [] { return hub().json({"status"}).at("fronts").at(0).at("pid").get<pid_t>(); };
  const auto victim = pid();
  ASSERT_TRUE(signal_process(victim, SIGKILL));
  EXPECT_TRUE(before->wait_closed());
  EXPECT_NE(session(hub(), a, identity), nullptr);
  EXPECT_NE(pid(), victim);
}

TEST(HubBrokersLives, all_processes_are_adopted_and_the_newer_session_stays) {
  if (!haproxy_is_there()) GTEST_SKIP() << "Debian's package haproxy is not installed";
  Hub hub(ProxiedBrokers::options());
  hub.start();
  Cohort cohort(hub, "adopted");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto of_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto pids = [&] {
    return std::vector{broker_of(hub, "hub/1"), broker_of(hub, "hub/2"),
                       hub.json({"status"}).at("fronts").at(0).at("pid").get<pid_t>()};
  };
  const auto before = pids();
  const auto stays = session(hub, b, of_b);
  const auto older = session(hub, a, of_a);
  const auto at = broker_that_let_in(hub, a, 1);
  hub.kill();
  for (const auto pid : before) EXPECT_TRUE(alive(pid));
  // Nobody looks: with one more session at the other broker the device has two.
  Session newer;
  for (int i = 0; i < 20 && older->connected(); ++i) {
    newer = session(hub, a, of_a);
    if (older->connected()) break;
  }
  const bool two = older->connected();
  hub.start();
  EXPECT_EQ(pids(), before);
  EXPECT_TRUE(older->wait_closed());
  if (two) {
    EXPECT_TRUE(newer->connected()) << at;
  }
  EXPECT_TRUE(stays->connected());
  operate(hub, {"device", "revoke", "-n", b, "-y"});
  EXPECT_TRUE(stays->wait_closed());
  hub.stop();
  for (const auto pid : before) EXPECT_FALSE(alive(pid));
}

TEST(HubBrokersLives, number_of_brokers_can_change_from_start_to_start) {
  if (!haproxy_is_there()) GTEST_SKIP() << "Debian's package haproxy is not installed";
  const TemporaryFolder folder;
  Up up(folder.path() / "data");
  // What runs for the hub, by what it goes by.
  const auto processes = [&] {
    std::map<std::string, pid_t> pids;
    const auto status = json::parse(up.cli({"-o", "json", "status"}).out);
    for (const auto& gate : status.at("gates")) pids[gate.at("endpoint")] = gate.at("brokerPid");
    for (const auto& front : status.value("fronts", json::array())) pids["front"] = front.at("pid");
    pids.erase("dps");
    return pids;
  };
  const auto expect_gone = [](const std::map<std::string, pid_t>& pids) {
    for (const auto& [name, pid] : pids) EXPECT_FALSE(alive(pid)) << name;
  };
  const auto options = [](const std::string& brokers) {
    auto all = Up::free_ports();
    all.insert(all.end(), {"--hub-brokers", brokers});
    return all;
  };
  ASSERT_TRUE(up.start(options("1"))) << up.log();
  const auto one = processes();
  const auto address = up.endpoints().at("hub");
  EXPECT_EQ(one.size(), 1u);
  up.signal_and_wait(SIGKILL);
  ASSERT_TRUE(up.start(options("3"))) << up.log();
  expect_gone(one);
  const auto three = processes();
  EXPECT_EQ(three.size(), 4u);
  const auto files = up.endpoints().at("data").get<std::filesystem::path>() / "brokers";
  EXPECT_TRUE(std::filesystem::exists(files / "front"));
  up.signal_and_wait(SIGKILL);
  ASSERT_TRUE(up.start(options("2"))) << up.log();
  const auto two = processes();
  EXPECT_EQ(two.size(), 3u);
  EXPECT_EQ(two.at("hub/1"), three.at("hub/1")) << "nothing is different for it";
  EXPECT_NE(two.at("front"), three.at("front"));
  EXPECT_FALSE(alive(three.at("hub/3")));
  up.signal_and_wait(SIGKILL);
  ASSERT_TRUE(up.start(options("1"))) << up.log();
  expect_gone(two);
  EXPECT_EQ(processes().size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(files / "hub-1"));
  EXPECT_FALSE(std::filesystem::exists(files / "front"));
  EXPECT_EQ(up.signal_and_wait(SIGTERM), 0);
}

class AddressedBrokers : public HubTest<AddressedBrokers> {
 public:
  static Hub::Options options() {
    Hub::Options options;
    options.more = brokers_option("addresses");
    return options;
  }
};

TEST_F(AddressedBrokers, provisioning_tells_each_device_one_address_by_its_id) {
  const auto brokers = json::parse(read_text(hub().data() / "endpoints.json")).at("hubBrokers");
  EXPECT_EQ(brokers.at("hub/1"), hub().hub_name());
  ASSERT_NE(brokers.at("hub/2"), hub().hub_name());
  Cohort cohort(hub(), "told");
  std::map<std::string, int> told;
  for (int i = 0; i < 12; ++i) {
    const auto id = cohort.device(std::to_string(i));
    const auto first = cohort.provision(id);
    const auto again = cohort.provision(id);
    EXPECT_EQ(first.hub, again.hub);
    const auto at = first.hub == brokers.at("hub/1") ? "hub/1" : "hub/2";
    EXPECT_EQ(first.hub, brokers.at(at));
    ++told[at];
    auto options = hub().hub_options(id, again);
    options.host = first.hub.substr(0, first.hub.rfind(':'));
    options.port = std::stoi(first.hub.substr(first.hub.rfind(':') + 1));
    EXPECT_EQ(DeviceClient(options).connect().seen, Seen::kAccepted);
    EXPECT_EQ(broker_that_let_in(hub(), id, 1), at);
  }
  EXPECT_EQ(told.size(), 2u);
}

TEST_F(AddressedBrokers, device_has_one_session_over_all_addresses) {
  const auto brokers = json::parse(read_text(hub().data() / "endpoints.json")).at("hubBrokers");
  Cohort cohort(hub(), "one");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  const auto at = [&](const std::string& broker) {
    const std::string address = brokers.at(broker);
    auto options = hub().hub_options(a, identity);
    options.host = address.substr(0, address.rfind(':'));
    options.port = std::stoi(address.substr(address.rfind(':') + 1));
    auto client = std::make_unique<DeviceClient>(options);
    EXPECT_EQ(client->connect().seen, Seen::kAccepted) << broker;
    return client;
  };
  Session before = at("hub/1");
  for (int i = 0; i < 10; ++i) {
    auto after = at(kBoth[(i + 1) % 2]);
    ASSERT_TRUE(before->wait_closed()) << i;
    EXPECT_TRUE(after->connected()) << i;
    before = std::move(after);
  }
  EXPECT_TRUE(eventually([] { return all_connections(hub()) == 1; }));
}

TEST(HubBrokersLives, addresses_stay_from_start_to_start) {
  Hub hub(AddressedBrokers::options());
  hub.start();
  const auto told = [&] { return json::parse(read_text(hub.data() / "endpoints.json")).at("hubBrokers"); };
  const auto before = told();
  hub.stop();
  hub.start();
  EXPECT_EQ(told(), before);
  hub.kill();
  hub.start();
  EXPECT_EQ(told(), before);
}

TEST(HubBrokersRefusals, options_that_cannot_be_met_are_refused_before_anything_runs) {
  const TemporaryFolder folder;
  const auto refused = [&](std::vector<std::string> options, const std::string& word) {
    std::vector<std::string> command{std::string(LATCHKEY_BIN) + "/latchkey",
                                     "--data",
                                     (folder.path() / "data").string(),
                                     "up",
                                     "--dps",
                                     "127.0.0.1:0"};
    command.insert(command.end(), options.begin(), options.end());
    const auto finished = run(command);
    EXPECT_NE(finished.exit_status, 0);
    EXPECT_NE((finished.out + finished.err).find(word), std::string::npos) << finished.out << finished.err;
  };
  refused({"--hub", "127.0.0.2:0", "--hub-brokers", "0"}, "--hub-brokers");
  refused({"--hub", "127.0.0.2:0", "--hub-brokers", "17"}, "--hub-brokers");
  refused({"--hub", "127.0.0.2:0", "--hub-brokers", "two"}, "--hub-brokers");
  refused({"--hub", "127.0.0.2:0", "--hub-brokers", "2", "--hub-front", "nginx"}, "--hub-front");
  refused({"--hub", "127.0.0.2:0", "--hub-brokers", "2", "--haproxy", "/nowhere/haproxy"}, "package 'haproxy'");
}

TEST(HubBrokersRefusals, address_that_is_taken_is_refused_by_its_name) {
  if (!haproxy_is_there()) GTEST_SKIP() << "Debian's package haproxy is not installed";
  const TemporaryFolder folder;
  const Listener taken("127.0.0.2");
  ASSERT_TRUE(taken.listening());
  const auto address = "127.0.0.2:" + std::to_string(taken.port());
  const auto finished =
      Up(folder.path() / "data").refused({"--dps", "127.0.0.1:0", "--hub", address, "--hub-brokers", "2"});
  EXPECT_EQ(finished.exit_status, 2) << finished.out << finished.err;
  EXPECT_NE(finished.err.find(address + " is in use"), std::string::npos) << finished.err;
}

TEST(HubBrokersRefusals, one_broker_needs_no_haproxy) {
  Hub::Options options;
  options.more = {"--hub-brokers", "1", "--haproxy", "/nowhere/haproxy"};
  Hub hub(options);
  hub.start();
  EXPECT_TRUE(gate_of(hub, kHubName).value("ready", false));
  EXPECT_FALSE(hub.json({"status"}).contains("fronts"));
}

}  // namespace
}  // namespace latchkey::tests
