// SPDX-License-Identifier: Apache-2.0
// `latchkey role` over a real server, the real management room and a real registry.
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "tests/unit/hub/cli/support.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class RoleVerbs : public CommandLineTest<RolesTest> {
 protected:
  void SetUp() override { ASSERT_EQ(put("/namespaces/default").status, 201); }
  // '_' inside a word of the line stands for a space in it, but in paths.
  int run(const std::string& line) {
    Words words = words_of(line);
    for (auto& word : words) {
      if (word[0] != '/') std::replace(word.begin(), word.end(), '_', ' ');
    }
    return CommandLineTest::run(words);
  }
  std::string file() { return folder.file("token"); }
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(RoleVerbs, token_goes_to_a_file_for_its_owner_alone) {
  ASSERT_EQ(run("role token create -n ci --expires 12h --out " + file()), 0) << err;
  EXPECT_THAT(read(file()), MatchesRegex("lk1_[A-Za-z0-9_-]{43}\n"));
  struct stat info {};
  ASSERT_EQ(stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_THAT(out + err, Not(HasSubstr("lk1_")));
  auto token = read(file());
  token.pop_back();
  EXPECT_TRUE(Authenticator(*registry, clock).authenticate("Bearer " + token, ""));
}

TEST_F(RoleVerbs, token_is_shown_once_when_no_file_is_named) {
  ASSERT_EQ(run("role token create -n ci"), 0) << err;
  EXPECT_THAT(out, MatchesRegex("lk1_[A-Za-z0-9_-]{43}\n"));
  EXPECT_THAT(err, HasSubstr("shown once"));
  ASSERT_EQ(run("role token list"), 0);
  EXPECT_THAT(out, HasSubstr("ci"));
  EXPECT_THAT(out, Not(HasSubstr("lk1_")));
  ASSERT_EQ(run("-o json role token show -n ci"), 0);
  EXPECT_THAT(out, Not(HasSubstr("lk1_")));
}

TEST_F(RoleVerbs, refused_token_leaves_no_file_and_an_old_file_is_not_written_over) {
  ASSERT_EQ(run("role token create -n ci"), 0);
  EXPECT_EQ(run("role token create -n ci --out " + file()), 4);
  EXPECT_FALSE(std::filesystem::exists(file()));
  std::ofstream(file()) << "mine";
  EXPECT_EQ(run("role token create -n other --out " + file()), 2);
  EXPECT_EQ(read(file()), "mine");
  EXPECT_EQ(get("/principals/other").status, 404);
}

TEST_F(RoleVerbs, lifetime_is_typed_in_days_hours_or_minutes) {
  for (const std::string bad : {"30", "d", "0d", "-1d", "1.5h", "30s", "1000000d", "9999d"}) {
    EXPECT_EQ(run("role token create -n ci --expires=" + bad), 2) << bad;
  }
  EXPECT_EQ(run("role token list"), 0);
  EXPECT_EQ(out, "none\n");
  EXPECT_EQ(run("role token create -n ci --expires 1m"), 0);
}

TEST_F(RoleVerbs, revoked_token_is_listed_so_and_a_deleted_one_is_gone) {
  ASSERT_EQ(run("role token create -n ci"), 0);
  EXPECT_EQ(run("role token revoke -n ci"), 2);  // nobody to ask
  ASSERT_EQ(run("role token revoke -n ci -y"), 0) << err;
  EXPECT_THAT(out, HasSubstr("revoked"));
  ASSERT_EQ(run("role token delete -n ci -y"), 0) << err;
  EXPECT_EQ(run("role token show -n ci"), 3);
  EXPECT_EQ(run("role token revoke -n ci -y"), 3);
}

TEST_F(RoleVerbs, role_is_given_and_taken_away_by_who_what_and_where) {
  const auto ci = person("ci");
  const std::string reader = " --assignee ci --role Reader --scope /namespaces/default";
  ASSERT_EQ(run("role assignment create" + reader), 0) << err;
  EXPECT_THAT(out, HasSubstr("Microsoft.DeviceRegistry/namespaces/default"));
  EXPECT_EQ(ask_as(ci, Method::kGet, "/namespaces/default").status, 200);
  EXPECT_EQ(run("role assignment create" + reader), 4);
  EXPECT_EQ(run("role assignment delete --assignee ci --role Reader --scope /"), 3);
  EXPECT_EQ(run("role assignment delete --assignee ci --role Owner --scope /namespaces/default"), 3);
  ASSERT_EQ(run("role assignment list --scope /namespaces/default"), 0);
  EXPECT_THAT(out, HasSubstr("Reader"));
  ASSERT_EQ(run("role assignment delete" + reader), 0) << err;
  EXPECT_EQ(ask_as(ci, Method::kGet, "/namespaces/default").status, 403);
}

TEST_F(RoleVerbs, assignment_is_refused_for_unknown_people_roles_and_scopes) {
  person("ci");
  EXPECT_EQ(run("role assignment create --assignee nobody --role Reader --scope /"), 3);
  EXPECT_EQ(run("role assignment create --assignee ci --role Nothing --scope /"), 3);
  EXPECT_EQ(run("role assignment create --assignee ci --role Reader --scope /nonsense/x"), 2);
  EXPECT_EQ(run("role assignment create --assignee ci --role Reader"), 2);
}

TEST_F(RoleVerbs, role_of_ones_own_is_defined_shown_assigned_and_deleted) {
  const auto ci = person("ci");
  put("/namespaces/default/devices/pump");
  ASSERT_EQ(run("role definition create -n Device_revoker --description for_nights --scope /namespaces/default "
                "--action Microsoft.DeviceRegistry/namespaces/devices/revoke/action --action */read "
                "--not-action Latchkey/*"),
            0)
      << err;
  ASSERT_EQ(run("role definition show -n device_REVOKER"), 0) << err;
  EXPECT_THAT(out, HasSubstr("devices/revoke/action"));
  EXPECT_THAT(out, HasSubstr("CustomRole"));
  ASSERT_EQ(run("role definition list"), 0);
  EXPECT_THAT(out, HasSubstr("Azure Device Registry Contributor"));
  EXPECT_THAT(out, HasSubstr("Device revoker"));
  ASSERT_EQ(run("role assignment create --assignee ci --role Device_revoker --scope /namespaces/default"), 0) << err;
  EXPECT_EQ(ask_as(ci, Method::kPost, "/namespaces/default/devices/pump/revoke", json::object()).status, 200);
  EXPECT_EQ(run("role definition delete -n Device_revoker -y"), 4);
  ASSERT_EQ(run("role assignment delete --assignee ci --role Device_revoker --scope /namespaces/default"), 0);
  ASSERT_EQ(run("role definition delete -n Device_revoker -y"), 0) << err;
  EXPECT_EQ(run("role definition show -n Device_revoker"), 3);
  EXPECT_EQ(run("role definition create -n Empty --scope /"), 2);
}

}  // namespace
}  // namespace latchkey::hub::management
