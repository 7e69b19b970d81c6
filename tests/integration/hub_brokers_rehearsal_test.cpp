// SPDX-License-Identifier: Apache-2.0
// Rehearsals on a hub of several brokers: what goes wrong, or is turned back, holds at each of them alike. Each broker
// is at an address of its own, so that a device can choose the one that is asked.
#include <map>

#include "tests/integration/rehearsal_world.h"
#include "tests/integration/several_hubs.h"
#include "tests/integration/up_world.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using Session = std::unique_ptr<DeviceClient>;

const std::vector<std::string> kBoth{"hub/1", "hub/2"};
constexpr const char* kAccepted = "accepted";
constexpr const char* kNoTrust = "issuer not trusted";

Hub::Options two_brokers() {
  Hub::Options options;
  options.more = {"--hub-brokers", "2", "--hub-front", "addresses"};
  return options;
}

DeviceClient::Options options_at_broker(Hub& hub, const std::string& broker, const std::string& id,
                                        const Identity& identity) {
  const auto brokers = json::parse(read_text(hub.data() / "endpoints.json")).at("hubBrokers");
  const std::string address = brokers.at(broker);
  auto options = hub.hub_options(id, identity);
  options.host = address.substr(0, address.rfind(':'));
  options.port = std::stoi(address.substr(address.rfind(':') + 1));
  return options;
}

Session session_at_broker(Hub& hub, const std::string& broker, const std::string& id, const Identity& identity) {
  auto client = std::make_unique<DeviceClient>(options_at_broker(hub, broker, id, identity));
  if (const auto seen = client->connect(); seen.seen != Seen::kAccepted) throw std::runtime_error(seen.text());
  return client;
}

// What each broker decides about that identity, by CONNACK and on record: one reason when they are of one mind.
std::string seen_at_both(Hub& hub, const std::string& id, const Identity& identity) {
  std::map<std::string, std::string> seen;
  for (const auto& broker : kBoth) {
    const auto newest = [&] {
      for (auto& decision : rows(hub.json({"decisions", "list", "--device", id, "--limit", "50"}))) {
        if (decision.at("endpoint") == broker) return std::move(decision);
      }
      return json::object();
    };
    const auto before = newest();
    const auto connack = DeviceClient(options_at_broker(hub, broker, id, identity)).connect();
    std::string reason = "nothing on record";
    eventually([&] {
      const auto decision = newest();
      if (decision != before) reason = decision.at("reason");
      return decision != before;
    });
    const bool fits = connack.seen == (reason == kAccepted ? Seen::kAccepted : Seen::kRefused);
    seen[broker] = fits ? reason : reason + ", but the device saw " + connack.text();
  }
  if (seen["hub/1"] == seen["hub/2"]) return seen["hub/1"];
  return "hub/1: " + seen["hub/1"] + "; hub/2: " + seen["hub/2"];
}

class FaultsAtBoth : public HubTest<FaultsAtBoth> {
 public:
  static Hub::Options options() { return two_brokers(); }

 protected:
  void TearDown() override {
    clear_faults(hub());
    operate(hub(), {"credential", "sync"});
  }
  // Two devices of that cohort, a session of the first at the first broker, of the second at the second.
  struct Pair {
    std::string a, b;
    Identity of_a, of_b;
    Session at_first, at_second;
  };
  static Pair pair_of(Cohort& cohort) {
    Pair pair{cohort.device("a"), cohort.device("b"), {}, {}, {}, {}};
    pair.of_a = cohort.provision(pair.a);
    pair.of_b = cohort.provision(pair.b);
    pair.at_first = session_at_broker(hub(), "hub/1", pair.a, pair.of_a);
    pair.at_second = session_at_broker(hub(), "hub/2", pair.b, pair.of_b);
    return pair;
  }
};

