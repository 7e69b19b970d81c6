// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Registrations : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory({"alpha", "beta"});
  }
  // As another node has it open.
  std::unique_ptr<SqlRegistry> must_open_another() {
    auto opened = SqlRegistry::open_with({path, 256, rehearsal, nullptr, limits}, openssl::host_digest(), {});
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().detail);
    return std::move(*opened);
  }
};

// Rows: R-8-07, R-8-08
TEST_F(Registrations, first_registration_makes_the_device_and_reserves_a_certificate) {
  const Enrollment enrollment = make_enrollment("dev");
  const Sequence before = registry->newest_sequence();
  auto granted = enroll("dev", enrollment);
  ASSERT_TRUE(granted);
  expect_audit("device.register", "registrations/dev", "ok");
  EXPECT_TRUE(granted->value.initial);
  EXPECT_EQ(granted->value.registration.device_id, "dev");
  EXPECT_EQ(granted->value.registration.hub, "localhost:8883");
  EXPECT_EQ(granted->value.registration.enrollment, enrollment.uuid);

  const Device device = *registry->find_device(kNs, "dev");
  const Policy policy = *registry->find_policy(kNs, "alpha");
  EXPECT_EQ(device.policy, policy.uuid);
  EXPECT_EQ(device.registration_id, "dev");
  ASSERT_TRUE(granted->value.issuance);
  const IssuanceGrant& grant = *granted->value.issuance;
  EXPECT_EQ(grant.device, device.uuid);
  EXPECT_EQ(grant.credential_id, device.credential_id);
  EXPECT_EQ(grant.policy, policy.uuid);
  EXPECT_EQ(grant.ca, policy.ca);
  EXPECT_EQ(grant.not_before, kNow - 5 * 60 * 1000);
  EXPECT_EQ(grant.not_after, kNow + 30 * kDay);
  EXPECT_EQ(status_of("dev", grant.serial), CertificateStatus::kReserved);

  const auto changes = changes_since(before);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(std::get<DeviceState>(changes[0].body).policy_number, policy.number);
  EXPECT_EQ(granted->sequence, changes[0].sequence);
}

TEST_F(Registrations, second_registration_changes_nothing_that_a_gate_would_see) {
  const Enrollment enrollment = make_enrollment("dev");
  auto first = enroll("dev", enrollment);
  auto second = enroll("dev", enrollment);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->value.initial);
  EXPECT_EQ(second->sequence, first->sequence);
  EXPECT_EQ(second->value.issuance->credential_id, first->value.issuance->credential_id);
  EXPECT_NE(second->value.issuance->serial, first->value.issuance->serial);
}

// Rows: R-1-06, R-8-07
TEST_F(Registrations, first_spelling_becomes_the_device_id) {
  const Enrollment enrollment = make_enrollment("dev-a");
  auto first = enroll("Dev-A", enrollment);
  auto second = enroll("dEV-a", enrollment);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->value.registration.device_id, "Dev-A");
  EXPECT_EQ(second->value.registration.device_id, "Dev-A");
  EXPECT_EQ(second->value.registration.registration_id, "Dev-A");
  EXPECT_EQ(registry->find_registration("DEV-A")->registration_id, "Dev-A");
  EXPECT_EQ(registry->list_devices(kNs, "", 10)->devices.size(), 1u);
  EXPECT_EQ(registry->find_device(kNs, "Dev-A")->registration_id, "dev-a");
}

// Rows: R-10-09
TEST_F(Registrations, individual_enrollment_may_name_the_device) {
  NewEnrollment form = enrollment_form("reg");
  form.device_id = "Pump-7";
  auto made = registry->create_enrollment(call, form);
  auto granted = enroll("REG", made->value);
  ASSERT_TRUE(granted);
  EXPECT_EQ(granted->value.registration.device_id, "Pump-7");
  EXPECT_EQ(granted->value.issuance->device_id, "Pump-7");
  EXPECT_TRUE(registry->find_device(kNs, "Pump-7"));
  EXPECT_FALSE(registry->find_device(kNs, "REG"));
}

