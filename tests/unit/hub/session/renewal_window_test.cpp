// SPDX-License-Identifier: Apache-2.0
// When a device is told to renew the certificate that a renewal gives it.
#include "tests/unit/hub/session/session_fixture.h"

namespace latchkey::hub::session {
namespace {

class RenewalWindowTest : public SessionTest {
 protected:
  RenewalWindowTest() { restart_with_windows(); }
  void restart_with_windows() {
    auto made = options();
    made.renewal_window = [this](UnixMs not_before, UnixMs not_after) {
      asked.emplace_back(not_before, not_after);
      return given;
    };
    sessions = std::make_unique<Sessions>(*registry, issuer, enforcement, outbox, std::move(made));
  }

  std::vector<std::pair<UnixMs, UnixMs>> asked;
  std::optional<throttle::RenewalWindow> given{{1'790'000'100'000, 1'790'001'000'000}};
};

TEST_F(RenewalWindowTest, goes_with_the_certificate_and_with_nothing_else) {
  auto all = ask(connect("dev-1"), "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(all), (std::vector{202, 200}));
  EXPECT_FALSE(all[0].body.contains("renewalWindow"));
  EXPECT_EQ(all[1].body["renewalWindow"],
            (Json{{"start", "2026-09-21T14:15:00.000Z"}, {"end", "2026-09-21T14:30:00.000Z"}}));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_LT(asked[0].first, kNow);
  EXPECT_GT(asked[0].second, kNow) << "by the validity of this certificate";
}

TEST_F(RenewalWindowTest, is_the_same_for_the_same_request_also_after_a_restart) {
  const auto connection = connect("dev-1");
  auto first = ask(connection, "rid-1", body("dev-1"));
  given = throttle::RenewalWindow{1'790'100'000'000, 1'790'100'900'000};
  auto again = ask(connection, "rid-1", body("dev-1"));
  restart_with_windows();
  auto restarted = ask(connect("dev-1"), "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(again), (std::vector{202, 200}));
  ASSERT_EQ(statuses(restarted), (std::vector{202, 200}));
  EXPECT_EQ(first[1].body, again[1].body);
  EXPECT_EQ(first[1].body, restarted[1].body);
  EXPECT_EQ(asked.size(), 1U) << "one certificate, one window";
}

TEST_F(RenewalWindowTest, is_left_out_where_there_is_none) {
  given.reset();
  auto all = ask(connect("dev-1"), "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(all), (std::vector{202, 200}));
  EXPECT_FALSE(all[1].body.contains("renewalWindow"));
}

TEST_F(RenewalWindowTest, is_not_used_up_by_a_request_that_is_refused) {
  expect_refused(connect("dev-1"), R"({"id":"dev-1","csr":""})", 400004);
  EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace latchkey::hub::session
