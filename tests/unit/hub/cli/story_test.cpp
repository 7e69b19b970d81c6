// SPDX-License-Identifier: Apache-2.0
// The command line over a real server, the real management room and a real registry: one operator's day.
#include <gmock/gmock.h>

#include "tests/unit/hub/cli/support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

using StoryTest = CommandLineTest<ManagementTest>;

TEST_F(StoryTest, from_an_empty_namespace_to_a_deleted_credential_and_back) {
  EXPECT_EQ(run("namespace create -n default"), 0) << err;
  EXPECT_EQ(run("namespace create -n default"), 4);
  EXPECT_EQ(run("namespace create -n X"), 2);
  EXPECT_EQ(run("policy create -n line-a"), 3) << out;  // no credential yet
  EXPECT_EQ(run("credential create"), 0) << err;
  EXPECT_EQ(run("policy create -n line-a --validity-days 91"), 2);
  EXPECT_THAT(err, HasSubstr("InvalidValidityPeriod"));
  EXPECT_EQ(run("policy create -n line-a --validity-days 14"), 0) << err;
  EXPECT_EQ(run("device create -n dev-1"), 0) << err;
  EXPECT_EQ(run("device revoke -n dev-1 --disable -y"), 0) << err;
  EXPECT_THAT(out, HasSubstr("ENABLED       no"));
  EXPECT_EQ(run("device revoke -n gone -y"), 3);
  EXPECT_EQ(run("enrollment create --id dev-1 --policy line-a"), 0) << err;
  EXPECT_EQ(run("enrollment key --id dev-1 --out " + folder.file("key")), 0) << err;
  EXPECT_EQ(run("credential delete -y"), 4);
  EXPECT_THAT(err, HasSubstr("CredentialHasPolicies"));
  EXPECT_EQ(run("policy revoke -n line-a -y"), 0) << err;
  EXPECT_EQ(run("policy delete -n line-a -y"), 0) << err;
  EXPECT_EQ(run("credential delete -y"), 0) << err;
  EXPECT_EQ(run("credential show"), 3);
  EXPECT_EQ(run("credential create --key-profile ec-p384"), 0) << err;
  EXPECT_THAT(out, HasSubstr("ec-p384"));
  EXPECT_EQ(run("ca list"), 0);
  EXPECT_THAT(out, HasSubstr("retired"));
  EXPECT_EQ(run("audit list -o json --limit 1000"), 0);
  const auto audit = json::parse(out)["value"];
  EXPECT_EQ(audit.back()["action"], "namespace.create");
  EXPECT_THAT(audit.back()["actor"].get<std::string>(), HasSubstr("uid:" + std::to_string(geteuid())));
}

TEST_F(StoryTest, enforcement_that_is_late_exits_5_and_says_that_it_is_committed) {
  furnish();
  put(kDevices + "/dev-1");
  played.enforcement_refusal = {Reason::kEnforcementTimeout, "committed, but a gate did not confirm it in time"};
  EXPECT_EQ(run("device revoke -n dev-1 -y"), 5);
  EXPECT_THAT(err, HasSubstr("committed"));
}

}  // namespace
}  // namespace latchkey::hub::management
