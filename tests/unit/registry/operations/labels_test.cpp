// SPDX-License-Identifier: Apache-2.0
// What is kept beside resources, entity tags as a condition, and records of acts.
#include "registry/model/etag.h"
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class LabelsTest : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory();
    ASSERT_TRUE(registry->create_device(call, kNs, "pump"));
  }
  Call labelled(const std::string& tags) const {
    Call with = call;
    with.labels.emplace();
    with.labels->tags = tags;
    return with;
  }
  Call matching(const std::string& etag) const {
    Call with = call;
    with.if_match = {etag};
    return with;
  }
  Labels labels(const std::string& resource) { return must(registry->labels_of({resource})).front(); }
  Device pump() { return must(registry->find_device(kNs, "pump")); }

  const std::string kPump = std::string("namespaces/") + kNs + "/devices/pump";
};

TEST_F(LabelsTest, resource_that_nobody_said_anything_of_has_none) {
  const auto none = labels(kPump);
  EXPECT_EQ(none.tags, "");
  EXPECT_EQ(none.created_by, "");
  EXPECT_EQ(none.modified, 0);
}

TEST_F(LabelsTest, labels_stay_until_their_resource_goes) {
  ASSERT_TRUE(registry->update_device(labelled("{\"a\":\"b\"}"), kNs, "pump", {}));
  EXPECT_EQ(labels(kPump).tags, "{\"a\":\"b\"}");
  EXPECT_EQ(labels(kPump).modified_by, call.actor);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "pump", false));
  EXPECT_EQ(labels(kPump).tags, "{\"a\":\"b\"}");
  ASSERT_TRUE(registry->delete_device(call, kNs, "pump"));
  ASSERT_TRUE(registry->create_device(call, kNs, "pump"));
  EXPECT_EQ(labels(kPump).tags, "");
}

TEST_F(LabelsTest, refused_act_leaves_no_labels) {
  EXPECT_REFUSED(registry->update_device(labelled("{}"), kNs, "nobody", {}), Reason::kNotFound);
  EXPECT_REFUSED(registry->relabel_namespace(labelled("{}"), "nowhere"), Reason::kNotFound);
  EXPECT_REFUSED(registry->relabel_credential(labelled("{}"), "nowhere"), Reason::kParentNotFound);
  EXPECT_EQ(labels(std::string("namespaces/") + kNs + "/devices/nobody").modified, 0);
  EXPECT_EQ(labels("namespaces/nowhere").modified, 0);
}

TEST_F(LabelsTest, change_of_labels_is_audited_with_what_it_was) {
  ASSERT_TRUE(registry->relabel_namespace(labelled("{\"a\":\"1\"}"), kNs));
  ASSERT_TRUE(registry->relabel_namespace(labelled("{\"a\":\"2\"}"), kNs));
  const auto record = last_audit();
  EXPECT_EQ(record.action, "namespace.update");
  EXPECT_THAT(record.before, testing::HasSubstr("1"));
  EXPECT_THAT(record.after, testing::HasSubstr("2"));
}

TEST_F(LabelsTest, policies_labels_are_found_in_any_case) {
  const std::string policies = std::string("namespaces/") + kNs + "/credentials/default/policies/";
  ASSERT_TRUE(registry->update_policy(labelled("{\"a\":\"b\"}"), kNs, "ALPHA", std::nullopt));
  EXPECT_EQ(labels(policies + "alpha").tags, "{\"a\":\"b\"}");
  EXPECT_EQ(must(registry->find_policy(kNs, "alpha")).validity_days, 30);
}

TEST_F(LabelsTest, device_in_another_state_than_the_caller_saw_is_left_alone) {
  const auto seen = etag_of(pump());
  ASSERT_TRUE(registry->update_device(matching(seen), kNs, "pump", {.enabled = false}));
  EXPECT_REFUSED(registry->update_device(matching(seen), kNs, "pump", {.enabled = true}), Reason::kPreconditionFailed);
  EXPECT_REFUSED(registry->revoke_device(matching(seen), kNs, "pump", false), Reason::kPreconditionFailed);
  EXPECT_REFUSED(registry->delete_device(matching(seen), kNs, "pump"), Reason::kPreconditionFailed);
  EXPECT_FALSE(pump().enabled);
  EXPECT_EQ(pump().last_revoked, 0);
  Call either = call;
  either.if_match = {"another", etag_of(pump())};
  EXPECT_TRUE(registry->revoke_device(either, kNs, "pump", false));
}

