// SPDX-License-Identifier: Apache-2.0
// The management API of a running hub over HTTPS: its certificate and its address, a client that is not ours, and the
// command line from elsewhere.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/subprocess.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class ArmOverHttps : public testing::Test {
 protected:
  Hub::Options options(std::vector<std::string> more = {}) const {
    Hub::Options options;
    options.data = work_.path() / "data";
    options.more = std::move(more);
    return options;
  }
  std::string token_file() const { return (work_.path() / "ci.token").string(); }
  void make_caller(Hub& hub) const {
    operate(hub, {"role", "token", "create", "-n", "ci", "--out", token_file()});
    operate(hub, {"role", "assignment", "create", "--assignee", "ci", "--role", "Azure Device Registry Contributor",
                  "--scope", "/namespaces/default"});
    operate(hub, {"role", "assignment", "create", "--assignee", "ci", "--role", "Reader", "--scope",
                  "/provisioningServices/dps"});
  }
  static std::string address(const Hub& hub) {
    return json::parse(read_text(hub.data() / "endpoints.json")).value("https", "");
  }

  const TemporaryFolder work_;
};

// Rows: R-1-05, R-3-08, R-3-09, R-3-10, R-10-01
TEST_F(ArmOverHttps, client_that_is_not_ours_goes_through_a_devices_life) {
  Hub hub(options());
  hub.start();
  make_caller(hub);
  const auto status = hub.json({"status"});
  EXPECT_EQ(status["https"], address(hub));
  const auto group = "/subscriptions/" + status["subscription"].get<std::string>() + "/resourceGroups/latchkey";
  const auto done = run({LATCHKEY_PYTHON, LATCHKEY_ARM_CLIENT, address(hub), hub.ca_file(), token_file(), group});
  EXPECT_EQ(done.exit_status, 0) << done.out << done.err;
  EXPECT_EQ(hub.cli({"audit", "verify"}).exit_status, 0);
}

TEST_F(ArmOverHttps, command_line_works_from_elsewhere_with_a_token) {
  Hub hub(options());
  hub.start();
  make_caller(hub);
  const std::vector<std::string> remote = {"--endpoint", address(hub), "--token-file",
                                           token_file(), "--ca",       hub.ca_file()};
  const auto verb = [&](std::vector<std::string> words) {
    auto all = remote;
    all.insert(all.end(), words.begin(), words.end());
    return hub.cli(all);
  };
  EXPECT_EQ(verb({"device", "create", "-n", "far-1"}).exit_status, 0);
  const auto listed = verb({"device", "list"});
  EXPECT_EQ(listed.exit_status, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("far-1"));
  EXPECT_EQ(verb({"role", "token", "list"}).exit_status, 4);
  operate(hub, {"role", "token", "revoke", "-n", "ci", "-y"});
  EXPECT_EQ(verb({"device", "list"}).exit_status, 4);
}

TEST_F(ArmOverHttps, address_stays_over_a_restart_and_is_not_there_when_it_is_switched_off) {
  std::string before;
  {
    Hub hub(options());
    hub.start();
    before = address(hub);
    EXPECT_THAT(before, StartsWith("https://127.0.0.1:"));
    hub.stop();
  }
  {
    Hub hub(options());
    hub.start();
    EXPECT_EQ(address(hub), before);
    hub.stop();
  }
  Hub hub(options({"--https-listen", "off"}));
  hub.start();
  EXPECT_EQ(address(hub), "");
  EXPECT_EQ(hub.json({"status"})["https"], nullptr);
}

}  // namespace
}  // namespace latchkey::tests
