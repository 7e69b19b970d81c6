// SPDX-License-Identifier: Apache-2.0
// The table "What a hub accepts after each operation", every cell decided by a mutual-TLS connection to the broker of a
// running hub, and by the decision record of that very connection. Rows of our own choice:
// acceptance_own_rows_test.cpp. A row whose cells depend on time lies in AcceptanceOverTime, whose clock only goes
// forward.
//
// "BYOR policy P renewed its issuing CA (activate again) and synced" is played in byor_test.cpp, whose CA is made by
// openssl.
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {
namespace {

class Acceptance : public HubTest<Acceptance> {};

// Rows: R-7-20
TEST_F(Acceptance, without_any_event_every_issued_certificate_is_accepted) {
  Cohort cohort(hub(), "nothing");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  EXPECT_TRUE(accepted(hub(), a, old_a));
  EXPECT_TRUE(accepted(hub(), b, of_b));
  const auto another = cohort.provision(a);  // a second one takes nothing from the first
  EXPECT_TRUE(accepted(hub(), a, another));
  EXPECT_TRUE(accepted(hub(), a, old_a));
}

// Rows: R-7-11, R-7-17, R-7-18, R-7-21, R-7-40
TEST_F(Acceptance, device_revoke_kills_every_certificate_of_that_device_and_no_other) {
  Cohort cohort(hub(), "revoked");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto first = cohort.provision(a);
  const auto second = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto session_a = open_session(hub(), a, second);
  const auto session_b = open_session(hub(), b, of_b);

  operate(hub(), {"device", "revoke", "-n", a, "-y"});
  EXPECT_TRUE(refused(hub(), a, first, kIdentifierMismatch));
  EXPECT_TRUE(refused(hub(), a, second, kIdentifierMismatch));
  EXPECT_TRUE(session_a->wait_closed(20'000));
  EXPECT_TRUE(session_b->connected());
  const auto fresh = cohort.provision(a);
  EXPECT_TRUE(accepted(hub(), a, fresh));
  EXPECT_TRUE(refused(hub(), a, second, kIdentifierMismatch));
  EXPECT_TRUE(accepted(hub(), b, of_b)) << "on the same policy";

  operate(hub(), {"device", "revoke", "-n", a, "-y"});  // each revoke rotates again
  EXPECT_TRUE(refused(hub(), a, fresh, kIdentifierMismatch));
  EXPECT_TRUE(accepted(hub(), a, cohort.provision(a)));
}

// Rows: R-7-12, R-7-22, R-10-29
TEST_F(Acceptance, device_revoked_and_disabled_gets_nothing_until_it_is_enabled) {
  Cohort cohort(hub(), "revoked-disabled");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);

  operate(hub(), {"device", "revoke", "-n", a, "--disable", "-y"});
  EXPECT_TRUE(refused(hub(), a, old_a, kRevokedAndDisabled));
  EXPECT_TRUE(answers(cohort.try_provision(a), "disabled"));
  EXPECT_TRUE(accepted(hub(), b, of_b));

  operate(hub(), {"device", "update", "-n", a, "--enabled", "true"});
  EXPECT_TRUE(refused(hub(), a, old_a, kIdentifierMismatch)) << "enabling gives no revoked certificate back";
  EXPECT_TRUE(accepted(hub(), a, cohort.provision(a)));
  EXPECT_TRUE(accepted(hub(), b, of_b));
}

// Rows: R-7-13, R-7-23, R-9-11
TEST_F(Acceptance, device_only_disabled_is_refused_until_the_same_certificate_works_again) {
  Cohort cohort(hub(), "disabled");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto new_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);

  operate(hub(), {"device", "update", "-n", a, "--enabled", "false"});
  EXPECT_TRUE(refused(hub(), a, old_a, kDeviceDisabled));
  EXPECT_TRUE(refused(hub(), a, new_a, kDeviceDisabled));
  EXPECT_TRUE(answers(cohort.try_provision(a), "disabled"));
  EXPECT_TRUE(accepted(hub(), b, of_b));

  operate(hub(), {"device", "update", "-n", a, "--enabled", "true"});
  EXPECT_TRUE(accepted(hub(), a, old_a));
  EXPECT_TRUE(accepted(hub(), a, new_a));
  EXPECT_TRUE(accepted(hub(), a, cohort.provision(a)));
}

// Rows: R-5-09, R-7-06, R-7-24, R-13-06
TEST_F(Acceptance, policy_revoke_kills_all_leaves_of_the_old_issuing_ca_and_no_other) {
  Cohort cohort(hub(), "policy-revoked");
  Cohort neighbours(hub(), "policy-not-revoked");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto other = neighbours.device("a");
  const auto old_subject = cohort.subject();
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto of_other = neighbours.provision(other);

  cohort.revoke_policy();
  EXPECT_NE(cohort.subject(), old_subject);
  EXPECT_TRUE(hub_certificates(hub(), old_subject).empty());
  EXPECT_EQ(hub_certificates(hub(), cohort.subject()).size(), 1u);
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
  EXPECT_TRUE(refused(hub(), b, of_b, kIssuerNotTrusted)) << "until it is provisioned anew";
  const auto new_a = cohort.provision(a);
  EXPECT_EQ(subject_text(new_a.chain.at(1)), cohort.subject());
  EXPECT_TRUE(accepted(hub(), a, new_a));
  EXPECT_TRUE(refused(hub(), b, of_b, kIssuerNotTrusted));
  EXPECT_TRUE(accepted(hub(), b, cohort.provision(b)));
  EXPECT_TRUE(accepted(hub(), other, of_other)) << "on another policy";
}

// This hub syncs as part of the revoke. What a sync that failed half way leaves behind - the old CA is off the hub, the
// new one not on it - is made by taking the new one off again.
// Rows: R-3-20, R-7-25
TEST_F(Acceptance, policy_revoked_and_not_yet_synced_is_over_for_old_and_new_certificates_until_the_sync) {
  Cohort cohort(hub(), "not-yet-synced");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);

  cohort.revoke_policy();
  delete_from_hub(hub(), cohort.subject());
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted)) << "its CA is removed already";
  const auto new_a = cohort.provision(a);
  EXPECT_TRUE(refused(hub(), a, new_a, kIssuerNotTrusted)) << "its CA is not trusted yet";
  EXPECT_TRUE(refused(hub(), b, of_b, kIssuerNotTrusted));

  operate(hub(), {"credential", "sync"});
  EXPECT_TRUE(accepted(hub(), a, new_a));
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
  EXPECT_TRUE(refused(hub(), b, of_b, kIssuerNotTrusted));
}

