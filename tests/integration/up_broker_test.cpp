// SPDX-License-Identifier: Apache-2.0
// The hub process and its brokers: one dies, one hangs, one is left behind, one is another's. Whatever happens, nobody
// is let in with what was revoked.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/integration/up_world.h"
#include "tests/support/hub.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::AnyOf;

class BrokersTest : public testing::Test {
 protected:
  explicit BrokersTest(Hub::Options options = {}) : hub_(std::move(options)) {}
  void SetUp() override {
    hub_.start();
    good_ = hub_.provision("good");
    revoked_ = hub_.provision("revoked");
    ASSERT_EQ(hub_.cli({"device", "revoke", "-n", "revoked", "-y"}).exit_status, 0);
  }
  pid_t broker(const std::string& endpoint) {
    const auto status = hub_.json({"status"});
    for (const auto& gate : status.at("gates")) {
      if (gate.at("endpoint") == endpoint) return gate.at("brokerPid");
    }
    throw std::runtime_error("no broker '" + endpoint + "' in " + status.dump());
  }
  Seen seen(const std::string& id, const Identity& identity) {
    DeviceClient client(hub_.hub_options(id, identity));
    return client.connect().seen;
  }
  // Tries both certificates until the good one is let in; the revoked one never may be.
  void expect_back_without_the_revoked() {
    int accepted = 0;
    EXPECT_TRUE(eventually([&] {
      if (seen("revoked", revoked_) == Seen::kAccepted) ++accepted;
      return seen("good", good_) == Seen::kAccepted;
    }));
    EXPECT_EQ(accepted, 0);
    EXPECT_EQ(seen("revoked", revoked_), Seen::kRefused);
  }
  std::string pid_note(const std::string& endpoint) const {
    return read_text(hub_.data() / "brokers" / (endpoint + ".pid"));
  }

  Hub hub_;
  Identity good_;
  Identity revoked_;
};

// A broker that hangs is given up after a second. Only here: a slow machine's broker may take as long without hanging.
class HangingBrokersTest : public BrokersTest {
 protected:
  HangingBrokersTest() : BrokersTest(impatient()) {}

 private:
  static Hub::Options impatient() {
    Hub::Options options;
    options.more = {"--confirm-timeout-ms", "1000"};
    return options;
  }
};

TEST_F(BrokersTest, dead_broker_is_restarted_and_revocations_hold) {
  const pid_t before = broker("hub");
  DeviceClient session(hub_.hub_options("good", good_));
  ASSERT_EQ(session.connect().seen, Seen::kAccepted);
  ASSERT_TRUE(signal_process(before, SIGKILL));
  EXPECT_TRUE(session.wait_closed());
  expect_back_without_the_revoked();
  EXPECT_NE(broker("hub"), before);
}

TEST_F(BrokersTest, dead_dps_broker_is_restarted) {
  const pid_t before = broker("dps");
  ASSERT_TRUE(signal_process(before, SIGKILL));
  ASSERT_TRUE(eventually([&] {
    DeviceClient client(hub_.dps_options("newcomer", hub_.token("newcomer")));
    return client.connect().seen == Seen::kAccepted;
  }));
  const auto identity = hub_.provision("newcomer");
  EXPECT_EQ(seen("newcomer", identity), Seen::kAccepted);
}

TEST_F(BrokersTest, broker_without_the_hub_process_serves_nobody) {
  const pid_t dps = broker("dps");
  const pid_t hub = broker("hub");
  hub_.kill();
  ASSERT_TRUE(signal_process(dps, SIGKILL));
  ASSERT_TRUE(signal_process(hub, SIGKILL));
  ASSERT_TRUE(eventually([&] { return !alive(dps) && !alive(hub); }));
  {
    Subprocess lonely({"/usr/sbin/mosquitto", "-c", (hub_.data() / "brokers/hub.conf").string()}, hub_.log_file());
    Seen first = Seen::kUnreachable;
    ASSERT_TRUE(eventually([&] { return (first = seen("good", good_)) != Seen::kUnreachable; }));
    EXPECT_EQ(first, Seen::kClosedWithoutConnack) << to_string(first);
    EXPECT_EQ(seen("revoked", revoked_), Seen::kClosedWithoutConnack);
  }
  hub_.start();
  EXPECT_EQ(seen("good", good_), Seen::kAccepted);
  EXPECT_EQ(seen("revoked", revoked_), Seen::kRefused);
}

TEST_F(HangingBrokersTest, revoke_is_acknowledged_when_the_broker_that_hangs_is_gone) {
  const auto victim = hub_.provision("victim");
  const pid_t before = broker("hub");
  DeviceClient session(hub_.hub_options("victim", victim));
  ASSERT_EQ(session.connect().seen, Seen::kAccepted);
  ASSERT_TRUE(signal_process(before, SIGSTOP));
  const auto revoke = hub_.cli({"device", "revoke", "-n", "victim", "-y"});
  EXPECT_EQ(revoke.exit_status, 0) << revoke.err;
  EXPECT_FALSE(alive(before)) << "acknowledged while a broker lives that has not followed";
  EXPECT_TRUE(session.wait_closed());
  EXPECT_NE(seen("victim", victim), Seen::kAccepted) << "the first attempt after the acknowledgement";
  expect_back_without_the_revoked();
  EXPECT_EQ(seen("victim", victim), Seen::kRefused);
}

