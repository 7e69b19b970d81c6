// SPDX-License-Identifier: Apache-2.0
// The limits of model/limits.h: what is refused where they are on. Without them the other tests speak for themselves.
#include "registry/model/limits.h"

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::HasSubstr;

class LimitsTest : public RegistryTest {
 protected:
  void limit(const Limits& wanted) {
    limits = wanted;
    open();
  }
  Outcome<Committed<Policy>> make_own_root(const std::string& name) {
    Registry::NewOwnRootPolicy policy;
    policy.name = name;
    const NewCa like = new_ca("CN=" + name);
    policy.request = {like.id, like.subject, like.der, like.key_ref, KeyProfile::kEcP256};
    return registry->create_own_root_policy(call, kNs, std::move(policy));
  }
};

// Rows: R-5-10, R-12-01
TEST_F(LimitsTest, second_policy_of_a_credential_is_refused_and_leaves_nothing) {
  limit({.policies_a_credential = 1});
  make_factory({"alpha"});
  const auto trusted = must(registry->list_hub_certificates("hub")).size();
  EXPECT_REFUSED(make_policy("beta"), Reason::kPolicyLimitReached);
  expect_audit("policy.create", "namespaces/factory/credentials/default/policies/beta", "policy limit reached");
  EXPECT_REFUSED(make_own_root("gamma"), Reason::kPolicyLimitReached);
  EXPECT_EQ(must(registry->list_policies(kNs)).size(), 1U);
  EXPECT_EQ(must(registry->list_hub_certificates("hub")).size(), trusted);
}

TEST_F(LimitsTest, name_that_is_taken_is_refused_as_taken) {
  limit({.policies_a_credential = 1});
  make_factory({"alpha"});
  EXPECT_REFUSED(make_policy("alpha"), Reason::kAlreadyExists);
}

TEST_F(LimitsTest, deleted_policy_makes_room_for_another) {
  limit({.policies_a_credential = 1});
  make_factory({"alpha"});
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  EXPECT_TRUE(make_policy("beta"));
}

TEST_F(LimitsTest, policies_from_before_the_limit_stay_and_are_revoked_and_changed) {
  make_factory({"alpha", "beta"});
  limit({.policies_a_credential = 1});
  EXPECT_TRUE(registry->update_policy(call, kNs, "beta", 60));
  EXPECT_TRUE(registry->revoke_policy(call, kNs, "beta", new_ca("CN=beta again")));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  EXPECT_REFUSED(make_policy("gamma"), Reason::kPolicyLimitReached);
}

// Rows: R-12-04
TEST_F(LimitsTest, device_beyond_the_limit_is_refused_however_it_comes) {
  limit({.devices_a_namespace = 2});
  make_factory();
  const auto group = make_enrollment("fleet", "alpha", true);
  ASSERT_TRUE(registry->create_device(call, kNs, "first"));
  ASSERT_TRUE(enroll("second", group));
  EXPECT_REFUSED(registry->create_device(call, kNs, "third"), Reason::kDeviceLimitReached);
  EXPECT_REFUSED(enroll("third", group), Reason::kDeviceLimitReached);
  expect_audit("device.register", "registrations/third", "device limit reached");
  const std::vector<NewDevice> many = {{"third"}, {"first"}};
  const auto outcomes = must(registry->create_devices(call, kNs, many)).value;
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_REFUSED(outcomes[0], Reason::kDeviceLimitReached);
  EXPECT_REFUSED(outcomes[1], Reason::kAlreadyExists);
  EXPECT_REFUSED(registry->find_device(kNs, "third"), Reason::kNotFound);
  EXPECT_REFUSED(registry->find_registration("third"), Reason::kRegistrationNotFound);
}

TEST_F(LimitsTest, many_at_once_are_made_up_to_the_limit) {
  limit({.devices_a_namespace = 3});
  make_factory();
  const std::vector<NewDevice> many = {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}};
  const auto outcomes = must(registry->create_devices(call, kNs, many)).value;
  ASSERT_EQ(outcomes.size(), 5U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(outcomes[i]);
  EXPECT_REFUSED(outcomes[3], Reason::kDeviceLimitReached);
  EXPECT_REFUSED(outcomes[4], Reason::kDeviceLimitReached);
}

TEST_F(LimitsTest, full_namespace_goes_on_serving_the_devices_that_it_has) {
  limit({.devices_a_namespace = 1});
  make_factory();
  const auto group = make_enrollment("fleet", "alpha", true);
  provision("first", group);
  EXPECT_TRUE(enroll("first", group)) << "it provisions again";
  EXPECT_TRUE(registry->revoke_device(call, kNs, "first", true));
  EXPECT_TRUE(registry->update_device(call, kNs, "first", {true}));
}

TEST_F(LimitsTest, each_namespace_has_room_of_its_own_and_a_deleted_device_makes_some) {
  limit({.devices_a_namespace = 1});
  make_factory();
  ASSERT_TRUE(registry->create_namespace(call, "annex"));
  ASSERT_TRUE(registry->create_device(call, kNs, "first"));
  EXPECT_TRUE(registry->create_device(call, "annex", "first"));
  ASSERT_TRUE(registry->delete_device(call, kNs, "first"));
  EXPECT_TRUE(registry->create_device(call, kNs, "second"));
}

TEST_F(LimitsTest, refusals_say_the_number) {
  limit({.policies_a_credential = 1, .devices_a_namespace = 1});
  make_factory();
  ASSERT_TRUE(registry->create_device(call, kNs, "first"));
  EXPECT_THAT(make_policy("beta").error().detail, HasSubstr("1 at the most"));
  EXPECT_THAT(registry->create_device(call, kNs, "second").error().detail, HasSubstr("1 devices at the most"));
}

// Rows: R-12-02
TEST_F(LimitsTest, rehearsal_has_the_usual_validity_where_that_is_asked_for) {
  rehearsal = true;
  limit({.usual_validity = true});
  make_factory({});
  for (const int days : {1, 6, 91, 3650}) {
    EXPECT_REFUSED(make_policy("days" + std::to_string(days), days), Reason::kInvalidValidityPeriod);
  }
  EXPECT_TRUE(make_policy("least", 7));
  EXPECT_TRUE(make_policy("most", 90));
  EXPECT_REFUSED(registry->update_policy(call, kNs, "least", 1), Reason::kInvalidValidityPeriod);
}

}  // namespace
}  // namespace latchkey::registry
