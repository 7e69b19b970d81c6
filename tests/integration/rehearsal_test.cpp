// SPDX-License-Identifier: Apache-2.0
// What only a rehearsal can do, on a whole hub: its own API, its clock, seeds, snapshots and beginning anew; and that
// devices and gates find the state that is told.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/rehearsal_world.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

class Rehearsal : public HubTest<Rehearsal> {
 public:
  static Hub::Options options() {
    Hub::Options options;
    options.more = {"--admin-listen", "127.0.0.1:0"};
    return options;
  }

 protected:
  static std::string secret() {
    auto text = read_text(hub().data() / "admin.secret");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  static bool audit_is_whole() { return hub().cli({"audit", "verify"}).exit_status == 0; }
  static void snapshot(const std::string& name) { operate(hub(), {"rehearsal", "snapshot", "create", "-n", name}); }
  static void restore(const std::string& name) {
    operate(hub(), {"rehearsal", "snapshot", "restore", "-n", name, "-y"});
  }
  static Finished seed(const json& document) {
    return hub().cli({"rehearsal", "seed", "--file", document_file(hub(), "seed.json", document)});
  }
};

TEST_F(Rehearsal, admin_listener_hears_those_who_show_the_secret) {
  struct stat found {};
  ASSERT_EQ(::stat((hub().data() / "admin.secret").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(ask_admin(hub(), "GET", "/rehearsal", "", "").status, 401);
  EXPECT_EQ(ask_admin(hub(), "GET", "/rehearsal", "", "Bearer 0000").status, 401);
  const auto all = ask_admin(hub(), "GET", "/rehearsal", "", "Bearer " + secret());
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.body.at("actsUnderWay"), 0);
  EXPECT_EQ(ask_admin(hub(), "GET", "/namespaces", "", "Bearer " + secret()).status, 404) << "it is no management";
}

TEST_F(Rehearsal, certificate_expires_in_moved_time_and_is_good_again_in_time_moved_back) {
  const auto identity = hub().provision("timed-1");
  ASSERT_TRUE(accepted(hub(), "timed-1", identity));
  operate(hub(), {"rehearsal", "clock", "advance", "--days", "40"});
  EXPECT_TRUE(refused(hub(), "timed-1", identity, {"expired", {"validity"}})) << "the gate goes by it already";
  EXPECT_EQ(hub().cli({"rehearsal", "clock", "advance", "--days", "-40"}).exit_status, 4);
  operate(hub(), {"rehearsal", "clock", "advance", "--days", "-40", "--backwards"});
  EXPECT_TRUE(accepted(hub(), "timed-1", identity));
}

TEST_F(Rehearsal, restore_gives_back_trust_that_was_taken_since_and_cuts_those_who_came_since) {
  const auto old = hub().provision("restored-1");
  snapshot("before");
  operate(hub(), {"device", "revoke", "-n", "restored-1", "-y"});
  ASSERT_TRUE(refused(hub(), "restored-1", old, kIdentifierMismatch));
  const auto renewed = hub().provision("restored-1");
  const auto newcomer = hub().provision("newcomer-1");
  const auto session = open_session(hub(), "newcomer-1", newcomer);
  const auto of_renewed = open_session(hub(), "restored-1", renewed);

  restore("before");
  EXPECT_TRUE(session->wait_closed()) << "its device is not there any more";
  EXPECT_TRUE(of_renewed->wait_closed()) << "its identifier is not the device's any more";
  EXPECT_TRUE(accepted(hub(), "restored-1", old));
  EXPECT_TRUE(refused(hub(), "restored-1", renewed, kIdentifierMismatch));
  EXPECT_TRUE(refused(hub(), "newcomer-1", newcomer, kDeviceUnknown));
  EXPECT_TRUE(audit_is_whole());
  EXPECT_NO_THROW(hub().provision("newcomer-1")) << "who comes again is served again";
  operate(hub(), {"rehearsal", "snapshot", "delete", "-n", "before", "-y"});
}

TEST_F(Rehearsal, restore_brings_back_a_policy_that_was_revoked_or_deleted_with_its_key) {
  Cohort cohort(hub(), "restored");
  const auto a = cohort.device("a");
  const auto old_a = cohort.provision(a);
  snapshot("policies");
  cohort.revoke_policy();
  ASSERT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
  restore("policies");
  EXPECT_TRUE(accepted(hub(), a, old_a));
  cohort.delete_policy();
  restore("policies");
  const auto new_a = cohort.provision(a);
  EXPECT_TRUE(accepted(hub(), a, new_a)) << "its issuing CA signs again";
  EXPECT_EQ(cohort.subject(), policy_subject(hub(), "restored"));
  operate(hub(), {"rehearsal", "snapshot", "delete", "-n", "policies", "-y"});
}

TEST_F(Rehearsal, restored_state_survives_a_restart) {
  const auto identity = hub().provision("kept-1");
  snapshot("restart");
  operate(hub(), {"device", "delete", "-n", "kept-1", "-y"});
  restore("restart");
  hub().stop();
  hub().start();
  EXPECT_TRUE(accepted(hub(), "kept-1", identity));
  EXPECT_TRUE(audit_is_whole());
}

TEST_F(Rehearsal, state_is_not_replaced_while_an_act_is_under_way) {
  set_faults(hub(), {fault({{"operation", "store.commit"}, {"action", "device.create"}},
                           {{"kind", "slow"}, {"milliseconds", 10000}})});
  std::jthread act([] { (void)ask_owner_socket(hub(), "PUT", "/namespaces/default/devices/under-way"); });
  ASSERT_TRUE(eventually([] { return ask_owner_socket(hub(), "GET", "/rehearsal").body.at("actsUnderWay") == 1; }));
  const auto refused = ask_owner_socket(hub(), "PUT", "/rehearsal/snapshots/never");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.body.at("error").at("code"), "OperationInProgress");
  act.join();
  clear_faults(hub());
}

TEST_F(Rehearsal, seeded_fleet_provisions_and_connects) {
  const std::string key = "AAECAwQFBgcICQoLDA0ODw==";
  const json document = {
      {"namespaces",
       {{{"name", "default"},
         {"policies", {{{"name", "seeded"}, {"validityDays", 10}}}},
         {"devices", {{{"id", "seeded-off"}, {"enabled", false}}}}}}},
      {"enrollments",
       {{{"id", "seeded"}, {"group", true}, {"policy", "seeded"}, {"symmetricKey", {{"primaryKey", key}}}}}},
      {"roles",
       {{{"name", "Seeded revoker"}, {"actions", {"Microsoft.DeviceRegistry/namespaces/devices/revoke/action"}}}}},
      {"tokens",
       {{{"name", "seeded"}, {"assignments", {{{"role", "Seeded revoker"}, {"scope", "/namespaces/default"}}}}}}}};
  const auto seeded = seed(document);
  ASSERT_EQ(seeded.exit_status, 0) << seeded.err;
  EXPECT_EQ(json::parse(seeded.out).at("tokens").at(0).at("name"), "seeded");
  const auto identity = hub().provision("seeded-1", key);
  EXPECT_TRUE(accepted(hub(), "seeded-1", identity));
  EXPECT_EQ(hub().json({"device", "show", "-n", "seeded-off"}).at("properties").at("enabled"), false);
}

TEST_F(Rehearsal, refused_seed_leaves_nothing_and_sessions_stand) {
  const auto identity = hub().provision("standing-1");
  const auto session = open_session(hub(), "standing-1", identity);
  const json document = {{"namespaces",
                          {{{"name", "default"},
                            {"policies", {{{"name", "unseeded"}}, {{"name", "default"}}}},
                            {"devices", {{{"id", "unseeded-1"}}}}}}}};
  const auto refused = seed(document);
  EXPECT_EQ(refused.exit_status, 4);
  EXPECT_NE(refused.err.find("/namespaces/0/policies/1"), std::string::npos) << refused.err;
  EXPECT_NE(hub().cli({"policy", "show", "-n", "unseeded"}).exit_status, 0);
  EXPECT_TRUE(session->connected()) << "nothing was taken from it";
  EXPECT_TRUE(accepted(hub(), "standing-1", identity)) << "what was there is there";
  EXPECT_TRUE(audit_is_whole());
}

TEST_F(Rehearsal, refused_seed_takes_its_hubs_down_again) {
  const auto refused = seed({{"namespaces", {{{"name", "brief"}}}},
                             {"hubs", {{{"name", "brief"}, {"namespace", "brief"}}}},
                             {"enrollments", {{{"id", "brief"}, {"policy", "there-is-none"}}}}});
  EXPECT_NE(refused.exit_status, 0);
  EXPECT_NE(refused.err.find("/enrollments/0"), std::string::npos) << refused.err;
  EXPECT_EQ(hub().cli({"hub", "show", "-n", "brief"}).exit_status, 3);
  EXPECT_EQ(hub().cli({"namespace", "show", "-n", "brief"}).exit_status, 3);
}

// Its own hub: nothing is left of the others'.
class BegunAnew : public HubTest<BegunAnew> {};

TEST_F(BegunAnew, reset_is_a_fresh_data_folder_to_devices_and_operators) {
  const auto old = hub().provision("reset-1");
  const auto session = open_session(hub(), "reset-1", old);
  const auto subject = policy_subject(hub(), "default");
  const auto key = hub().group_key();
  const auto head = hub().json({"audit", "head"});
  EXPECT_EQ(hub().cli({"rehearsal", "reset"}).exit_status, 2) << "nobody said yes";
  operate(hub(), {"rehearsal", "reset", "-y"});
  EXPECT_TRUE(session->wait_closed());
  EXPECT_NE(policy_subject(hub(), "default"), subject);
  EXPECT_NE(hub().group_key(), key) << "the file tells the new one";
  EXPECT_TRUE(refused(hub(), "reset-1", old, {"issuer not trusted", {"issuer", "device"}}));
  const auto fresh = hub().provision("reset-1");
  EXPECT_TRUE(accepted(hub(), "reset-1", fresh));
  EXPECT_EQ(hub().cli({"audit", "verify", "--head", head.at("head")}).exit_status, 0) << "the audit goes on";
  hub().stop();
  hub().start();
  EXPECT_TRUE(accepted(hub(), "reset-1", fresh));
}

TEST(RehearsalRefused, nothing_of_it_is_there_in_a_folder_that_was_made_without) {
  Hub::Options options;
  options.rehearsal = false;
  Hub hub(options);
  hub.start();
  for (const std::vector<std::string>& command : {std::vector<std::string>{"rehearsal", "clock", "show"},
                                                  {"rehearsal", "clock", "advance", "--days", "1"},
                                                  {"rehearsal", "reset", "-y"},
                                                  {"rehearsal", "snapshot", "create", "-n", "a"},
                                                  {"rehearsal", "faults", "clear"}}) {
    const auto refused = hub.cli(command);
    EXPECT_EQ(refused.exit_status, 4) << command[1];
    EXPECT_NE(refused.err.find("without --rehearsal"), std::string::npos) << refused.err;
  }
  hub.stop();
  Hub::Options listening;
  listening.rehearsal = false;
  listening.data = hub.data();
  listening.more = {"--admin-listen", "127.0.0.1:0"};
  Hub other(listening);
  EXPECT_THROW(other.start(), std::runtime_error);
}

}  // namespace
}  // namespace latchkey::tests