TEST_F(BrokersTest, brokers_are_adopted_and_sessions_live_on) {
  const pid_t dps = broker("dps");
  const pid_t hub = broker("hub");
  DeviceClient session(hub_.hub_options("good", good_));
  ASSERT_EQ(session.connect().seen, Seen::kAccepted);
  hub_.kill();
  EXPECT_EQ(seen("revoked", revoked_), Seen::kRefused) << "decided without a hub process";
  hub_.start();
  EXPECT_EQ(broker("dps"), dps);
  EXPECT_EQ(broker("hub"), hub);
  EXPECT_TRUE(session.connected());
  EXPECT_TRUE(session.publish("devices/good/messages/events/", "still here"));
  ASSERT_EQ(hub_.cli({"device", "revoke", "-n", "good", "-y"}).exit_status, 0);
  EXPECT_TRUE(session.wait_closed()) << "an adopted broker enforces, too";
}

// Below those that the kernel gives to connections: between two starts one of them could take it.
int lasting_port() {
  std::random_device dice;
  for (;;) {
    const int port = std::uniform_int_distribution(16'384, 32'767)(dice);
    if (Listener("127.0.0.1", port).listening()) return port;
  }
}

// A broker that is started behind the listeners has none of them.
TEST_F(BrokersTest, hub_process_that_is_killed_comes_up_again_at_its_own_addresses) {
  hub_.stop();
  const auto health = "127.0.0.1:" + std::to_string(lasting_port());
  const auto with_health = [&] {
    auto options = Up::free_ports();
    options.insert(options.end(), {"--health", health});
    return options;
  };
  Up up(hub_.data());
  ASSERT_TRUE(up.start(with_health())) << up.log();
  const std::string lists = up.endpoints().at("status");
  const pid_t first = up.broker_pids().second;
  ASSERT_TRUE(signal_process(first, SIGKILL));
  pid_t second = -1;
  ASSERT_TRUE(eventually([&] {
    second = up.broker_pids().second;
    return second > 0 && second != first;
  }));
  up.process().signal(SIGKILL);
  up.process().wait(60'000);
  ASSERT_TRUE(alive(second));
  ASSERT_TRUE(up.start(with_health())) << up.log();
  EXPECT_EQ(up.endpoints().at("status"), lists) << "certificates name it";
  EXPECT_EQ(up.broker_pids().second, second);
  EXPECT_EQ(up.signal_and_wait(SIGTERM), 0);
}

TEST_F(HangingBrokersTest, broker_that_hangs_is_not_adopted) {
  const pid_t before = broker("hub");
  hub_.kill();
  ASSERT_TRUE(signal_process(before, SIGSTOP));
  hub_.start();
  EXPECT_NE(broker("hub"), before);
  EXPECT_FALSE(alive(before));
  expect_back_without_the_revoked();
}

TEST_F(BrokersTest, broker_with_another_plugin_is_not_adopted) {
  const pid_t dps = broker("dps");
  const pid_t hub = broker("hub");
  hub_.kill();
  const auto plugin = hub_.work() / "gate.so";  // what a rebuild brings: other bytes
  std::filesystem::copy_file(hub_.data() / "brokers/hub/gate.so", plugin);
  std::ofstream(plugin, std::ios::app | std::ios::binary) << "rebuilt";
  Hub::Options changed;
  changed.data = hub_.data();
  changed.more = {"--gate", plugin.string()};
  Hub next(changed);
  next.start();
  const auto status = next.json({"status"});
  for (const auto& gate : status.at("gates")) {
    EXPECT_NE(gate.at("brokerPid"), gate.at("endpoint") == "dps" ? dps : hub);
  }
  EXPECT_FALSE(alive(dps));
  EXPECT_FALSE(alive(hub));
  DeviceClient client(next.hub_options("good", good_));
  EXPECT_EQ(client.connect().seen, Seen::kAccepted);
  next.stop();
}

TEST_F(BrokersTest, broker_at_another_address_is_not_adopted) {
  const pid_t hub = broker("hub");
  hub_.kill();
  Up up(hub_.data());
  ASSERT_TRUE(up.start({"--dps", "127.0.0.1:0", "--hub", "127.0.0.3:0"})) << up.log();
  EXPECT_NE(up.broker_pids().second, hub);
  EXPECT_FALSE(alive(hub));
  EXPECT_EQ(up.signal_and_wait(SIGTERM), 0);
}

TEST_F(BrokersTest, foreign_process_with_the_noted_pid_is_left_alone) {
  std::istringstream note(pid_note("hub"));
  std::string pid, start_time, nonce, hash;
  note >> pid >> start_time >> nonce >> hash;
  hub_.stop();
  Subprocess foreign({"/bin/sleep", "600"}, hub_.log_file());
  std::ofstream(hub_.data() / "brokers/hub.pid")
      << foreign.pid() << ' ' << start_time << ' ' << nonce << ' ' << hash << '\n';
  hub_.start();
  EXPECT_NE(broker("hub"), foreign.pid());
  hub_.stop();
  EXPECT_TRUE(foreign.running());
}

}  // namespace
}  // namespace latchkey::tests