TEST_F(FaultsAtBoth, policy_revoke_that_is_half_done_is_half_done_at_each_broker) {
  Cohort cohort(hub(), "half");
  const auto devices = pair_of(cohort);
  set_faults(hub(), {fault({{"operation", "policy.revoke"}, {"resource", "*/policies/half"}}, {{"kind", "halfDone"}})});
  EXPECT_EQ(hub().cli({"policy", "revoke", "-n", "half", "-y"}).exit_status, 1);
  EXPECT_TRUE(devices.at_first->wait_closed());
  EXPECT_TRUE(devices.at_second->wait_closed());
  EXPECT_EQ(seen_at_both(hub(), devices.a, devices.of_a), kNoTrust);
  const auto anew = cohort.provision(devices.a);
  EXPECT_EQ(seen_at_both(hub(), devices.a, anew), kNoTrust);
  clear_faults(hub());
  operate(hub(), {"credential", "sync"});
  EXPECT_EQ(seen_at_both(hub(), devices.a, anew), kAccepted);
  EXPECT_EQ(seen_at_both(hub(), devices.a, devices.of_a), kNoTrust);
}

TEST_F(FaultsAtBoth, sync_that_is_skipped_is_skipped_at_each_broker) {
  Cohort removed(hub(), "removed");
  Cohort kept(hub(), "kept");
  const auto of_removed = pair_of(removed);
  const auto of_kept = pair_of(kept);
  set_faults(hub(), {fault({{"operation", "hub.sync"}, {"hub", "hub"}, {"policy", "removed"}}, {{"kind", "skipped"}}),
                     fault({{"operation", "hub.sync"}, {"hub", "hub"}, {"policy", "kept"}},
                           {{"kind", "skipped"}, {"old", "kept"}})});
  removed.revoke_policy();
  kept.revoke_policy();
  EXPECT_TRUE(of_removed.at_first->wait_closed());
  EXPECT_TRUE(of_removed.at_second->wait_closed());
  EXPECT_EQ(seen_at_both(hub(), of_removed.b, of_removed.of_b), kNoTrust);
  EXPECT_TRUE(of_kept.at_first->connected()) << "the hub has not heard of it";
  EXPECT_TRUE(of_kept.at_second->connected());
  EXPECT_EQ(seen_at_both(hub(), of_kept.a, of_kept.of_a), kAccepted);
  const auto anew = kept.provision(of_kept.a);
  EXPECT_EQ(seen_at_both(hub(), of_kept.a, anew), kNoTrust);
  clear_faults(hub());
  operate(hub(), {"credential", "sync"});
  EXPECT_TRUE(of_kept.at_second->wait_closed());
  EXPECT_EQ(seen_at_both(hub(), of_kept.a, of_kept.of_a), kNoTrust);
  EXPECT_EQ(seen_at_both(hub(), of_kept.a, anew), kAccepted);
}

TEST_F(FaultsAtBoth, sync_that_is_late_comes_to_each_broker_once_it_is_released) {
  Cohort cohort(hub(), "late");
  const auto a = cohort.device("a");
  set_faults(hub(), {fault({{"operation", "hub.sync"}, {"policy", "late"}}, {{"kind", "late"}})});
  cohort.revoke_policy();
  const auto identity = cohort.provision(a);
  EXPECT_EQ(seen_at_both(hub(), a, identity), kNoTrust);
  clear_faults(hub());
  EXPECT_TRUE(eventually([&] { return hub_certificates(hub(), cohort.subject()).size() == 1; }));
  EXPECT_TRUE(eventually([&] { return seen_at_both(hub(), a, identity) == kAccepted; }));
}

TEST_F(FaultsAtBoth, full_disk_leaves_the_sessions_of_each_broker_and_a_slow_one_cuts_them) {
  Cohort cohort(hub(), "disk");
  const auto devices = pair_of(cohort);
  const auto at_resource = [](const json& effect) {
    return fault({{"operation", "store.commit"}, {"action", "policy.revoke"}}, effect);
  };
  set_faults(hub(), {at_resource({{"kind", "full"}})});
  const auto refused = hub().cli({"policy", "revoke", "-n", "disk", "-y"});
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_NE(refused.err.find("storage full"), std::string::npos) << refused.err;
  const auto c = cohort.device("c");
  EXPECT_EQ(seen_at_both(hub(), c, cohort.provision(c)), kAccepted);
  EXPECT_TRUE(devices.at_first->connected()) << "nothing was revoked";
  EXPECT_TRUE(devices.at_second->connected());
  set_faults(hub(), {at_resource({{"kind", "slow"}, {"milliseconds", 500}})});
  cohort.revoke_policy();
  EXPECT_TRUE(devices.at_first->wait_closed());
  EXPECT_TRUE(devices.at_second->wait_closed());
  EXPECT_EQ(seen_at_both(hub(), devices.b, devices.of_b), kNoTrust);
}

