// SPDX-License-Identifier: Apache-2.0
// Rows of docs/behaviour.md about what a device may show to the DPS endpoint that attestation_test.cpp does not play.
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/dps_conversation.h"

namespace latchkey::tests {
namespace {

class AttestationRows : public HubTest<AttestationRows> {
 protected:
  static constexpr int kInvalidCertificate = 401002;

  // What DPS answers to a registration that shows this certificate and nothing else.
  static DpsConversation::Answer show(const std::string& id, const Identity& identity) {
    auto options = hub().dps_options(id, "");
    options.identity = identity;
    DpsConversation conversation(options);
    return conversation.finish(conversation.begin({{"csr", make_csr(make_key(), id)}}));
  }
};

// Rows: R-10-23
TEST_F(AttestationRows, issued_certificate_is_for_operation_and_onboards_nobody) {
  const std::string id = "operational";
  const auto issued = hub().provision(id);
  ASSERT_TRUE(accepted(hub(), id, issued));
  operate(hub(), {"enrollment", "create", "--id", "stranger", "--policy", "default"});
  for (const std::string shown_as : {"operational", "stranger", "member-of-the-group"}) {
    const auto answer = show(shown_as, issued);
    EXPECT_EQ(answer.status, 401) << shown_as;
    EXPECT_EQ(answer.error_code(), kInvalidCertificate) << shown_as;
  }
  EXPECT_TRUE(accepted(hub(), id, issued)) << "at the hub it is as good as before";
}

}  // namespace
}  // namespace latchkey::tests
