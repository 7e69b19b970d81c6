// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/admin.h"

#include <sys/stat.h>

#include "tests/unit/hub/rehearsal/world.h"

namespace latchkey::hub::rehearsal {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(AdminTest, unknown_paths_and_methods_are_refused) {
  EXPECT_EQ(ask("GET", "/rehearsal/nothing").status, 404);
  EXPECT_EQ(ask("GET", "/rehearsal/snapshots/a/b").status, 404);
  EXPECT_EQ(ask("POST", "/rehearsal/clock").status, 405);
  EXPECT_TRUE(is_admin_path("/rehearsal"));
  EXPECT_TRUE(is_admin_path("/rehearsal/clock"));
  EXPECT_FALSE(is_admin_path("/rehearsals"));
}

TEST_F(AdminTest, snapshot_brings_back_rows_and_keys) {
  make_credential("plant", "root.pem");
  ASSERT_EQ(ask("PUT", "/rehearsal/snapshots/before").status, 201);
  ASSERT_TRUE(registry->delete_credential({"tester", kNow}, "plant"));
  std::filesystem::remove(keys() / "root.pem");
  ASSERT_TRUE(registry->create_namespace({"tester", kNow}, "since"));
  EXPECT_EQ(ask("POST", "/rehearsal/snapshots/before/restore").status, 204);
  EXPECT_TRUE(registry->find_credential("plant"));
  EXPECT_FALSE(registry->find_namespace("since"));
  EXPECT_EQ(key("root.pem"), "the key root.pem");
  EXPECT_EQ(taken_over, 1) << "gates have it before the answer";
  EXPECT_FALSE(registry->verify_audit(std::nullopt)->fault);
}

TEST_F(AdminTest, keys_that_nobody_names_after_a_restore_are_destroyed) {
  ASSERT_EQ(ask("PUT", "/rehearsal/snapshots/before").status, 201);
  make_credential("plant", "root.pem");
  ASSERT_EQ(ask("POST", "/rehearsal/snapshots/before/restore").status, 204);
  EXPECT_FALSE(std::filesystem::exists(keys() / "root.pem"));
}

TEST_F(AdminTest, snapshots_are_for_their_owner_alone) {
  make_credential("plant", "root.pem");
  ASSERT_EQ(ask("PUT", "/rehearsal/snapshots/before").status, 201);
  const auto mode = [&](const std::filesystem::path& path) {
    struct stat found {};
    EXPECT_EQ(::stat((folder.path() / "snapshots" / path).c_str(), &found), 0) << path;
    return found.st_mode & 0777;
  };
  EXPECT_EQ(mode(""), 0700u);
  EXPECT_EQ(mode("before"), 0700u);
  EXPECT_EQ(mode("before/registry.db"), 0600u);
  EXPECT_EQ(mode("before/keys"), 0700u);
  EXPECT_EQ(mode("before/keys/root.pem"), 0600u);
}

TEST_F(AdminTest, snapshots_are_listed_once_taken_and_gone_once_deleted) {
  EXPECT_EQ(ask("GET", "/rehearsal/snapshots").body["value"], Json::array());
  ASSERT_EQ(ask("PUT", "/rehearsal/snapshots/b").status, 201);
  ASSERT_EQ(ask("PUT", "/rehearsal/snapshots/a").status, 201);
  EXPECT_EQ(ask("PUT", "/rehearsal/snapshots/a").code(), "ResourceAlreadyExists");
  const auto list = ask("GET", "/rehearsal/snapshots").body["value"];
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["name"], "a");
  EXPECT_EQ(list[0]["atMs"], kNow);
  EXPECT_EQ(ask("DELETE", "/rehearsal/snapshots/a").status, 204);
  EXPECT_EQ(ask("DELETE", "/rehearsal/snapshots/a").status, 404);
  EXPECT_EQ(ask("POST", "/rehearsal/snapshots/a/restore").status, 404);
}

TEST_F(AdminTest, names_that_could_leave_the_folder_are_refused) {
  const std::vector<std::string> names = {"..", ".", "-a", "a%2Fb", "a b", "~", "a~", std::string(65, 'a')};
  for (const auto& name : names) {
    EXPECT_EQ(ask("PUT", "/rehearsal/snapshots/" + name).status, 400) << name;
    EXPECT_EQ(ask("POST", "/rehearsal/snapshots/" + name + "/restore").status, 400) << name;
  }
  EXPECT_EQ(ask("PUT", std::string("/rehearsal/snapshots/") + kBeforeSeed).status, 404) << "ours alone";
  EXPECT_FALSE(valid_snapshot_name(""));
  EXPECT_TRUE(valid_snapshot_name("v1.2_b-3"));
}