class TimeAtBoth : public HubTest<TimeAtBoth> {
 public:
  static Hub::Options options() { return two_brokers(); }
};

TEST_F(TimeAtBoth, clock_is_set_at_each_broker_when_it_is_answered) {
  const auto identity = hub().provision("timed-1");
  ASSERT_EQ(seen_at_both(hub(), "timed-1", identity), kAccepted);
  operate(hub(), {"rehearsal", "clock", "advance", "--days", "40"});
  EXPECT_EQ(seen_at_both(hub(), "timed-1", identity), "expired");
  operate(hub(), {"rehearsal", "clock", "advance", "--days", "-40", "--backwards"});
  EXPECT_EQ(seen_at_both(hub(), "timed-1", identity), kAccepted);
}

TEST_F(TimeAtBoth, restore_holds_at_each_broker_and_leaves_both_running) {
  const auto old = hub().provision("restored-1");
  const auto stays = hub().provision("stays-1");
  const auto brokers = std::pair(broker_of(hub(), "hub/1"), broker_of(hub(), "hub/2"));
  operate(hub(), {"rehearsal", "snapshot", "create", "-n", "before"});
  operate(hub(), {"device", "revoke", "-n", "restored-1", "-y"});
  ASSERT_EQ(seen_at_both(hub(), "restored-1", old), "identifier mismatch");
  const auto renewed = hub().provision("restored-1");
  const auto newcomer = hub().provision("newcomer-1");
  const auto at_first = session_at_broker(hub(), "hub/1", "newcomer-1", newcomer);
  const auto at_second = session_at_broker(hub(), "hub/2", "restored-1", renewed);
  const auto of_stays = session_at_broker(hub(), "hub/2", "stays-1", stays);

  operate(hub(), {"rehearsal", "snapshot", "restore", "-n", "before", "-y"});
  EXPECT_TRUE(at_first->wait_closed()) << "its device is not there any more";
  EXPECT_TRUE(at_second->wait_closed()) << "its identifier is not the device's any more";
  EXPECT_TRUE(of_stays->connected());
  EXPECT_EQ(seen_at_both(hub(), "restored-1", old), kAccepted);
  EXPECT_EQ(seen_at_both(hub(), "restored-1", renewed), "identifier mismatch");
  EXPECT_EQ(seen_at_both(hub(), "newcomer-1", newcomer), "device unknown");
  EXPECT_EQ(std::pair(broker_of(hub(), "hub/1"), broker_of(hub(), "hub/2")), brokers);
}

TEST(BrokersRehearsed, reset_ends_the_sessions_of_each_broker_and_both_serve_the_new_state) {
  Hub hub(two_brokers());
  hub.start();
  const auto a = hub.provision("reset-a");
  const auto b = hub.provision("reset-b");
  const auto at_first = session_at_broker(hub, "hub/1", "reset-a", a);
  const auto at_second = session_at_broker(hub, "hub/2", "reset-b", b);
  operate(hub, {"rehearsal", "reset", "-y"});
  EXPECT_TRUE(at_first->wait_closed());
  EXPECT_TRUE(at_second->wait_closed());
  EXPECT_EQ(seen_at_both(hub, "reset-a", a), kNoTrust);
  EXPECT_EQ(seen_at_both(hub, "reset-a", hub.provision("reset-a")), kAccepted);
}

TEST(BrokersRehearsed, clock_is_not_said_to_be_set_before_a_broker_that_stays_silent_is_ended) {
  Hub hub(two_brokers());
  hub.start();
  const auto a = hub.provision("timed-a");
  const auto here = broker_of(hub, "hub/1");
  const auto there = broker_of(hub, "hub/2");
  ASSERT_TRUE(pause_process(there));
  operate(hub, {"rehearsal", "clock", "advance", "--days", "40"});
  EXPECT_FALSE(alive(there)) << "it would have gone on by the old time";
  EXPECT_TRUE(eventually([&] { return gate_of(hub, "hub/2").value("ready", false); }));
  EXPECT_EQ(seen_at_both(hub, "timed-a", a), "expired");
  EXPECT_EQ(broker_of(hub, "hub/1"), here) << "the other one answered";
}

}  // namespace
}  // namespace latchkey::tests