TEST_F(Registrations, group_member_cannot_take_over_a_device_of_an_individual_enrollment) {
  NewEnrollment form = enrollment_form("reg");
  form.device_id = "pump";
  const Enrollment individual = registry->create_enrollment(call, form)->value;
  const Enrollment group = make_enrollment("line", "alpha", true);
  ASSERT_TRUE(enroll("reg", individual));
  EXPECT_REFUSED(enroll("pump", group), Reason::kEnrollmentNotFound);
  EXPECT_REFUSED(registry->find_registration("pump"), Reason::kRegistrationNotFound);
  ASSERT_TRUE(registry->delete_enrollment(call, "reg", false));
  EXPECT_TRUE(enroll("pump", group)) << "nobody else's any more";
}

// Rows: R-8-08
TEST_F(Registrations, device_that_an_operator_made_is_taken_as_it_is) {
  auto made = registry->create_device(call, kNs, "dev");
  auto granted = enroll("dev", make_enrollment("dev"));
  ASSERT_TRUE(granted);
  EXPECT_EQ(granted->value.issuance->device, made->value.uuid);
  EXPECT_EQ(granted->value.issuance->credential_id, made->value.credential_id);
  EXPECT_EQ(registry->find_device(kNs, "dev")->version, 2u);
}

TEST_F(Registrations, without_certificate_it_is_assigned_only) {
  auto granted = enroll("dev", make_enrollment("dev"), false);
  ASSERT_TRUE(granted);
  EXPECT_FALSE(granted->value.issuance);
  EXPECT_TRUE(registry->find_device(kNs, "dev")->policy);
  EXPECT_TRUE(registry->list_certificates(kNs, "dev")->empty());
}

// Rows: R-10-12
TEST_F(Registrations, enrollment_without_policy_issues_nothing) {
  auto granted = enroll("dev", make_enrollment("dev", ""));
  ASSERT_TRUE(granted);
  EXPECT_FALSE(granted->value.issuance);
  EXPECT_FALSE(registry->find_device(kNs, "dev")->policy);
}

// Rows: R-10-13
TEST_F(Registrations, enrollment_that_is_gone_or_disabled_is_refused) {
  const Enrollment enrollment = make_enrollment("dev");
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {{}, false}));
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kEnrollmentDisabled);
  expect_audit("device.register", "registrations/dev", "enrollment disabled");
  ASSERT_TRUE(registry->delete_enrollment(call, "dev", false));
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kEnrollmentNotFound);
  EXPECT_FALSE(registry->find_device(kNs, "dev")) << "nothing was made";
}

TEST_F(Registrations, enrollment_speaks_only_for_its_own_id) {
  EXPECT_REFUSED(enroll("other", make_enrollment("dev")), Reason::kEnrollmentNotFound);
  EXPECT_TRUE(enroll("other", make_enrollment("group", "alpha", true)));
}

TEST_F(Registrations, malformed_registration_id_is_refused) {
  const Enrollment group = make_enrollment("group", "alpha", true);
  for (const char* id : {"", "a/b", "+", "-a"}) EXPECT_REFUSED(enroll(id, group), Reason::kInvalidName);
}

// Rows: R-10-29
TEST_F(Registrations, disabled_device_is_refused_until_it_is_enabled) {
  const Enrollment enrollment = make_enrollment("dev");
  ASSERT_TRUE(enroll("dev", enrollment));
  ASSERT_TRUE(registry->update_device(call, kNs, "dev", {false}));
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kDeviceDisabled);
  EXPECT_REFUSED(enroll("dev", enrollment, false), Reason::kDeviceDisabled);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kDeviceDisabled);
  ASSERT_TRUE(registry->update_device(call, kNs, "dev", {true}));
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kPolicyMissing);
}

