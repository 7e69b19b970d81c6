// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Issuance : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory({"alpha"});
    enrollment = make_enrollment("dev");
  }
  Outcome<Committed<IssuanceGrant>> renew(const std::string& id = "dev") {
    return registry->begin_renewal(call, kNs, id, new_serial());
  }

  Enrollment enrollment;
};

TEST_F(Issuance, finished_certificate_is_issued) {
  const Bytes serial = {0xab, 0x01};
  ASSERT_TRUE(registry->register_device(call, {"dev", enrollment.uuid, true, serial, "op"}));
  call.now += 50;
  ASSERT_TRUE(registry->finish_issuance(call, serial));
  expect_audit("certificate.issue", "certificates/ab01", "ok");
  const auto certificate = registry->list_certificates(kNs, "dev")->front();
  EXPECT_EQ(certificate.status, CertificateStatus::kIssued);
  EXPECT_EQ(certificate.issued_at, call.now);
  EXPECT_EQ(certificate.revoked_at, 0);
}

TEST_F(Issuance, serial_that_was_not_begun_cannot_be_finished) {
  EXPECT_REFUSED(registry->finish_issuance(call, Bytes{9, 9}), Reason::kNotFound);
}

TEST_F(Issuance, serial_that_is_in_use_is_not_granted_again) {
  const auto grant = *enroll("dev", enrollment)->value.issuance;
  EXPECT_REFUSED(registry->begin_renewal(call, kNs, "dev", grant.serial), Reason::kAlreadyExists);
  ASSERT_TRUE(registry->finish_issuance(call, grant.serial));
  EXPECT_REFUSED(registry->begin_renewal(call, kNs, "dev", grant.serial), Reason::kAlreadyExists);
  EXPECT_EQ(status_of("dev", grant.serial), CertificateStatus::kIssued);
}

TEST_F(Issuance, answer_is_stored_with_the_certificate) {
  const auto grant = *enroll("dev", enrollment)->value.issuance;
  const Operation answer{"op-1", "dev", "assigned", Bytes{1, 2, 3}, call.now + 1000};
  ASSERT_TRUE(registry->finish_issuance(call, grant.serial, answer));
  EXPECT_EQ(status_of("dev", grant.serial), CertificateStatus::kIssued);
  const auto found = registry->find_operation("op-1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->status, "assigned");
  EXPECT_EQ(found->body, answer.body);
  EXPECT_EQ(found->expires, answer.expires);
}

TEST_F(Issuance, answer_to_what_is_refused_is_not_stored) {
  const Operation answer{"op-1", "dev", "assigned", Bytes{1, 2, 3}, call.now + 1000};
  EXPECT_REFUSED(registry->finish_issuance(call, Bytes{9, 9}, answer), Reason::kNotFound);
  EXPECT_REFUSED(registry->find_operation("op-1"), Reason::kOperationNotFound);
}

TEST_F(Issuance, finishing_twice_is_the_same_as_once) {
  const auto grant = provision("dev", enrollment);
  ASSERT_TRUE(registry->finish_issuance(call, grant.serial));
  EXPECT_EQ(status_of("dev", grant.serial), CertificateStatus::kIssued);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  ASSERT_TRUE(registry->finish_issuance(call, grant.serial));
  EXPECT_EQ(status_of("dev", grant.serial), CertificateStatus::kRevoked) << "never back to issued";
}

// Rows: R-7-35
TEST_F(Issuance, certificate_finished_after_a_revoke_is_dead_and_on_the_list) {
  const auto grant = *enroll("dev", enrollment)->value.issuance;
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_NE(registry->find_device(kNs, "dev")->credential_id, grant.credential_id);
  publish_all();
  ASSERT_TRUE(registry->finish_issuance(call, grant.serial));
  EXPECT_EQ(status_of("dev", grant.serial), CertificateStatus::kRevoked);
  EXPECT_EQ(due_list(grant.ca), std::vector<Bytes>{grant.serial});
}

TEST_F(Issuance, certificate_finished_after_a_deletion_is_dead_and_on_the_list) {
  const auto grant = *enroll("dev", enrollment)->value.issuance;
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev"));
  ASSERT_TRUE(enroll("dev", enrollment)) << "created again, as another device";
  publish_all();
  ASSERT_TRUE(registry->finish_issuance(call, grant.serial));
  EXPECT_EQ(due_list(grant.ca), std::vector<Bytes>{grant.serial});
}

TEST_F(Issuance, certificate_finished_after_a_mere_disabling_is_issued) {
  const auto grant = *enroll("dev", enrollment)->value.issuance;
  ASSERT_TRUE(registry->update_device(call, kNs, "dev", {false}));
  ASSERT_TRUE(registry->finish_issuance(call, grant.serial));
  EXPECT_EQ(status_of("dev", grant.serial), CertificateStatus::kIssued);
}

TEST_F(Issuance, reserved_serial_whose_certificate_never_came_is_on_no_list) {
  const auto grant = *enroll("dev", enrollment)->value.issuance;
  publish_all();
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_EQ(status_of("dev", grant.serial), CertificateStatus::kReserved);
  EXPECT_FALSE(due_list(grant.ca));
}

// Rows: R-5-13
TEST_F(Issuance, leaf_never_outlives_its_issuing_ca) {
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=short", kNow + 10 * kDay + 500)));
  EXPECT_EQ(provision("dev", enrollment).not_after, kNow + 10 * kDay) << "whole seconds, as X.509 has them";
}

TEST_F(Issuance, expired_issuing_ca_issues_nothing) {
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=short", kNow + kDay)));
  call.now = kNow + kDay;
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kIssuanceFailed);
  EXPECT_FALSE(registry->find_device(kNs, "dev")) << "a refused registration changes nothing";
}