TEST_F(AdminTest, state_is_not_replaced_while_an_act_is_under_way) {
  ASSERT_EQ(ask("PUT", "/rehearsal/snapshots/a").status, 201);
  {
    const auto act = acts.begin();
    ASSERT_TRUE(act);
    EXPECT_EQ(ask("GET", "/rehearsal").body["actsUnderWay"], 1);
    for (const auto& [method, path] : {std::pair{"PUT", "/rehearsal/snapshots/b"},
                                       {"DELETE", "/rehearsal/snapshots/a"},
                                       {"POST", "/rehearsal/snapshots/a/restore"},
                                       {"POST", "/rehearsal/reset"},
                                       {"POST", "/rehearsal/seed"}}) {
      const auto refused = ask(method, path, std::string(path) == "/rehearsal/seed" ? "{}" : "");
      EXPECT_EQ(refused.code(), "OperationInProgress") << path;
    }
  }
  const auto whole = acts.whole();
  ASSERT_TRUE(whole);
  EXPECT_FALSE(acts.begin()) << "and no act begins meanwhile";
}

TEST_F(AdminTest, seed_makes_all_of_it) {
  const auto seeded = ask("POST", "/rehearsal/seed", R"({"namespaces": [{"name": "one"}, {"name": "two"}]})");
  EXPECT_EQ(seeded.status, 200);
  EXPECT_EQ(seeded.body["made"], 2);
  EXPECT_TRUE(registry->find_namespace("two"));
  EXPECT_EQ(last_audit().action, "rehearsal.seed");
  EXPECT_EQ(last_audit().outcome, "ok");
  EXPECT_EQ(ask("GET", "/rehearsal/snapshots").body["value"], Json::array());
}

TEST_F(AdminTest, refused_seed_leaves_nothing_and_names_the_pointer_and_the_rule) {
  const auto seeded = ask("POST", "/rehearsal/seed", R"({"namespaces": [{"name": "one"}, {"name": "wrong"}]})");
  EXPECT_EQ(seeded.status, 409);
  EXPECT_EQ(seeded.code(), "ResourceAlreadyExists");
  EXPECT_EQ(seeded.body["error"]["target"], "/namespaces/1");
  EXPECT_THAT(seeded.body["error"]["message"], StartsWith("/namespaces/1: it is there"));
  EXPECT_FALSE(registry->find_namespace("one"));
  EXPECT_EQ(taken_over, 1);
  EXPECT_FALSE(registry->verify_audit(std::nullopt)->fault);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "snapshots" / kBeforeSeed));
}

TEST_F(AdminTest, seed_that_cannot_be_read_begins_nothing) {
  EXPECT_EQ(ask("POST", "/rehearsal/seed", R"({"namespaces": [{"name": "one"}, {}]})").status, 400);
  EXPECT_FALSE(registry->find_namespace("one"));
  EXPECT_EQ(taken_over, 0);
  EXPECT_EQ(last_audit().action, "rehearsal.seed");
  EXPECT_EQ(last_audit().outcome, "malformed request");
}

TEST_F(AdminTest, reset_empties_the_registry_and_destroys_the_keys) {
  make_credential("plant", "root.pem");
  EXPECT_EQ(ask("POST", "/rehearsal/reset", R"({"really": true})").status, 400);
  EXPECT_EQ(ask("POST", "/rehearsal/reset").status, 204);
  EXPECT_FALSE(registry->find_namespace("plant"));
  EXPECT_FALSE(std::filesystem::exists(keys() / "root.pem"));
}

TEST_F(AdminTest, faults_are_set_shown_and_cleared) {
  const std::string document = R"({"rules":[{"match":{"operation":"dps.poll"},"effect":{"kind":"throttled"}}]})";
  EXPECT_EQ(ask("PUT", "/rehearsal/faults", document).body["rules"][0]["struck"], 0);
  EXPECT_EQ(kept_faults, document);
  EXPECT_EQ(last_audit().action, "rehearsal.faults.set");
  const auto refused = ask("PUT", "/rehearsal/faults", R"({"rules":[{}]})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body["error"]["message"], HasSubstr("/rules/0"));
  EXPECT_TRUE(faults.any()) << "the old ones stay";
  EXPECT_EQ(ask("DELETE", "/rehearsal/faults").status, 204);
  EXPECT_EQ(kept_faults, "");
  EXPECT_FALSE(faults.any());
}

TEST_F(AdminTest, clock_moves_and_is_on_record) {
  EXPECT_EQ(ask("POST", "/rehearsal/clock/advance", R"({"seconds": 60})").body["nowMs"], kNow + 60'000);
  EXPECT_EQ(last_audit().action, "rehearsal.clock.advance");
  EXPECT_EQ(ask("PUT", "/rehearsal/clock", R"({"offset": 0})").status, 412);
  EXPECT_EQ(ask("PUT", "/rehearsal/clock", R"({"offset": 0, "backwards": true})").status, 200);
  EXPECT_EQ(ask("GET", "/rehearsal/clock").body["nowMs"], kNow);
}

}  // namespace
}  // namespace latchkey::hub::rehearsal
