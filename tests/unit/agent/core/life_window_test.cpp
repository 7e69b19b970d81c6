// SPDX-License-Identifier: Apache-2.0
// The life of a device whose hub says when it would like the certificate to be renewed: obeyed where that makes sense,
// and never a way to make a device miss its expiry.
#include <ctime>

#include "tests/unit/agent/core/life.h"

namespace latchkey::test {
namespace {

using agent::State;

std::string utc(UnixMs at) {
  const auto seconds = static_cast<std::time_t>(at / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string window_text(const std::string& start, const std::string& end) {
  return R"(,"renewalWindow":{"start":")" + start + R"(","end":")" + end + "\"}";
}

struct Window : Life {
  // A share of the lifetime of the certificate that is about to be issued.
  UnixMs at(double share) const {
    const auto leaf = device.leaf_options();
    return leaf.not_before / 1000 * 1000 +
           static_cast<UnixMs>(share * static_cast<double>(leaf.not_after - leaf.not_before));
  }
  // Live with a certificate that came with that window.
  void live_with(const std::string& start, const std::string& end) {
    device.driver->start();
    ASSERT_TRUE(device.dps_accepts());
    device.dps_assigning();
    ASSERT_TRUE(device.pass_until(State::kDpsPolling, 10'000));
    auto body = assigned_body(kHub, kDevice, world.authority.issue(device.csr(), device.leaf_options()));
    body.insert(body.size() - 2, window_text(start, end));
    device.dps_answers(200, body);
    ASSERT_TRUE(device.link.finish_disconnect());
    ASSERT_TRUE(device.hub_accepts());
  }
  // Where in the lifetime the renewal is due.
  double share() const {
    const auto& credential = *device.summary().credential;
    return static_cast<double>(device.summary().renewal_at - credential.not_before) /
           static_cast<double>(credential.not_after - credential.not_before);
  }
  void expect_own_choice() const {
    EXPECT_GE(share(), 0.699);
    EXPECT_LE(share(), 0.851);
  }
};

TEST_F(Window, of_the_hub_is_when_the_device_renews) {
  live_with(utc(at(0.55)), utc(at(0.60)));
  EXPECT_GE(share(), 0.549);
  EXPECT_LE(share(), 0.601);
  const UnixMs due = device.summary().renewal_at;
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  EXPECT_GE(world.clock.now(), due);
  EXPECT_LE(world.clock.now(), due + 2'000);
}

TEST_F(Window, of_a_renewal_counts_for_the_certificate_that_came_with_it) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  auto body = certificates_body(world.authority.issue(device.renewal_csr(), device.leaf_options()));
  const UnixMs start = at(0.86), end = at(0.88);
  body.insert(body.size() - 1, window_text(utc(start), utc(end)));
  device.renewal_answers(200, body);
  device.link.finish_disconnect();
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.summary().credential->generation, 2u);
  EXPECT_GE(device.summary().renewal_at, start - 1'000);
  EXPECT_LE(device.summary().renewal_at, end);
}

TEST_F(Window, points_of_many_devices_are_drawn_all_over_it) {
  std::array<int, 4> quarters{};
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    World other_world;
    Device one(other_world, test_config(), seed);
    one.driver->start();
    ASSERT_TRUE(one.dps_accepts());
    one.dps_assigning();
    ASSERT_TRUE(one.pass_until(State::kDpsPolling, 10'000));
    const auto leaf = one.leaf_options();
    const UnixMs start = leaf.not_before / 1000 * 1000 + 5'000'000;
    auto body = assigned_body(kHub, kDevice, other_world.authority.issue(one.csr(), leaf));
    body.insert(body.size() - 2, window_text(utc(start), utc(start + 1'000'000)));
    one.dps_answers(200, body);
    ASSERT_TRUE(one.link.finish_disconnect());
    ASSERT_TRUE(one.hub_accepts());
    const UnixMs offset = one.summary().renewal_at - start;
    ASSERT_GE(offset, 0);
    ASSERT_LE(offset, 1'000'000);
    ++quarters[static_cast<std::size_t>(offset >= 1'000'000 ? 3 : offset / 250'000)];
  }
  for (const int devices : quarters) EXPECT_GT(devices, 0);
}

TEST_F(Window, stays_over_a_lost_session_and_is_forgotten_with_a_restart) {
  live_with(utc(at(0.55)), utc(at(0.60)));
  const UnixMs due = device.summary().renewal_at;
  device.link.end(ports::LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 5'000));
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.summary().renewal_at, due);
  Device restarted(world, test_config(), 2);
  restarted.driver->start();
  ASSERT_TRUE(restarted.hub_accepts());
  const auto& credential = *restarted.summary().credential;
  EXPECT_GE(restarted.summary().renewal_at,
            credential.not_before + (credential.not_after - credential.not_before) / 1000 * 700);
}

TEST_F(Window, that_begins_too_early_is_cut_to_the_second_half) {
  live_with(utc(at(0.01)), utc(at(0.52)));
  EXPECT_GE(share(), 0.499);
  EXPECT_LE(share(), 0.521);
}

TEST_F(Window, that_ends_too_late_is_cut_to_nine_tenths) {
  live_with(utc(at(0.88)), utc(at(0.999)));
  EXPECT_GE(share(), 0.879);
  EXPECT_LE(share(), 0.901);
}

TEST_F(Window, that_is_as_long_as_the_validity_is_cut_at_both_ends) {
  live_with(utc(at(0.001)), utc(at(0.999)));
  EXPECT_GE(share(), 0.499);
  EXPECT_LE(share(), 0.901);
}

TEST_F(Window, right_before_the_expiry_is_not_obeyed) {
  live_with(utc(at(0.95)), utc(at(0.99)));
  expect_own_choice();
}

TEST_F(Window, in_the_first_half_is_not_obeyed) {
  live_with(utc(at(0.10)), utc(at(0.20)));
  expect_own_choice();
}

TEST_F(Window, that_runs_backwards_is_not_obeyed) {
  live_with(utc(at(0.60)), utc(at(0.55)));
  expect_own_choice();
}

TEST_F(Window, of_no_length_is_not_obeyed) {
  live_with(utc(at(0.55)), utc(at(0.55)));
  expect_own_choice();
}

TEST_F(Window, that_begins_before_the_validity_is_not_obeyed) {
  live_with(utc(at(-0.10)), utc(at(0.60)));
  expect_own_choice();
}

TEST_F(Window, that_ends_after_the_validity_is_not_obeyed) {
  live_with(utc(at(0.55)), utc(at(1.10)));
  expect_own_choice();
}

TEST_F(Window, that_is_no_date_is_not_obeyed) {
  live_with("soon", "later");
  expect_own_choice();
}

// An answer may reach a device late: renewing at once is what every device that was away would do.
TEST_F(Window, that_is_over_is_not_obeyed) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  device.dps_assigning();
  ASSERT_TRUE(device.pass_until(State::kDpsPolling, 10'000));
  auto leaf = device.leaf_options();
  leaf.not_before = world.clock.now() - static_cast<UnixMs>(kLifetimeMs * 2);  // two thirds are over
  auto body = assigned_body(kHub, kDevice, world.authority.issue(device.csr(), leaf));
  const UnixMs now = world.clock.now();
  body.insert(body.size() - 2, window_text(utc(now - 1'000'000), utc(now - 10'000)));
  device.dps_answers(200, body);
  ASSERT_TRUE(device.link.finish_disconnect());
  ASSERT_TRUE(device.hub_accepts());
  expect_own_choice();
  EXPECT_GT(device.summary().renewal_at, now);
}

TEST_F(Window, of_the_hub_gives_way_to_what_the_device_was_told_to_do) {
  auto config = test_config();
  config.renew_at_permille = 300;
  World other_world;
  Device one(other_world, config);
  one.driver->start();
  ASSERT_TRUE(one.dps_accepts());
  one.dps_assigning();
  ASSERT_TRUE(one.pass_until(State::kDpsPolling, 10'000));
  const auto leaf = one.leaf_options();
  const UnixMs start = leaf.not_before / 1000 * 1000 + 5'000'000;
  auto body = assigned_body(kHub, kDevice, other_world.authority.issue(one.csr(), leaf));
  body.insert(body.size() - 2, window_text(utc(start), utc(start + 100'000)));
  one.dps_answers(200, body);
  ASSERT_TRUE(one.link.finish_disconnect());
  ASSERT_TRUE(one.hub_accepts());
  const auto& credential = *one.summary().credential;
  EXPECT_EQ(one.summary().renewal_at,
            credential.not_before + (credential.not_after - credential.not_before) / 1000 * 300);
}

}  // namespace
}  // namespace latchkey::test
