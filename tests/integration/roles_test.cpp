// SPDX-License-Identifier: Apache-2.0
// Roles of a running hub, as its operator makes them: what survives a restart, what ends by the hub's clock, what is
// nowhere to be found. Who may do what is tested route by route and verb by verb in tests/unit.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/subprocess.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const std::string kContributor = "Azure Device Registry Credentials Contributor";
constexpr double kDay = 86'400;

class RolesTest : public testing::Test {
 protected:
  Hub::Options options(std::vector<std::string> more = {}) const {
    Hub::Options options;
    options.data = work_.path() / "data";
    options.more = std::move(more);
    return options;
  }
  std::string token_file() const { return (work_.path() / "ci.token").string(); }
  static json only(const json& list) {
    const auto all = rows(list);
    EXPECT_EQ(all.size(), 1u) << list;
    return all.empty() ? json() : all[0];
  }

  const TemporaryFolder work_;
};

TEST_F(RolesTest, tokens_roles_and_subscription_survive_a_restart_and_parity_is_told) {
  json status;
  {
    Hub hub(options());
    hub.start();
    operate(hub, {"role", "token", "create", "-n", "ci", "--out", token_file()});
    operate(hub, {"role", "assignment", "create", "--assignee", "ci", "--role", kContributor, "--scope",
                  "/namespaces/default"});
    status = hub.json({"status"});
    EXPECT_EQ(status["roles"], "seed");
    hub.stop();
  }
  Hub hub(options({"--parity", "azure-roles"}));
  hub.start();
  const auto again = hub.json({"status"});
  EXPECT_EQ(again["roles"], "azure-roles");
  EXPECT_EQ(again["subscription"], status["subscription"]);
  EXPECT_EQ(only(hub.json({"role", "token", "list"}))["properties"]["status"], "active");
  const auto assignment = only(hub.json({"role", "assignment", "list"}))["properties"];
  EXPECT_EQ(assignment["roleDefinitionName"], kContributor);
  EXPECT_EQ(assignment["scope"], "/subscriptions/" + status["subscription"].get<std::string>() +
                                     "/resourceGroups/latchkey/providers/Microsoft.DeviceRegistry/namespaces/default");
}

TEST_F(RolesTest, token_ends_by_the_hubs_clock) {
  Hub hub(options());
  hub.start();
  operate(hub, {"role", "token", "create", "-n", "ci", "--expires", "30d", "--out", token_file()});
  hub.set_clock(29 * kDay);
  EXPECT_EQ(hub.json({"role", "token", "show", "-n", "ci"})["properties"]["status"], "active");
  hub.set_clock(31 * kDay);
  EXPECT_EQ(hub.json({"role", "token", "show", "-n", "ci"})["properties"]["status"], "expired");
}

TEST_F(RolesTest, token_is_in_its_file_and_nowhere_else) {
  Hub hub(options());
  hub.start();
  operate(hub, {"role", "token", "create", "-n", "ci", "--out", token_file()});
  operate(hub, {"role", "token", "revoke", "-n", "ci", "-y"});
  struct stat info {};
  ASSERT_EQ(::stat(token_file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  auto token = read_text(token_file());
  ASSERT_EQ(token.size(), 48u);
  token.pop_back();
  EXPECT_EQ(hub.cli({"audit", "verify"}).exit_status, 0);
  EXPECT_THAT(hub.json({"audit", "list"}).dump(), Not(HasSubstr(token)));
  hub.stop();
  EXPECT_THAT(read_text(hub.log_file()), Not(HasSubstr(token)));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(hub.data())) {
    if (entry.is_regular_file()) {
      EXPECT_THAT(read_text(entry.path()), Not(HasSubstr(token))) << entry.path();
    }
  }
}

TEST_F(RolesTest, unknown_parity_is_bad_input) {
  Hub hub(options());
  const auto refused = hub.cli({"up", "--parity", "nonsense"});
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err + refused.out, HasSubstr("azure-roles"));
}

}  // namespace
}  // namespace latchkey::tests
