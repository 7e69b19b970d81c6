// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Enrollments : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory({"alpha", "beta"});
  }
};

TEST_F(Enrollments, enrollment_reads_back_as_it_was_made) {
  NewEnrollment form = enrollment_form("Dev-1");
  form.attestation = AttestationKind::kX509;
  form.primary = Bytes{1, 2};
  form.secondary = Bytes{3};
  form.device_id = "other-id";
  form.enabled = false;
  auto made = registry->create_enrollment(call, form);
  ASSERT_TRUE(made);
  expect_audit("enrollment.create", "enrollments/Dev-1", "ok");
  const auto found = registry->find_enrollment("dEV-1", false);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->uuid, made->value.uuid);
  EXPECT_EQ(found->id, "Dev-1");
  EXPECT_EQ(found->attestation, AttestationKind::kX509);
  EXPECT_EQ(found->primary, form.primary);
  EXPECT_EQ(found->secondary, form.secondary);
  EXPECT_EQ(found->policy_name, "alpha");
  EXPECT_EQ(found->device_id, "other-id");
  EXPECT_FALSE(found->enabled);
}

TEST_F(Enrollments, keys_never_enter_the_audit) {
  NewEnrollment form = enrollment_form("dev");
  const std::string key = "very-secret-key";
  form.primary.assign(key.begin(), key.end());
  ASSERT_TRUE(registry->create_enrollment(call, form));
  ASSERT_FALSE(registry->create_enrollment(call, form));
  for (const auto& record : must(registry->list_audit(0, 100))) {
    EXPECT_THAT(record.detail, testing::Not(testing::HasSubstr(key)));
    EXPECT_THAT(record.resource, testing::Not(testing::HasSubstr(key)));
  }
}

TEST_F(Enrollments, individual_and_group_of_one_id_live_side_by_side) {
  const Enrollment individual = make_enrollment("same");
  const Enrollment group = make_enrollment("same", "beta", true);
  EXPECT_EQ(registry->find_enrollment("same", false)->uuid, individual.uuid);
  EXPECT_EQ(registry->find_enrollment("same", true)->uuid, group.uuid);
  expect_audit("enrollment.create", "enrollmentGroups/same", "ok");
  EXPECT_EQ(registry->list_enrollments()->size(), 2u);
}

// Rows: R-1-06, R-10-08
TEST_F(Enrollments, ids_compare_without_case) {
  make_enrollment("Dev");
  EXPECT_REFUSED(registry->create_enrollment(call, enrollment_form("dEV")), Reason::kAlreadyExists);
  EXPECT_TRUE(registry->update_enrollment(call, "DEV", false, {{}, false}));
  EXPECT_TRUE(registry->delete_enrollment(call, "dev", false));
}

TEST_F(Enrollments, bad_forms_are_refused) {
  NewEnrollment form = enrollment_form("-dev");
  EXPECT_REFUSED(registry->create_enrollment(call, form), Reason::kInvalidName);
  form = enrollment_form("dev");
  form.primary.clear();
  EXPECT_REFUSED(registry->create_enrollment(call, form), Reason::kInvalidArgument);
  form = enrollment_form("dev");
  form.device_id = "a/b";
  EXPECT_REFUSED(registry->create_enrollment(call, form), Reason::kInvalidName);
  form = enrollment_form("dev", "alpha", true);
  form.device_id = "one";
  EXPECT_REFUSED(registry->create_enrollment(call, form), Reason::kInvalidArgument);
  form = enrollment_form("dev");
  form.namespace_name = "nowhere";
  EXPECT_REFUSED(registry->create_enrollment(call, form), Reason::kParentNotFound);
  EXPECT_TRUE(registry->list_enrollments()->empty());
}

// Rows: R-10-12
TEST_F(Enrollments, policy_that_is_named_has_to_exist) {
  EXPECT_REFUSED(registry->create_enrollment(call, enrollment_form("dev", "gamma")), Reason::kPolicyMissing);
  make_enrollment("dev");
  EXPECT_REFUSED(registry->update_enrollment(call, "dev", false, {"gamma", {}}), Reason::kPolicyMissing);
  expect_audit("enrollment.update", "enrollments/dev", "policy missing");
  EXPECT_EQ(registry->find_enrollment("dev", false)->policy_name, "alpha");
  EXPECT_TRUE(registry->update_enrollment(call, "dev", false, {"BETA", {}}));
  EXPECT_TRUE(registry->create_enrollment(call, enrollment_form("none", "")));
}