TEST_F(LabelsTest, two_changes_of_an_enrollment_in_one_millisecond_have_two_tags) {
  const auto made = make_enrollment("dev");
  const auto off = must(registry->update_enrollment(call, "dev", false, {.policy_name = {}, .enabled = false})).value;
  const auto on = must(registry->update_enrollment(call, "dev", false, {.policy_name = {}, .enabled = true})).value;
  EXPECT_NE(etag_of(made), etag_of(off));
  EXPECT_NE(etag_of(off), etag_of(on));
  EXPECT_NE(etag_of(made), etag_of(on));
  EXPECT_REFUSED(registry->delete_enrollment(matching(etag_of(off)), "dev", false), Reason::kPreconditionFailed);
  EXPECT_TRUE(registry->delete_enrollment(matching(etag_of(on)), "dev", false));
}

TEST_F(LabelsTest, enrollment_is_replaced_as_a_whole_and_keeps_its_identity) {
  const auto made = make_enrollment("dev");
  auto form = enrollment_form("dev", "");
  form.enabled = false;
  form.primary.clear();  // keys that are not given stay
  const auto replaced = must(registry->replace_enrollment(matching(etag_of(made)), form)).value;
  EXPECT_EQ(replaced.uuid, made.uuid);
  EXPECT_EQ(replaced.created, made.created);
  EXPECT_EQ(replaced.primary, made.primary);
  EXPECT_EQ(replaced.policy_name, "");
  EXPECT_FALSE(must(registry->find_enrollment("dev", false)).enabled);
  expect_audit("enrollment.replace", "enrollments/dev", "ok");
  EXPECT_REFUSED(registry->replace_enrollment(matching(etag_of(made)), form), Reason::kPreconditionFailed);
  EXPECT_REFUSED(registry->replace_enrollment(call, enrollment_form("nobody")), Reason::kEnrollmentNotFound);
  EXPECT_REFUSED(registry->replace_enrollment(call, enrollment_form("dev", "none")), Reason::kPolicyMissing);
}

TEST_F(LabelsTest, registration_goes_and_its_device_stays) {
  provision("dev", make_enrollment("dev"));
  ASSERT_TRUE(registry->find_registration("dev"));
  ASSERT_TRUE(registry->delete_registration(call, "DEV"));
  EXPECT_REFUSED(registry->find_registration("dev"), Reason::kRegistrationNotFound);
  EXPECT_REFUSED(registry->delete_registration(call, "dev"), Reason::kRegistrationNotFound);
  EXPECT_TRUE(registry->find_device(kNs, "dev"));
}

TEST_F(LabelsTest, devices_are_counted) {
  ASSERT_TRUE(registry->create_device(call, kNs, "off", {.enabled = false}));
  const auto counts = must(registry->count_devices(kNs));
  EXPECT_EQ(counts.all, 2u);
  EXPECT_EQ(counts.enabled, 1u);
  EXPECT_REFUSED(registry->count_devices("nowhere"), Reason::kParentNotFound);
}

TEST_F(LabelsTest, record_of_an_act_is_there_until_it_expires) {
  ASSERT_TRUE(registry->put_act({"one", "{}", kNow + 1000}, kNow));
  EXPECT_EQ(must(registry->find_act("one", kNow)).body, "{}");
  ASSERT_TRUE(registry->put_act({"one", "{\"a\":1}", kNow + 1000}, kNow));
  EXPECT_EQ(must(registry->find_act("one", kNow + 999)).body, "{\"a\":1}");
  EXPECT_REFUSED(registry->find_act("one", kNow + 1000), Reason::kNotFound);
  EXPECT_REFUSED(registry->find_act("two", kNow), Reason::kNotFound);
}

}  // namespace
}  // namespace latchkey::registry
