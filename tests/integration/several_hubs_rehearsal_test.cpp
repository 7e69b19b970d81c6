// SPDX-License-Identifier: Apache-2.0
// Several hubs in a rehearsal: one that is brought up to date later than the other, and how both follow the clock and
// the state as a whole.
#include "tests/integration/rehearsal_world.h"
#include "tests/integration/several_hubs.h"
#include "tests/integration/up_world.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

constexpr const char* kTrusted = "accepted";
constexpr const char* kNotTrusted = "issuer not trusted";
constexpr const char* kOutdated = "identifier mismatch";

// A certificate of a device, and what either hub is to say to it.
struct Cell {
  std::string device;
  const Identity& identity;
  const char* here;
  const char* there;
};

class LateSync : public HubTest<LateSync> {
 public:
  static void SetUpTestSuite() {
    HubTest::SetUpTestSuite();
    operate(hub(), {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  }

 protected:
  void TearDown() override { clear_faults(hub()); }

  // From now on, and until the faults are cleared, the second hub hears of no change of that policy's CA.
  static void hold_sync_of_east(const std::string& policy, const json& more = json::object()) {
    json late = {{"kind", "late"}};
    late.update(more);
    set_faults(hub(), {fault({{"operation", "hub.sync"}, {"hub", kEast}, {"policy", policy}}, late)});
  }
  // A row of the acceptance table, every cell by a connection.
  static void expect_row(const std::string& when, const std::vector<Cell>& cells) {
    for (const auto& cell : cells) {
      const auto number = std::to_string(&cell - cells.data());
      EXPECT_EQ(seen_at(hub(), kHubName, cell.device, cell.identity), cell.here) << when << ", cell " << number;
      EXPECT_EQ(seen_at(hub(), kEast, cell.device, cell.identity), cell.there) << when << ", cell " << number;
    }
  }
  static void wait_until_east_has(const std::string& subject) {
    EXPECT_TRUE(eventually([&] { return certificates_at(hub(), kEast, subject).size() == 1; })) << "it comes by itself";
  }
};

// The table's row "P revoked, sync not yet done (fault)" at one hub, "P revoked" at the other, at the same time.
// Rows: R-7-25, R-13-06
TEST_F(LateSync, hub_that_is_late_trusts_neither_ca_while_the_other_trusts_the_new_one) {
  Cohort cohort(hub(), "late-removed");
  Cohort neighbours(hub(), "late-not");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto other = neighbours.device("a");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto of_other = neighbours.provision(other);
  expect_row("before", {{a, old_a, kTrusted, kTrusted}, {b, of_b, kTrusted, kTrusted}});
  const auto session_there = session_at(hub(), kEast, b, of_b);
  const auto neighbour = neighbours.device("b");
  const auto neighbour_there = session_at(hub(), kEast, neighbour, neighbours.provision(neighbour));

  hold_sync_of_east("late-removed");
  cohort.revoke_policy();
  EXPECT_TRUE(session_there->wait_closed()) << "its CA is off that hub already";
  const auto new_a = cohort.provision(a);
  expect_row("while it is late", {{a, old_a, kNotTrusted, kNotTrusted},
                                  {a, new_a, kTrusted, kNotTrusted},
                                  {b, of_b, kNotTrusted, kNotTrusted},
                                  {other, of_other, kTrusted, kTrusted}});
  EXPECT_TRUE(neighbour_there->connected());
  EXPECT_TRUE(certificates_at(hub(), kEast, cohort.subject()).empty());
  operate(hub(), {"credential", "sync"});
  EXPECT_TRUE(certificates_at(hub(), kEast, cohort.subject()).empty()) << "late, whoever asks";

  clear_faults(hub());
  wait_until_east_has(cohort.subject());
  EXPECT_TRUE(eventually([&] { return seen_at(hub(), kEast, a, new_a) == kTrusted; }));
  const auto new_b = cohort.provision(b);
  expect_row("after it", {{a, old_a, kNotTrusted, kNotTrusted},
                          {a, new_a, kTrusted, kTrusted},
                          {b, of_b, kNotTrusted, kNotTrusted},
                          {b, new_b, kTrusted, kTrusted},
                          {other, of_other, kTrusted, kTrusted}});
}

// Rows: R-7-25, R-13-06
TEST_F(LateSync, hub_that_has_not_heard_of_a_revoke_trusts_the_old_ca_until_it_does) {
  Cohort cohort(hub(), "late-kept");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto c = cohort.device("c");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto of_c = cohort.provision(c);
  const auto d = cohort.device("d");
  const auto of_d = cohort.provision(d);
  const auto old_subject = cohort.subject();

  hold_sync_of_east("late-kept", {{"old", "kept"}});
  cohort.revoke_policy();
  const auto new_a = cohort.provision(a);
  const auto session_there = session_at(hub(), kEast, d, of_d);
  expect_row("while it is late",
             {{a, old_a, kNotTrusted, kTrusted}, {a, new_a, kTrusted, kNotTrusted}, {b, of_b, kNotTrusted, kTrusted}});
  EXPECT_EQ(certificates_at(hub(), kEast, old_subject).size(), 1u);
  // What a device is, both hubs know at once.
  operate(hub(), {"device", "revoke", "-n", c, "-y"});
  EXPECT_EQ(seen_at(hub(), kEast, c, of_c), kOutdated);
  EXPECT_TRUE(session_there->connected());

  clear_faults(hub());
  wait_until_east_has(cohort.subject());
  EXPECT_TRUE(session_there->wait_closed()) << "now its CA goes";
  EXPECT_TRUE(eventually([&] { return seen_at(hub(), kEast, a, new_a) == kTrusted; }));
  const auto new_b = cohort.provision(b);
  expect_row("after it", {{a, old_a, kNotTrusted, kNotTrusted},
                          {a, new_a, kTrusted, kTrusted},
                          {b, of_b, kNotTrusted, kNotTrusted},
                          {b, new_b, kTrusted, kTrusted}});
  EXPECT_TRUE(certificates_at(hub(), kEast, old_subject).empty());
}

TEST(SeveralHubsRehearsed, clock_is_not_said_to_be_set_before_a_gate_that_stays_silent_is_ended) {
  Hub hub;
  hub.start();
  operate(hub, {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  Cohort cohort(hub, "timed");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  ASSERT_EQ(seen_at(hub, kEast, a, identity), "accepted");
  const auto here = broker_of(hub, kHubName);
  const auto there = broker_of(hub, kEast);
  ASSERT_TRUE(pause_process(there));
  operate(hub, {"rehearsal", "clock", "advance", "--days", "40"});
  EXPECT_FALSE(alive(there)) << "it would have gone on by the old time";
  EXPECT_TRUE(eventually([&] { return gate_of(hub, kEast).value("ready", false); }));
  EXPECT_EQ(seen_at(hub, kEast, a, identity), "expired");
  EXPECT_EQ(seen_at(hub, kHubName, a, identity), "expired");
  EXPECT_EQ(broker_of(hub, kHubName), here);
}

TEST(SeveralHubsRehearsed, restore_serves_the_hubs_of_then_and_ends_those_that_came_since) {
  Hub hub;
  hub.start();
  operate(hub, {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  Cohort cohort(hub, "restored");
  const auto a = cohort.device("a");
  const auto identity = cohort.provision(a);
  const auto address = address_of(hub, kEast);
  const auto first_broker = broker_of(hub, kHubName);
  operate(hub, {"rehearsal", "snapshot", "create", "-n", "two-hubs"});

  operate(hub, {"hub", "delete", "-n", kEast, "--override", kEast, "-y"});
  operate(hub, {"hub", "create", "-n", "west", "--listen", "127.0.0.4:0"});
  const auto west_broker = broker_of(hub, "west");
  const auto at_west = session_at(hub, "west", a, identity);
  const auto at_first = session_at(hub, kHubName, a, identity);
  operate(hub, {"rehearsal", "snapshot", "restore", "-n", "two-hubs", "-y"});
  EXPECT_FALSE(alive(west_broker));
  EXPECT_TRUE(at_west->wait_closed());
  EXPECT_EQ(hub.cli({"hub", "show", "-n", "west"}).exit_status, 3);
  EXPECT_EQ(gate_of(hub, "west"), json::object());
  EXPECT_EQ(address_of(hub, kEast), address);
  EXPECT_TRUE(gate_of(hub, kEast).value("ready", false));
  EXPECT_EQ(seen_at(hub, kEast, a, identity), "accepted");
  EXPECT_EQ(broker_of(hub, kHubName), first_broker);
  EXPECT_TRUE(at_first->connected()) << "nothing happened to its hub";

  // One of that name that was made since is another hub: it goes, and that of then comes.
  operate(hub, {"hub", "delete", "-n", kEast, "--override", kEast, "-y"});
  operate(hub, {"hub", "create", "-n", kEast, "--listen", "127.0.0.5:0"});
  const auto second_east = broker_of(hub, kEast);
  operate(hub, {"rehearsal", "snapshot", "restore", "-n", "two-hubs", "-y"});
  EXPECT_FALSE(alive(second_east));
  EXPECT_EQ(address_of(hub, kEast), address);
  EXPECT_EQ(seen_at(hub, kEast, a, identity), "accepted");
  hub.stop();
  hub.start();
  EXPECT_EQ(seen_at(hub, kEast, a, identity), "accepted") << "and at the next start";
}

TEST(SeveralHubsRehearsed, restored_hub_whose_address_is_taken_keeps_nobody_else_down) {
  Hub hub;
  hub.start();
  operate(hub, {"hub", "create", "-n", kEast, "--listen", kEastAddress});
  const auto address = address_of(hub, kEast);
  operate(hub, {"rehearsal", "snapshot", "create", "-n", "two-hubs"});
  operate(hub, {"hub", "delete", "-n", kEast, "-y"});
  const Listener squatter("127.0.0.3", std::stoi(address.substr(address.rfind(':') + 1)));
  ASSERT_TRUE(squatter.listening());
  operate(hub, {"rehearsal", "snapshot", "restore", "-n", "two-hubs", "-y"});
  EXPECT_FALSE(gate_of(hub, kEast).value("ready", true));
  EXPECT_NE(read_text(hub.log_file()).find("hub 'east' is not served"), std::string::npos);
  Cohort cohort(hub, "goes-on");
  const auto a = cohort.device("a");
  EXPECT_EQ(seen_at(hub, kHubName, a, cohort.provision(a)), "accepted");
  operate(hub, {"hub", "delete", "-n", kEast, "--override", kEast, "-y"});
}

}  // namespace
}  // namespace latchkey::tests