// Rows: R-7-03, R-7-09, R-7-26, R-10-28
TEST_F(Acceptance, policy_delete_stops_issuance_and_leaves_existing_certificates_alone) {
  Cohort cohort(hub(), "policy-deleted");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);

  cohort.delete_policy();
  EXPECT_TRUE(accepted(hub(), a, old_a));
  EXPECT_TRUE(answers(cohort.try_provision(a), "failed", 404204));
  EXPECT_EQ(renew(hub(), a, old_a).status, 403);
  EXPECT_TRUE(accepted(hub(), b, of_b));
  operate(hub(), {"credential", "sync"});  // never takes the CA of a deleted policy away
  EXPECT_TRUE(accepted(hub(), a, old_a));
  EXPECT_TRUE(accepted(hub(), b, of_b));
}

// Rows: R-7-09, R-7-14, R-7-27
TEST_F(Acceptance, deleted_policy_whose_ca_is_deleted_from_the_hub_is_over_for_all_its_devices) {
  Cohort cohort(hub(), "policy-gone");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto subject = cohort.subject();

  cohort.delete_policy();
  delete_from_hub(hub(), subject);
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
  EXPECT_TRUE(refused(hub(), b, of_b, kIssuerNotTrusted));
  operate(hub(), {"credential", "sync"});  // does not bring it back either
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
}

// A credential is deleted: this hub cannot be shared.
class AcceptanceWithoutCredential : public HubTest<AcceptanceWithoutCredential> {};

// Rows: R-7-04, R-7-28, R-13-02
TEST_F(AcceptanceWithoutCredential, credential_delete_leaves_what_the_hub_trusts_alone) {
  Cohort cohort(hub(), "last");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto subject = cohort.subject();

  EXPECT_NE(hub().cli({"credential", "delete", "-y"}).exit_status, 0) << "policies still exist";
  operate(hub(), {"policy", "delete", "-n", "default", "-y"});
  cohort.delete_policy();
  operate(hub(), {"credential", "delete", "-y"});
  EXPECT_TRUE(accepted(hub(), a, old_a));
  EXPECT_TRUE(answers(cohort.try_provision(a), "failed", 404204));
  EXPECT_TRUE(accepted(hub(), b, of_b));

  operate(hub(), {"credential", "create"});  // a new root changes nothing about the old certificates
  EXPECT_TRUE(accepted(hub(), a, old_a));
  delete_from_hub(hub(), subject);
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
  EXPECT_TRUE(refused(hub(), b, of_b, kIssuerNotTrusted));
}

class AcceptanceOverTime : public HubTest<AcceptanceOverTime> {
 protected:
  static void days_pass(double days) {
    days_ += days;
    hub().set_clock(days_ * 86'400);
  }

 private:
  static inline double days_ = 0;
};

// Rows: R-7-29, R-10-27
TEST_F(AcceptanceOverTime, expired_certificate_is_refused_and_provisioning_gives_another) {
  Cohort cohort(hub(), "expiry");
  const auto a = cohort.device("a");
  const auto old_a = cohort.provision(a);
  days_pass(29);
  EXPECT_TRUE(accepted(hub(), a, old_a));
  days_pass(2);
  EXPECT_TRUE(refused(hub(), a, old_a, kExpired));
  EXPECT_TRUE(accepted(hub(), a, cohort.provision(a)));
  EXPECT_TRUE(refused(hub(), a, old_a, kExpired));
}

// Rows: R-7-09, R-7-26
TEST_F(AcceptanceOverTime, certificates_of_a_deleted_policy_are_accepted_until_they_expire) {
  Cohort cohort(hub(), "expiry-deleted");
  const auto a = cohort.device("a");
  const auto old_a = cohort.provision(a);
  cohort.delete_policy();
  days_pass(29);
  EXPECT_TRUE(accepted(hub(), a, old_a));
  days_pass(2);
  EXPECT_TRUE(refused(hub(), a, old_a, kExpired));
  EXPECT_TRUE(answers(cohort.try_provision(a), "failed", 404204));
}

// Rows: R-7-36
TEST_F(AcceptanceOverTime, moving_the_enrollment_does_not_lengthen_the_old_certificates_life) {
  Cohort cohort(hub(), "expiry-moved");
  Cohort target(hub(), "expiry-target");
  const auto a = cohort.device("a");
  const auto old_a = cohort.provision(a);
  cohort.delete_policy();
  operate(hub(), {"enrollment", "update", "--id", cohort.name(), "--group", "--policy", target.name()});
  days_pass(29);
  EXPECT_TRUE(accepted(hub(), a, old_a));
  const auto new_a = cohort.provision(a);
  days_pass(2);
  EXPECT_TRUE(refused(hub(), a, old_a, kExpired));
  EXPECT_TRUE(accepted(hub(), a, new_a));
}

}  // namespace
}  // namespace latchkey::tests