TEST_F(Issuance, serial_is_used_once) {
  const Bytes serial = new_serial();
  ASSERT_TRUE(registry->register_device(call, {"dev", enrollment.uuid, true, serial, "op"}));
  EXPECT_REFUSED(registry->register_device(call, {"dev", enrollment.uuid, true, serial, "op"}), Reason::kAlreadyExists);
  EXPECT_REFUSED(registry->register_device(call, {"dev", enrollment.uuid, true, {}, "op"}), Reason::kInvalidArgument);
  EXPECT_REFUSED(registry->begin_renewal(call, kNs, "dev", Bytes(21, 1)), Reason::kInvalidArgument);
  EXPECT_REFUSED(registry->begin_renewal(call, kNs, "dev", Bytes{0, 1}), Reason::kInvalidArgument);
}

// Rows: R-10-25
TEST_F(Issuance, renewal_keeps_the_credential_and_the_old_certificate) {
  const auto old = provision("dev", enrollment);
  call.now += 20 * kDay;
  auto renewed = renew();
  ASSERT_TRUE(renewed);
  expect_audit("certificate.renew", "namespaces/factory/devices/dev", "ok");
  EXPECT_EQ(renewed->value.credential_id, old.credential_id);
  EXPECT_EQ(renewed->value.not_after, call.now + 30 * kDay);
  ASSERT_TRUE(registry->finish_issuance(call, renewed->value.serial));
  EXPECT_EQ(status_of("dev", old.serial), CertificateStatus::kIssued);
  EXPECT_EQ(status_of("dev", renewed->value.serial), CertificateStatus::kIssued);
}

TEST_F(Issuance, renewal_after_a_policy_revoke_is_by_the_new_issuing_ca) {
  provision("dev", enrollment);
  const NewCa replacement = new_ca("CN=new");
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", replacement));
  EXPECT_EQ(renew()->value.ca, replacement.id);
}

TEST_F(Issuance, renewal_of_unknown_and_disabled_devices_is_refused) {
  EXPECT_REFUSED(renew("nobody"), Reason::kDeviceUnknown);
  expect_audit("certificate.renew", "namespaces/factory/devices/nobody", "device unknown");
  EXPECT_REFUSED(registry->begin_renewal(call, "nowhere", "dev", new_serial()), Reason::kDeviceUnknown);
  provision("dev", enrollment);
  ASSERT_TRUE(registry->update_device(call, kNs, "dev", {false}));
  EXPECT_REFUSED(renew(), Reason::kDeviceDisabled);
}

TEST_F(Issuance, renewal_by_a_deleted_policy_is_refused) {
  provision("dev", enrollment);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  EXPECT_REFUSED(renew(), Reason::kPolicyMissing);
  ASSERT_TRUE(make_policy("alpha"));
  EXPECT_REFUSED(renew(), Reason::kPolicyMissing);  // a namesake is another policy
}

TEST_F(Issuance, renewal_of_a_device_that_never_had_a_policy_is_refused) {
  ASSERT_TRUE(registry->create_device(call, kNs, "plain"));
  EXPECT_REFUSED(renew("plain"), Reason::kNotConfigured);
}

// Rows: R-7-32, R-7-33
TEST_F(Issuance, renewal_works_for_a_deleted_enrollment_not_for_a_disabled_one) {
  provision("dev", enrollment);
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {{}, false}));
  EXPECT_REFUSED(renew(), Reason::kEnrollmentDisabled);
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {{}, true}));
  EXPECT_TRUE(renew());
  ASSERT_TRUE(registry->delete_enrollment(call, "dev", false));
  EXPECT_TRUE(renew());
}

TEST_F(Issuance, renewal_from_a_session_older_than_a_revocation_is_refused) {
  const auto grant = provision("dev", enrollment);
  call.shown = DeviceIdentifier{grant.device, grant.credential_id};
  ASSERT_TRUE(renew());
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_REFUSED(renew(), Reason::kIdentifierMismatch);
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev"));
  provision("dev", enrollment);
  EXPECT_REFUSED(renew(), Reason::kIdentifierMismatch);  // another device of that id
}

TEST_F(Issuance, certificates_are_listed_in_the_order_they_were_begun) {
  std::vector<Bytes> serials;
  for (int i = 0; i < 5; ++i) {
    serials.push_back(provision("dev", enrollment).serial);
    call.now += 1;
  }
  std::vector<Bytes> listed;
  for (const auto& certificate : must(registry->list_certificates(kNs, "dev"))) listed.push_back(certificate.serial);
  EXPECT_EQ(listed, serials);
}

}  // namespace
}  // namespace latchkey::registry
