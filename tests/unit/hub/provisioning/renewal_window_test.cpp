// SPDX-License-Identifier: Apache-2.0
// When a device is told to renew the certificate that provisioning gives it.
#include "tests/unit/hub/provisioning/provisioning_fixture.h"

namespace latchkey::hub::provisioning {
namespace {

class ProvisionedWindowTest : public ProvisioningTest {
 protected:
  ProvisionedWindowTest() {
    auto made = options();
    made.renewal_window = [this](UnixMs not_before, UnixMs not_after) {
      asked.emplace_back(not_before, not_after);
      return given;
    };
    provisioning = std::make_unique<Provisioning>(*registry, issuer, verifier, enforcement, std::move(made));
    registry.enroll("dev-1", kKey);
  }
  Json state_of(const std::string& body) {
    const auto connection = open_token("dev-1", kKey);
    const auto heard = enter(connection, body);
    return poll(connection, heard.body["operationId"]).body["registrationState"];
  }

  std::vector<std::pair<UnixMs, UnixMs>> asked;
  std::optional<throttle::RenewalWindow> given{{1'790'000'100'000, 1'790'001'000'000}};
};

TEST_F(ProvisionedWindowTest, goes_with_the_chain) {
  const Json state = state_of(R"({"csr":"MIIB"})");
  EXPECT_EQ(state["issuedCertificateChain"].size(), 3U);
  EXPECT_EQ(state["renewalWindow"], (Json{{"start", "2026-09-21T14:15:00.000Z"}, {"end", "2026-09-21T14:30:00.000Z"}}));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_LT(asked[0].first, kNow);
  EXPECT_GT(asked[0].second, kNow) << "by the validity of this certificate";
}

TEST_F(ProvisionedWindowTest, is_left_out_where_there_is_none_or_no_certificate) {
  EXPECT_FALSE(state_of("{}").contains("renewalWindow"));
  EXPECT_TRUE(asked.empty()) << "nothing was issued";
  given.reset();
  const Json state = state_of(R"({"csr":"MIIB"})");
  EXPECT_TRUE(state.contains("issuedCertificateChain"));
  EXPECT_FALSE(state.contains("renewalWindow"));
}

}  // namespace
}  // namespace latchkey::hub::provisioning
