// SPDX-License-Identifier: Apache-2.0
// Several hubs of one process: each with its broker and its list of CA certificates, one registry behind them all.
#include <filesystem>

#include "tests/integration/several_hubs.h"
#include "tests/integration/up_world.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

json registration_of(const json& answer) { return answer.at("body").at("registrationState"); }

class SeveralHubs : public HubTest<SeveralHubs> {
 public:
  static void SetUpTestSuite() {
    HubTest::SetUpTestSuite();
    operate(hub(), {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  }

 protected:
  static std::size_t count_hubs() { return rows(hub().json({"hub", "list"})).size(); }
};

TEST_F(SeveralHubs, created_hub_serves_devices_at_once_and_decisions_name_it) {
  Cohort cohort(hub(), "serves");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  EXPECT_EQ(seen_at(hub(), kEast, a, identity), "accepted");
  EXPECT_EQ(seen_at(hub(), kHubName, a, identity), "accepted");
  const auto gate = gate_of(hub(), kEast);
  EXPECT_TRUE(gate.value("ready", false)) << gate;
  EXPECT_EQ(gate.value("address", ""), address_of(hub(), kEast));
  EXPECT_NE(broker_of(hub(), kEast), broker_of(hub(), kHubName));
  const auto endpoints = json::parse(read_text(hub().data() / "endpoints.json"));
  EXPECT_EQ(endpoints.at("hubs").at(kEast), address_of(hub(), kEast));
}

// Rows: R-7-11, R-7-21
TEST_F(SeveralHubs, device_revoke_bites_on_all_linked_hubs) {
  Cohort cohort(hub(), "bites");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto of_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto a_here = session_at(hub(), kHubName, a, of_a);
  const auto a_there = session_at(hub(), kEast, a, of_a);
  const auto b_there = session_at(hub(), kEast, b, of_b);
  operate(hub(), {"device", "revoke", "-n", a, "-y"});
  EXPECT_TRUE(a_here->wait_closed());
  EXPECT_TRUE(a_there->wait_closed());
  EXPECT_TRUE(b_there->connected());
  EXPECT_EQ(seen_at(hub(), kHubName, a, of_a), "identifier mismatch");
  EXPECT_EQ(seen_at(hub(), kEast, a, of_a), "identifier mismatch");
  const auto fresh = cohort.provision(a);
  EXPECT_EQ(seen_at(hub(), kHubName, a, fresh), "accepted");
  EXPECT_EQ(seen_at(hub(), kEast, a, fresh), "accepted");
}

TEST_F(SeveralHubs, desired_properties_are_told_to_every_session_of_a_device_in_one_order) {
  Cohort cohort(hub(), "desired");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  const auto here = session_at(hub(), kHubName, a, identity);
  const auto there = session_at(hub(), kEast, a, identity);
  for (auto* session : {here.get(), there.get()}) {
    ASSERT_EQ(session->subscribe("$iothub/twin/PATCH/properties/desired/#"), 1);
    ASSERT_EQ(session->subscribe("$iothub/twin/res/#"), 1);
    // Its answer is the proof that this hub knows of the session.
    session->publish("$iothub/twin/GET/?$rid=1", "");
    ASSERT_TRUE(session->wait_message(
        [](const Message& message) { return message.topic.find("/res/200/") != message.topic.npos; }));
  }
  for (int rate = 1; rate <= 5; ++rate) {
    operate(hub(), {"device", "twin", "update", "-n", a, "--desired", "{\"rate\": " + std::to_string(rate) + "}"});
  }
  for (auto* session : {here.get(), there.get()}) {
    for (int rate = 1; rate <= 5; ++rate) {
      const auto told = session->wait_message([](const Message&) { return true; });
      ASSERT_TRUE(told) << (session == here.get() ? kHubName : kEast) << " " << rate;
      EXPECT_EQ(json::parse(told->payload), (json{{"rate", rate}, {"$version", rate + 1}}));
    }
  }
}

// Rows: R-7-39
TEST_F(SeveralHubs, disabled_device_is_refused_at_all_linked_hubs) {
  Cohort cohort(hub(), "disabled");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  operate(hub(), {"device", "update", "-n", a, "--enabled", "false"});
  EXPECT_EQ(seen_at(hub(), kHubName, a, identity), "device disabled");
  EXPECT_EQ(seen_at(hub(), kEast, a, identity), "device disabled");
}

// Rows: R-1-09, R-7-24, R-13-06
TEST_F(SeveralHubs, policy_revoke_bites_on_all_linked_hubs_and_the_new_ca_is_trusted_by_all) {
  Cohort cohort(hub(), "rotates");
  const auto a = cohort.device("a");
  const auto old = cohort.provision(a);
  const auto there = session_at(hub(), kEast, a, old);
  cohort.revoke_policy();
  EXPECT_TRUE(there->wait_closed());
  EXPECT_EQ(seen_at(hub(), kEast, a, old), "issuer not trusted");
  const auto fresh = cohort.provision(a);
  EXPECT_EQ(seen_at(hub(), kHubName, a, fresh), "accepted");
  EXPECT_EQ(seen_at(hub(), kEast, a, fresh), "accepted");
}

// Rows: R-7-14
TEST_F(SeveralHubs, ca_certificate_that_is_deleted_at_one_hub_is_deleted_there_only) {
  Cohort cohort(hub(), "one-hub");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  const auto here = session_at(hub(), kHubName, a, identity);
  const auto there = session_at(hub(), kEast, a, identity);
  const auto names = certificates_at(hub(), kEast, cohort.subject());
  ASSERT_EQ(names.size(), 1u);
  operate(hub(), {"hub", "certificate", "delete", "--hub", kEast, "-n", names.front(), "-y"});
  EXPECT_TRUE(there->wait_closed());
  EXPECT_EQ(seen_at(hub(), kEast, a, identity), "issuer not trusted");
  EXPECT_TRUE(certificates_at(hub(), kEast, cohort.subject()).empty());
  EXPECT_TRUE(here->connected());
  EXPECT_EQ(certificates_at(hub(), kHubName, cohort.subject()).size(), 1u);
  EXPECT_EQ(seen_at(hub(), kHubName, a, identity), "accepted");
  operate(hub(), {"credential", "sync"});
  EXPECT_EQ(seen_at(hub(), kEast, a, identity), "accepted");
}

// Rows: R-10-14, R-10-15, R-10-17
TEST_F(SeveralHubs, dps_assigns_by_the_enrollment_and_tells_what_became_of_the_device) {
  Cohort cohort(hub(), "assigned");
  const auto a = cohort.device("a");
  operate(hub(),
          {"enrollment", "update", "--id", cohort.name(), "--group", "--allocation", "static", "--iot-hub", kEast});
  auto state = registration_of(hub().try_provision(a, cohort.token(a), make_key()));
  EXPECT_EQ(state.at("assignedHub"), address_of(hub(), kEast));
  EXPECT_EQ(state.at("substatus"), "initialAssignment");
  operate(hub(), {"enrollment", "update", "--id", cohort.name(), "--group", "--iot-hub", kHubName});
  state = registration_of(hub().try_provision(a, cohort.token(a), make_key()));
  EXPECT_EQ(state.at("assignedHub"), address_of(hub(), kHubName));
  EXPECT_EQ(state.at("substatus"), "deviceDataMigrated");
  operate(hub(),
          {"enrollment", "update", "--id", cohort.name(), "--group", "--iot-hub", kEast, "--reprovision", "never"});
  state = registration_of(hub().try_provision(a, cohort.token(a), make_key()));
  EXPECT_EQ(state.at("assignedHub"), address_of(hub(), kHubName));
  EXPECT_EQ(state.at("substatus"), "reprovisionedToInitialAssignment");
}

TEST_F(SeveralHubs, session_at_the_hub_before_ends_when_its_device_is_assigned_elsewhere) {
  Cohort cohort(hub(), "leaves-for");
  const auto a = cohort.device("a");
  const auto assign = [&](const std::string& name) {
    operate(hub(),
            {"enrollment", "update", "--id", cohort.name(), "--group", "--allocation", "static", "--iot-hub", name});
    return cohort.provision(a);
  };
  const auto identity = assign(kHubName);
  const auto here = session_at(hub(), kHubName, a, identity);
  const auto there = session_at(hub(), kEast, a, identity);
  const auto same = assign(kHubName);
  EXPECT_TRUE(here->connected());
  EXPECT_TRUE(there->connected()) << "it was not assigned elsewhere, and may be where it likes";
  const auto moved = assign(kEast);
  EXPECT_TRUE(here->wait_closed());
  EXPECT_TRUE(there->connected());
  EXPECT_EQ(seen_at(hub(), kEast, a, moved), "accepted");
  // Its identity is the namespace's: it is not refused where it was.
  EXPECT_EQ(seen_at(hub(), kHubName, a, moved), "accepted");
}

TEST_F(SeveralHubs, refused_creations_leave_no_hub_behind) {
  const auto before = count_hubs();
  const auto refused = [](std::vector<std::string> options, int exit_status) {
    options.insert(options.begin(), {"hub", "create"});
    const auto finished = hub().cli(options);
    EXPECT_EQ(finished.exit_status, exit_status) << finished.out << finished.err;
    EXPECT_FALSE(finished.err.empty());
  };
  refused({"-n", "dps", "--listen", "127.0.0.3:0"}, 2);
  refused({"-n", "EAST", "--listen", "127.0.0.3:0"}, 4);
  refused({"-n", "a_b", "--listen", "127.0.0.3:0"}, 2);
  refused({"-n", "west", "--listen", "nowhere"}, 2);
  refused({"-n", "west", "--listen", address_of(hub(), kEast)}, 2);
  refused({"-n", "west", "--listen", "127.0.0.3:0", "--namespace", "nowhere"}, 3);
  const Listener taken("127.0.0.3");
  ASSERT_TRUE(taken.listening());
  refused({"-n", "west", "--listen", "127.0.0.3:" + std::to_string(taken.port())}, 2);
  EXPECT_EQ(count_hubs(), before);
  EXPECT_EQ(hub().cli({"hub", "delete", "-n", kHubName, "-y"}).exit_status, 4) << "every start brings it up";
  EXPECT_EQ(hub().cli({"hub", "delete", "-n", "west", "-y"}).exit_status, 3);
}

TEST_F(SeveralHubs, deleted_hub_ends_its_broker_and_sessions_and_keeps_no_file) {
  const std::set<std::filesystem::path> before = [] {
    std::set<std::filesystem::path> files;
    for (const auto& one : std::filesystem::directory_iterator(hub().data() / "brokers")) files.insert(one.path());
    return files;
  }();
  operate(hub(), {"hub", "create", "-n", "short-lived", "--listen", "127.0.0.4:0"});
  const auto broker = broker_of(hub(), "short-lived");
  ASSERT_TRUE(alive(broker));
  Cohort cohort(hub(), "leaves");
  operate(hub(), {"enrollment", "update", "--id", cohort.name(), "--group", "--allocation", "static", "--iot-hub",
                  "short-lived"});
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  const auto session = session_at(hub(), "short-lived", a, identity);
  const auto refused = hub().cli({"hub", "delete", "-n", "short-lived", "-y"});
  EXPECT_EQ(refused.exit_status, 4);
  EXPECT_NE(refused.err.find(a), std::string::npos) << refused.err;
  EXPECT_TRUE(session->connected());

  operate(hub(), {"hub", "delete", "-n", "short-lived", "--override", "short-lived", "-y"});
  EXPECT_FALSE(alive(broker));
  EXPECT_TRUE(session->wait_closed());
  EXPECT_EQ(gate_of(hub(), "short-lived"), json::object());
  for (const auto& one : std::filesystem::directory_iterator(hub().data() / "brokers")) {
    EXPECT_EQ(before.count(one.path()), 1u) << one.path();
  }
  EXPECT_EQ(json::parse(read_text(hub().data() / "endpoints.json")).at("hubs").count("short-lived"), 0u);
  // Acts go on, and the device is assigned anew.
  operate(hub(), {"device", "revoke", "-n", a, "-y"});
  EXPECT_TRUE(answers(cohort.try_provision(a), "failed", 400208)) << "its one hub is gone";
  operate(hub(), {"enrollment", "update", "--id", cohort.name(), "--group", "--allocation", "hashed", "--any-hub"});
  EXPECT_TRUE(answers(cohort.try_provision(a), "assigned"));
}

TEST(SeveralHubsLives, hubs_come_back_at_their_addresses_and_are_adopted_after_a_crash) {
  Hub hub;
  hub.start();
  operate(hub, {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  const auto address = address_of(hub, kEast);
  Cohort cohort(hub, "lives");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  hub.stop();
  hub.start();
  EXPECT_EQ(address_of(hub, kEast), address);
  EXPECT_EQ(seen_at(hub, kEast, a, identity), "accepted");

  const auto session = session_at(hub, kEast, a, identity);
  const auto broker = broker_of(hub, kEast);
  hub.kill();
  EXPECT_TRUE(alive(broker));
  hub.start();
  EXPECT_EQ(broker_of(hub, kEast), broker);
  EXPECT_TRUE(session->connected());
  operate(hub, {"device", "revoke", "-n", a, "-y"});
  EXPECT_TRUE(session->wait_closed());
  EXPECT_EQ(seen_at(hub, kEast, a, identity), "identifier mismatch");
}

TEST(SeveralHubsLives, silent_broker_of_one_hub_is_fenced_alone) {
  Hub hub;
  hub.start();
  operate(hub, {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  Cohort cohort(hub, "fenced");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  const auto here = broker_of(hub, kHubName);
  const auto there = broker_of(hub, kEast);
  ASSERT_TRUE(pause_process(there));
  operate(hub, {"device", "revoke", "-n", a, "-y"});
  EXPECT_FALSE(alive(there));
  EXPECT_TRUE(eventually([&] { return gate_of(hub, kEast).value("ready", false); }));
  EXPECT_NE(broker_of(hub, kEast), there);
  EXPECT_EQ(broker_of(hub, kHubName), here);
  EXPECT_EQ(seen_at(hub, kEast, a, identity), "identifier mismatch");
}

TEST(SeveralHubsLives, hub_whose_address_is_taken_keeps_nobody_else_down_and_can_be_deleted) {
  Hub hub;
  hub.start();
  operate(hub, {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  const auto address = address_of(hub, kEast);
  hub.stop();
  const Listener squatter("127.0.0.3", std::stoi(address.substr(address.rfind(':') + 1)));
  ASSERT_TRUE(squatter.listening());
  hub.start();
  EXPECT_FALSE(gate_of(hub, kEast).value("ready", true));
  EXPECT_NE(read_text(hub.log_file()).find("hub 'east' is not served"), std::string::npos);
  Cohort cohort(hub, "goes-on");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  operate(hub, {"device", "revoke", "-n", a, "-y"});
  operate(hub, {"hub", "delete", "-n", kEast, "--override", kEast, "-y"});
  EXPECT_EQ(gate_of(hub, kEast), json::object());
}

// The row is gone and the broker is not: what a crash in the middle of a deletion leaves.
TEST(SeveralHubsLives, broker_of_a_hub_that_is_gone_is_ended_at_the_next_start) {
  const std::string sqlite = LATCHKEY_SQLITE;
  ASSERT_TRUE(std::filesystem::exists(sqlite)) << "the package sqlite3 is needed";
  Hub hub;
  hub.start();
  operate(hub, {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  const auto broker = broker_of(hub, kEast);
  hub.kill();
  const auto edited = run({sqlite, (hub.data() / "registry.db").string(),
                           "DELETE FROM hub_certificates WHERE hub = (SELECT uuid FROM hubs WHERE name = 'east');"
                           "DELETE FROM hubs WHERE name = 'east';"});
  ASSERT_EQ(edited.exit_status, 0) << edited.err;
  EXPECT_TRUE(alive(broker));
  hub.start();
  EXPECT_TRUE(eventually([&] { return !alive(broker); }));
  EXPECT_EQ(gate_of(hub, kEast), json::object());
  for (const auto& one : std::filesystem::directory_iterator(hub.data() / "brokers")) {
    EXPECT_NE(one.path().filename().string().rfind("hub-", 0), 0u) << one.path();
  }
}

}  // namespace
}  // namespace latchkey::tests
