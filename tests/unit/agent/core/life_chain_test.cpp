// SPDX-License-Identifier: Apache-2.0
// The life of a device: chains that it refuses, and fresh credentials that the hub refuses.
#include "tests/unit/agent/core/life.h"

namespace latchkey::test {
namespace {

using agent::Occurrence;
using agent::RecordState;
using agent::State;
using ports::Item;
using ports::LinkFailure;

TEST_F(Life, hub_name_that_could_break_a_record_is_refused) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  const auto chain = world.authority.issue(device.csr(), device.leaf_options());
  device.dps_answers(200, assigned_body("hub\\nstate proven", kDevice, chain));
  EXPECT_TRUE(device.watcher.saw(Occurrence::kChainRefused));
  EXPECT_FALSE(world.storage.medium(Item::kSlotA).has_value());
}

TEST_F(Life, chain_for_another_key_is_refused_and_never_stored) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  const Pkey other = make_ec_key();
  LeafOptions options = device.leaf_options();
  options.key = other.get();
  device.dps_assigned(options);
  EXPECT_TRUE(device.watcher.saw(Occurrence::kChainRefused));
  device.link.finish_disconnect();
  EXPECT_EQ(device.state(), State::kDpsWait);
  EXPECT_FALSE(world.storage.medium(Item::kSlotA).has_value());
}

TEST_F(Life, chain_for_another_name_or_none_is_refused) {
  const auto refused = [](auto&& change) {
    World other;
    Device fresh(other);
    fresh.driver->start();
    EXPECT_TRUE(fresh.dps_accepts());
    LeafOptions options = fresh.leaf_options();
    change(options, other.clock.now());
    fresh.dps_assigned(options);
    return fresh.watcher.saw(Occurrence::kChainRefused) && !other.storage.medium(Item::kSlotA).has_value();
  };
  EXPECT_TRUE(refused([](LeafOptions& o, UnixMs) { o.common_name = "dev-2"; }));
  // Whoever issues says what time it is: tests/sweep/time_test.cpp has what becomes of these two.
  EXPECT_FALSE(refused([](LeafOptions& o, UnixMs now) { o.not_after = now - 60'000; }));
  EXPECT_FALSE(refused([](LeafOptions& o, UnixMs now) { o.not_before = now + 60'000; }));
  EXPECT_FALSE(refused([](LeafOptions&, UnixMs) {}));
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  device.dps_answers(200, assigned_body(kHub, kDevice, {}));
  EXPECT_TRUE(device.watcher.saw(Occurrence::kChainRefused));
}

TEST_F(Life, chain_with_the_critical_extension_of_the_real_service_is_accepted) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  LeafOptions options = device.leaf_options();
  Der value(34, 0x42);
  value[0] = 0x04;
  value[1] = 32;
  options.extensions.push_back({std::string(kAzureIdentifierOid), true, value});
  device.dps_assigned(options);
  device.link.finish_disconnect();
  EXPECT_TRUE(device.hub_accepts());
}

TEST_F(Life, chain_with_another_critical_extension_is_refused) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  LeafOptions options = device.leaf_options();
  options.extensions.push_back({"1.3.6.1.4.1.311.133.1.1.2", true, {0x05, 0x00}});
  device.dps_assigned(options);
  EXPECT_TRUE(device.watcher.saw(Occurrence::kChainRefused));
}

TEST_F(Life, staged_credential_that_is_refused_falls_back_to_the_proven_one) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_issued();
  device.link.finish_disconnect();
  EXPECT_EQ(last_connect().identity, ports::LinkIdentity::kSlotB);
  device.link.refuse(5);
  ASSERT_EQ(device.state(), State::kHubConnecting);
  EXPECT_EQ(last_connect().identity, ports::LinkIdentity::kSlotA);
  EXPECT_EQ(stored(world, Item::kSlotB).state, RecordState::kRefused);
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kProven);
  EXPECT_TRUE(device.hub_accepts());
}

TEST_F(Life, renewed_credentials_that_are_always_refused_do_not_make_a_tight_loop) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_issued();
  device.link.finish_disconnect();
  device.link.refuse(5);
  ASSERT_TRUE(device.hub_accepts());
  const UnixMs from = world.clock.now();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  EXPECT_GE(world.clock.now() - from, static_cast<UnixMs>(kLifetimeMs / 25));
}

TEST_F(Life, staged_credential_that_fails_in_tls_falls_back_after_three_tries) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_issued();
  device.link.finish_disconnect();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(device.pass_until(State::kHubConnecting, 80'000));
    EXPECT_EQ(last_connect().identity, ports::LinkIdentity::kSlotB);
    device.link.end(LinkFailure::kTlsAlert, 46);
  }
  EXPECT_EQ(device.state(), State::kHubConnecting);
  EXPECT_EQ(last_connect().identity, ports::LinkIdentity::kSlotA);
}

TEST_F(Life, staged_credential_outlives_network_trouble) {
  device.driver->start();
  device.provision();
  for (int i = 0; i < 10; ++i) {
    device.link.end(LinkFailure::kUnreachable);
    ASSERT_TRUE(device.pass_until(State::kHubConnecting, 80'000));
  }
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kStaged);
  EXPECT_TRUE(device.hub_accepts());
}

TEST_F(Life, fresh_credentials_that_are_always_refused_do_not_make_a_tight_loop) {
  device.driver->start();
  std::uint64_t last_wait = 0;
  for (int i = 0; i < 6; ++i) {
    device.provision();
    device.link.refuse(5);
    if (device.state() == State::kHubConnecting) device.link.refuse(5);
    ASSERT_EQ(device.state(), State::kDpsWait) << i;
    const std::uint64_t from = world.clock.monotonic();
    ASSERT_TRUE(device.pass_until(State::kDpsConnecting, 80'000));
    last_wait = world.clock.monotonic() - from;
  }
  EXPECT_GE(last_wait, 20'000u);
}

}  // namespace
}  // namespace latchkey::test