// Rows: R-7-36, R-10-28, R-10-29
TEST_F(Registrations, deleted_policy_issues_nothing_until_the_enrollment_names_another) {
  const Enrollment enrollment = make_enrollment("dev");
  const auto old = provision("dev", enrollment);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kPolicyMissing);
  EXPECT_TRUE(enroll("dev", enrollment, false)) << "without a certificate it is assigned";
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {"beta", {}}));
  const Sequence before = registry->newest_sequence();
  const auto leaf = provision("dev", enrollment);
  EXPECT_EQ(leaf.ca, registry->find_policy(kNs, "beta")->ca);
  EXPECT_EQ(leaf.credential_id, old.credential_id) << "the old certificate goes on working until it expires";
  ASSERT_EQ(changes_since(before).size(), 1u);
  EXPECT_EQ(std::get<DeviceState>(changes_since(before)[0].body).policy_number, 2);
}

TEST_F(Registrations, new_policy_of_the_old_name_serves_the_enrollment) {
  const Enrollment enrollment = make_enrollment("dev");
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  auto again = make_policy("Alpha");
  EXPECT_EQ(provision("dev", enrollment).policy, again->value.uuid);
}

// Rows: R-10-02
TEST_F(Registrations, namespace_without_hub_is_refused_and_nothing_is_made) {
  ASSERT_TRUE(registry->create_namespace(call, "lonely"));
  NewEnrollment form = enrollment_form("dev", "");
  form.namespace_name = "lonely";
  auto made = registry->create_enrollment(call, form);
  EXPECT_REFUSED(enroll("dev", made->value), Reason::kNoHub);
  EXPECT_REFUSED(registry->find_device("lonely", "dev"), Reason::kNotFound);
}

TEST_F(Registrations, re_provisioning_after_deletion_is_a_new_device_under_the_old_spelling) {
  const Enrollment enrollment = make_enrollment("dev");
  auto first = enroll("Dev", enrollment);
  ASSERT_TRUE(registry->delete_device(call, kNs, "Dev"));
  auto second = enroll("dev", enrollment);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->value.registration.device_id, "Dev");
  EXPECT_NE(second->value.issuance->device, first->value.issuance->device);
}

TEST_F(Registrations, operations_are_kept_and_expired_ones_forgotten) {
  EXPECT_REFUSED(registry->find_operation("op"), Reason::kOperationNotFound);
  ASSERT_TRUE(registry->put_operation({"op", "dev", "assigning", {}, kNow + 1000}));
  ASSERT_TRUE(registry->put_operation({"op", "dev", "assigned", Bytes{1, 2}, kNow + 1000}));
  auto found = registry->find_operation("op");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->status, "assigned");
  EXPECT_EQ(found->body, (Bytes{1, 2}));
  EXPECT_EQ(found->registration_id, "dev");
  call.now = kNow + 1000;
  make_enrollment("tick");  // a call brings the time
  ASSERT_TRUE(registry->put_operation({"next", "dev", "assigning", {}, kNow + 5000}));
  EXPECT_REFUSED(registry->find_operation("op"), Reason::kOperationNotFound);
  EXPECT_TRUE(registry->find_operation("next"));
}

TEST_F(Registrations, registrations_are_listed) {
  const Enrollment group = make_enrollment("group", "alpha", true);
  ASSERT_TRUE(enroll("b", group));
  ASSERT_TRUE(enroll("A", group));
  auto all = registry->list_registrations();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->front().registration_id, "A");
  EXPECT_REFUSED(registry->find_registration("c"), Reason::kRegistrationNotFound);
}

TEST_F(Registrations, operation_begins_in_the_commit_of_its_registration) {
  const auto enrollment = make_enrollment("dev");
  RegistrationRequest request{"dev", enrollment.uuid, true, new_serial(), "op"};
  request.begun = Operation{"op", "dev", "assigning", Bytes{1}, kNow + 1000};
  const auto before = registry->commits();
  ASSERT_TRUE(registry->register_device(call, request));
  EXPECT_EQ(registry->commits(), before + 1);
  EXPECT_EQ(must(registry->find_operation("op")).status, "assigning");
}

