// SPDX-License-Identifier: Apache-2.0
// Why a device was revoked: said by the operator, kept for lists and OCSP.
#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

const std::string kDevice = "/namespaces/default/devices/dev-1";

class RevocationReasonTest : public ManagementTest {
 protected:
  void SetUp() override {
    ManagementTest::SetUp();
    furnish();
    ASSERT_EQ(put(kDevice).status, 201);
  }
};

TEST_F(RevocationReasonTest, reason_of_the_rfc_is_accepted) {
  for (const char* reason : {"unspecified", "keyCompromise", "cessationOfOperation"}) {
    EXPECT_EQ(post(kDevice + "/revoke", {{"reason", reason}}).status, 200) << reason;
  }
}

TEST_F(RevocationReasonTest, other_reason_is_refused_by_name_and_nothing_is_revoked) {
  const auto before = get(kDevice).body;
  for (const char* reason : {"", "KeyCompromise", "certificateHold", "removeFromCRL", "1"}) {
    const auto refused = post(kDevice + "/revoke", {{"reason", reason}});
    EXPECT_EQ(refused.status, 400) << reason;
    EXPECT_EQ(refused.body["error"]["target"], "reason");
  }
  EXPECT_EQ(post(kDevice + "/revoke", {{"reason", 1}}).status, 400);
  EXPECT_EQ(get(kDevice).body, before);
}

}  // namespace
}  // namespace latchkey::hub::management