// Rows: R-10-28
TEST_F(Enrollments, enrollment_outlives_its_policy_and_can_be_disabled_then) {
  make_enrollment("dev");
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  auto updated = registry->update_enrollment(call, "dev", false, {{}, false});
  ASSERT_TRUE(updated);
  EXPECT_EQ(updated->value.policy_name, "alpha");
  EXPECT_FALSE(updated->value.enabled);
}

TEST_F(Enrollments, missing_one_is_refused_everywhere) {
  make_enrollment("dev");
  EXPECT_REFUSED(registry->find_enrollment("dev", true), Reason::kEnrollmentNotFound);
  EXPECT_REFUSED(registry->update_enrollment(call, "dev", true, {}), Reason::kEnrollmentNotFound);
  EXPECT_REFUSED(registry->delete_enrollment(call, "gone", false), Reason::kEnrollmentNotFound);
  expect_audit("enrollment.delete", "enrollments/gone", "enrollment not found");
}

TEST_F(Enrollments, they_are_no_matter_of_the_feed) {
  const Sequence before = registry->newest_sequence();
  make_enrollment("dev");
  auto updated = registry->update_enrollment(call, "dev", false, {{}, false});
  EXPECT_EQ(updated->sequence, before);
  EXPECT_EQ(registry->newest_sequence(), before);
}

TEST_F(Enrollments, enrollment_is_found_by_its_uuid_until_it_is_deleted) {
  const Enrollment group = make_enrollment("line", "alpha", true);
  EXPECT_EQ(registry->find_enrollment_by_uuid(group.uuid)->id, "line");
  EXPECT_REFUSED(registry->find_enrollment_by_uuid(Uuid{}), Reason::kEnrollmentNotFound);
  ASSERT_TRUE(registry->delete_enrollment(call, "line", true));
  EXPECT_REFUSED(registry->find_enrollment_by_uuid(group.uuid), Reason::kEnrollmentNotFound);
}

TEST_F(Enrollments, groups_are_read_in_the_order_of_their_ids_and_without_individuals) {
  make_enrollment("dev");
  make_enrollment("b", "alpha", true);
  make_enrollment("A", "alpha", true);
  const auto read = must(registry->groups_unless(std::nullopt));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->groups.size(), 2u);
  EXPECT_EQ(read->groups[0].id, "A");
  EXPECT_EQ(read->groups[1].id, "b");
  EXPECT_EQ(read->groups[0].primary, (Bytes{'k', 'e', 'y'}));
}

TEST_F(Enrollments, who_knows_nothing_reads_also_a_list_without_groups) {
  const auto read = must(registry->groups_unless(std::nullopt));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->groups.empty());
  EXPECT_FALSE(must(registry->groups_unless(read->generation)));
}

TEST_F(Enrollments, every_change_of_a_group_is_another_generation) {
  std::uint64_t known = must(registry->groups_unless(std::nullopt))->generation;
  const auto changed = [&] {
    const auto read = must(registry->groups_unless(known));
    if (read) known = read->generation;
    return read.has_value();
  };
  make_enrollment("line", "alpha", true);
  EXPECT_TRUE(changed());
  EXPECT_FALSE(changed());
  ASSERT_TRUE(registry->update_enrollment(call, "LINE", true, {{}, false}));
  EXPECT_TRUE(changed());
  ASSERT_TRUE(registry->delete_enrollment(call, "line", true));
  EXPECT_TRUE(changed());
  EXPECT_FALSE(changed());
}

TEST_F(Enrollments, individuals_and_refused_changes_leave_the_groups_generation) {
  make_enrollment("line", "alpha", true);
  const auto known = must(registry->groups_unless(std::nullopt))->generation;
  make_enrollment("dev");
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {{}, false}));
  ASSERT_TRUE(registry->delete_enrollment(call, "dev", false));
  EXPECT_REFUSED(registry->create_enrollment(call, enrollment_form("line", "alpha", true)), Reason::kAlreadyExists);
  EXPECT_REFUSED(registry->update_enrollment(call, "line", true, {"gamma", {}}), Reason::kPolicyMissing);
  EXPECT_REFUSED(registry->delete_enrollment(call, "other", true), Reason::kEnrollmentNotFound);
  EXPECT_FALSE(must(registry->groups_unless(known)));
}

TEST_F(Enrollments, groups_generation_outlives_the_process) {
  make_enrollment("line", "alpha", true);
  const auto known = must(registry->groups_unless(std::nullopt))->generation;
  open();
  EXPECT_FALSE(must(registry->groups_unless(known)));
  make_enrollment("other", "alpha", true);
  EXPECT_TRUE(must(registry->groups_unless(known)));
}

}  // namespace
}  // namespace latchkey::registry