TEST_F(Registrations, operation_of_a_refused_registration_is_not_stored) {
  const auto enrollment = make_enrollment("dev");
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {std::nullopt, false}));
  RegistrationRequest request{"dev", enrollment.uuid, true, new_serial(), "op"};
  request.begun = Operation{"op", "dev", "assigning", Bytes{1}, kNow + 1000};
  EXPECT_REFUSED(registry->register_device(call, request), Reason::kEnrollmentDisabled);
  EXPECT_REFUSED(registry->find_operation("op"), Reason::kOperationNotFound);
}

// --- what the writer remembers is as the registry has it in its turn

TEST_F(Registrations, what_another_node_changes_counts_with_the_next_one) {
  const Enrollment group = make_enrollment("line", "alpha", true);
  provision("one", group);
  const auto other = must_open_another();
  ASSERT_TRUE(other->update_enrollment(call, "line", true, {std::nullopt, false}));
  EXPECT_REFUSED(enroll("two", group), Reason::kEnrollmentDisabled);
  ASSERT_TRUE(other->update_enrollment(call, "line", true, {std::nullopt, true}));
  EXPECT_TRUE(enroll("two", group));
  ASSERT_TRUE(other->revoke_policy(call, kNs, "alpha", new_ca("CN=next")));
  const Uuid next = other->find_policy(kNs, "alpha")->ca;
  const auto third = enroll("three", group);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->value.issuance->ca, next);
  const auto renewal = registry->begin_renewal(call, kNs, "one", new_serial());
  ASSERT_TRUE(renewal);
  EXPECT_EQ(renewal->value.ca, next);
}

TEST_F(Registrations, what_is_changed_here_counts_with_the_next_one) {
  const Enrollment group = make_enrollment("line", "alpha", true);
  provision("one", group);
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=next")));
  EXPECT_EQ(enroll("two", group)->value.issuance->ca, registry->find_policy(kNs, "alpha")->ca);
  ASSERT_TRUE(registry->delete_enrollment(call, "line", true));
  EXPECT_REFUSED(enroll("three", group), Reason::kEnrollmentNotFound);
}

// --- the edition: what devices do by themselves leaves it, whatever else is done does not

TEST_F(Registrations, edition_stays_while_devices_register_and_renew) {
  const auto enrollment = make_enrollment("dev");
  const auto edition = registry->edition();
  provision("dev", enrollment);
  ASSERT_TRUE(registry->put_operation({"op", "dev", "assigned", Bytes{}, kNow + 1000}));
  const auto renewal = registry->begin_renewal(call, kNs, "dev", new_serial());
  ASSERT_TRUE(renewal);
  ASSERT_TRUE(registry->finish_issuance(call, renewal->value.serial));
  EXPECT_EQ(registry->edition(), edition);
}

TEST_F(Registrations, edition_is_another_one_after_every_act_on_enrollments) {
  std::set<std::uint64_t> seen{registry->edition()};
  const auto is_new = [&] { return seen.insert(registry->edition()).second; };
  make_enrollment("dev");
  EXPECT_TRUE(is_new()) << "created";
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {std::nullopt, false}));
  EXPECT_TRUE(is_new()) << "disabled";
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {std::nullopt, true}));
  EXPECT_TRUE(is_new()) << "enabled";
  ASSERT_TRUE(registry->replace_enrollment(call, enrollment_form("dev")));
  EXPECT_TRUE(is_new()) << "replaced";
  ASSERT_TRUE(registry->delete_enrollment(call, "dev", false));
  EXPECT_TRUE(is_new()) << "deleted";
}

}  // namespace
}  // namespace latchkey::registry
