// SPDX-License-Identifier: Apache-2.0
// Policies with a root of their own: what the registry lets happen to them, and when.
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class OwnRoots : public RegistryTest {
 protected:
  NewCsr new_request() {
    NewCsr request;
    const NewCa like = new_ca("CN=request");
    request.id = like.id;
    request.subject = "CN=request" + std::to_string(++requests_);
    request.csr = Bytes{0x30, static_cast<std::uint8_t>(requests_)};
    request.key_ref = like.key_ref;
    return request;
  }
  SignedCa sign(const NewCsr& request, UnixMs not_after = kNow + 400 * kDay) {
    return {request.id, new_serial(), kNow - kDay, not_after, Bytes{0x31, request.csr.back()}, Bytes{0x32}};
  }
  // Policy "own", pending.
  NewCsr make_pending() {
    make_factory({});
    const NewCsr request = new_request();
    EXPECT_TRUE(registry->create_own_root_policy(call, kNs, {"own", 30, request}));
    return request;
  }
  // Policy "own", active and synced.
  NewCsr make_active(UnixMs not_after = kNow + 400 * kDay) {
    const NewCsr request = make_pending();
    EXPECT_TRUE(registry->activate_policy(call, kNs, "own", sign(request, not_after)));
    EXPECT_TRUE(registry->sync_credential(call, kNs));
    return request;
  }
  std::vector<Uuid> trusted() {
    std::vector<Uuid> cas;
    for (const auto& certificate : must(registry->list_hub_certificates("hub"))) cas.push_back(certificate.ca);
    return cas;
  }
  std::optional<CaCertificate> pending() {
    return must(registry->pending_ca(must(registry->find_policy(kNs, "own")).uuid));
  }
  Call overriding(const std::string& name) {
    Call other = call;
    other.override_name = name;
    return other;
  }
  const std::string path_ = "namespaces/factory/credentials/default/policies/own";

 private:
  int requests_ = 0;
};

// --- pending

// Rows: R-5-16, R-7-05
TEST_F(OwnRoots, new_one_waits_for_its_certificate_and_no_hub_hears_of_it) {
  const Sequence before = registry->newest_sequence();
  const NewCsr request = make_pending();
  expect_audit("policy.create", path_, "ok");
  const Policy policy = must(registry->find_policy(kNs, "own"));
  EXPECT_TRUE(policy.own_root);
  EXPECT_EQ(policy.ca, request.id);
  ASSERT_TRUE(pending());
  EXPECT_EQ(pending()->csr, request.csr);
  EXPECT_EQ(pending()->key_ref, request.key_ref);
  EXPECT_EQ(pending()->status, CaStatus::kPending);
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  EXPECT_TRUE(trusted().empty());
  EXPECT_EQ(registry->newest_sequence(), before);
  EXPECT_FALSE(due_list(request.id)) << "it has neither certificate nor list";
  EXPECT_REFUSED(registry->crl_order(request.id, kNow), Reason::kNotFound);
}

TEST_F(OwnRoots, pending_one_survives_a_restart) {
  const NewCsr request = make_pending();
  open();
  ASSERT_TRUE(pending());
  EXPECT_EQ(pending()->csr, request.csr);
  EXPECT_TRUE(registry->activate_policy(call, kNs, "own", sign(request)));
}

// Rows: R-5-16, R-10-29
TEST_F(OwnRoots, pending_one_issues_nothing_but_assigns) {
  make_pending();
  const Enrollment enrollment = make_enrollment("dev", "own");
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kPolicyPendingActivation);
  EXPECT_EQ(faces(Reason::kPolicyPendingActivation).dps_error, 409204);
  EXPECT_REFUSED(registry->find_device(kNs, "dev"), Reason::kNotFound);
  EXPECT_TRUE(enroll("dev", enrollment, false));
  EXPECT_REFUSED(registry->begin_renewal(call, kNs, "dev", new_serial()), Reason::kPolicyPendingActivation);
}

TEST_F(OwnRoots, names_and_lifetimes_follow_the_same_rules) {
  make_pending();
  const auto make = [&](const std::string& name, int days) {
    return registry->create_own_root_policy(call, kNs, {name, days, new_request()});
  };
  EXPECT_REFUSED(make("OWN", 30), Reason::kAlreadyExists);
  EXPECT_REFUSED(make("a b", 30), Reason::kInvalidName);
  EXPECT_REFUSED(make("other", 91), Reason::kInvalidValidityPeriod);
  EXPECT_REFUSED(registry->create_own_root_policy(call, "nowhere", {"other", 30, new_request()}),
                 Reason::kParentNotFound);
  EXPECT_REFUSED(registry->create_own_root_policy(call, kNs, {"other", 30, {}}), Reason::kInvalidArgument);
}

// --- activation

// Rows: R-6-13
TEST_F(OwnRoots, activation_makes_it_issue_but_only_a_sync_makes_hubs_trust_it) {
  const NewCsr request = make_pending();
  const SignedCa ca = sign(request);
  auto activated = registry->activate_policy(call, kNs, "own", ca);
  ASSERT_TRUE(activated);
  expect_audit("policy.activate", path_, "ok");
  EXPECT_THAT(last_audit().after, HasSubstr("issuing_ca="));
  const auto row = must(registry->find_ca(request.id));
  EXPECT_EQ(row.status, CaStatus::kActive);
  EXPECT_EQ(row.der, ca.der);
  EXPECT_EQ(row.root, ca.root);
  EXPECT_TRUE(row.issuer.is_zero());
  EXPECT_FALSE(pending());
  EXPECT_EQ(due_list(request.id), std::vector<Bytes>()) << "its first list is ours";
  EXPECT_TRUE(trusted().empty());
  EXPECT_EQ(must(registry->sync_credential(call, kNs)).value.added, 1);
  EXPECT_THAT(trusted(), ElementsAre(request.id));
  EXPECT_EQ(provision("dev", make_enrollment("dev", "own")).ca, request.id);
}

// Rows: R-3-16
TEST_F(OwnRoots, activation_is_refused_where_nothing_waits) {
  make_active();
  ASSERT_TRUE(make_policy("standard"));
  EXPECT_REFUSED(registry->activate_policy(call, kNs, "own", sign(new_request())), Reason::kNoPendingActivation);
  expect_audit("policy.activate", path_, "no pending activation");
  EXPECT_REFUSED(registry->activate_policy(call, kNs, "standard", sign(new_request())), Reason::kByorNotEnabled);
  EXPECT_REFUSED(registry->activate_policy(call, kNs, "nobody", sign(new_request())), Reason::kNotFound);
}

// Rows: R-6-14
TEST_F(OwnRoots, refused_activation_changes_nothing) {
  const NewCsr request = make_pending();
  EXPECT_REFUSED(registry->activate_policy(call, kNs, "own", sign(new_request())), Reason::kPreconditionFailed);
  SignedCa empty = sign(request);
  empty.der.clear();
  EXPECT_REFUSED(registry->activate_policy(call, kNs, "own", empty), Reason::kInvalidArgument);
  SignedCa backwards = sign(request);
  backwards.not_after = backwards.not_before;
  EXPECT_REFUSED(registry->activate_policy(call, kNs, "own", backwards), Reason::kInvalidArgument);
  ASSERT_TRUE(pending());
  EXPECT_EQ(pending()->csr, request.csr);
  EXPECT_TRUE(registry->activate_policy(call, kNs, "own", sign(request)));
}

TEST_F(OwnRoots, revoking_a_device_puts_it_on_the_list_of_that_ca) {
  const NewCsr request = make_active();
  const auto leaf = provision("dev", make_enrollment("dev", "own"));
  publish_all();
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_EQ(due_list(request.id), std::vector<Bytes>{leaf.serial});
}

// --- renewal of the issuing CA

// Rows: R-5-15
TEST_F(OwnRoots, renewal_is_due_30_days_before_the_end_and_also_behind_it) {
  make_active(kNow + 400 * kDay);
  EXPECT_TRUE(must(registry->due_renewals(kNow + 370 * kDay - 1)).empty());
  const auto due = must(registry->due_renewals(kNow + 370 * kDay));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].namespace_name, kNs);
  EXPECT_EQ(due[0].policy.name, "own");
  EXPECT_EQ(must(registry->due_renewals(kNow + 500 * kDay)).size(), 1u);
  EXPECT_REFUSED(registry->request_renewal(call, kNs, "own", new_request()), Reason::kPreconditionFailed);
  call.now = kNow + 370 * kDay;
  ASSERT_TRUE(registry->request_renewal(call, kNs, "own", new_request()));
  expect_audit("policy.requestRenewal", path_, "ok");
  EXPECT_TRUE(must(registry->due_renewals(call.now)).empty()) << "one CSR waits, that is enough";
  EXPECT_REFUSED(registry->request_renewal(call, kNs, "own", new_request()), Reason::kAlreadyExists);
}

TEST_F(OwnRoots, pending_and_standard_policies_are_never_due) {
  make_pending();
  ASSERT_TRUE(make_policy("standard"));
  EXPECT_TRUE(must(registry->due_renewals(kNow + 5000 * kDay)).empty());
  EXPECT_REFUSED(registry->request_renewal(call, kNs, "own", new_request()), Reason::kAlreadyExists);
  EXPECT_REFUSED(registry->request_renewal(call, kNs, "standard", new_request()), Reason::kByorNotEnabled);
}

TEST_F(OwnRoots, while_a_renewal_waits_the_old_ca_goes_on_issuing) {
  const NewCsr old = make_active(kNow + 400 * kDay);
  call.now = kNow + 380 * kDay;
  ASSERT_TRUE(registry->request_renewal(call, kNs, "own", new_request()));
  EXPECT_EQ(provision("dev", make_enrollment("dev", "own")).ca, old.id);
}

// Rows: R-7-02, R-7-37
TEST_F(OwnRoots, renewed_ca_issues_and_both_stay_trusted_until_the_old_one_ends) {
  const NewCsr old = make_active(kNow + 400 * kDay);
  call.now = kNow + 380 * kDay;
  const NewCsr next = new_request();
  ASSERT_TRUE(registry->request_renewal(call, kNs, "own", next));
  ASSERT_TRUE(registry->activate_policy(call, kNs, "own", sign(next, kNow + 900 * kDay)));
  EXPECT_THAT(trusted(), ElementsAre(old.id)) << "not synced yet";
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  EXPECT_THAT(trusted(), testing::UnorderedElementsAre(old.id, next.id));
  EXPECT_EQ(provision("dev", make_enrollment("dev", "own")).ca, next.id);
  ASSERT_TRUE(registry->create_hub(call, kNs, "late", "late"));
  EXPECT_TRUE(must(registry->list_hub_certificates("late")).empty()) << "not by itself";
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  EXPECT_EQ(must(registry->list_hub_certificates("late")).size(), 2u);

  call.now = kNow + 401 * kDay;
  EXPECT_EQ(must(registry->sync_credential(call, kNs)).value.removed, 2);
  EXPECT_THAT(trusted(), ElementsAre(next.id));
}

TEST_F(OwnRoots, expired_one_issues_nothing_until_it_is_renewed) {
  make_active(kNow + 400 * kDay);
  const Enrollment enrollment = make_enrollment("dev", "own");
  call.now = kNow + 401 * kDay;
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kIssuanceFailed);
  const NewCsr next = new_request();
  ASSERT_TRUE(registry->request_renewal(call, kNs, "own", next));
  ASSERT_TRUE(registry->activate_policy(call, kNs, "own", sign(next, kNow + 900 * kDay)));
  EXPECT_EQ(provision("dev", enrollment).ca, next.id);
}

// --- revocation

// Rows: R-7-07, R-13-01
TEST_F(OwnRoots, revoke_is_the_customers_to_do) {
  const NewCsr request = make_active();
  EXPECT_REFUSED(registry->revoke_policy(call, kNs, "own", new_ca("CN=other")), Reason::kByorRevokeNotAllowed);
  expect_audit("policy.revoke", path_, "bring-your-own-root policy");
  EXPECT_EQ(must(registry->find_ca(request.id)).status, CaStatus::kActive);
  EXPECT_THAT(trusted(), ElementsAre(request.id));
}

// Rows: R-7-08, R-13-01
TEST_F(OwnRoots, older_flow_takes_every_ca_off_the_hubs_and_waits_for_a_new_one) {
  const NewCsr old = make_active(kNow + 400 * kDay);
  call.now = kNow + 380 * kDay;
  const NewCsr never = new_request();
  ASSERT_TRUE(registry->request_renewal(call, kNs, "own", never));
  const Sequence before = registry->newest_sequence();
  const NewCsr next = new_request();
  ASSERT_TRUE(registry->rotate_own_root(call, kNs, "own", next));
  expect_audit("policy.revoke", path_, "ok");
  EXPECT_TRUE(trusted().empty());
  const auto changes = changes_since(before);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(std::get<AnchorGone>(changes[0].body).ca, old.id);
  EXPECT_EQ(must(registry->find_ca(old.id)).status, CaStatus::kRevoked);
  EXPECT_TRUE(must(registry->find_ca(never.id)).key_ref.empty());
  ASSERT_TRUE(pending());
  EXPECT_EQ(pending()->id, next.id);
  EXPECT_REFUSED(enroll("dev", make_enrollment("dev", "own")), Reason::kPolicyPendingActivation);
  ASSERT_TRUE(registry->activate_policy(call, kNs, "own", sign(next, kNow + 900 * kDay)));
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  EXPECT_THAT(trusted(), ElementsAre(next.id)) << "what was revoked does not come back";
  ASSERT_TRUE(make_policy("standard"));
  EXPECT_REFUSED(registry->rotate_own_root(call, kNs, "standard", new_request()), Reason::kByorNotEnabled);
}

// --- deletion

// Rows: R-7-10
TEST_F(OwnRoots, delete_is_refused_while_an_enabled_enrollment_names_it) {
  make_active();
  const Enrollment enrollment = make_enrollment("Line", "OWN", true);
  auto refused = registry->delete_policy(call, kNs, "own");
  EXPECT_REFUSED(refused, Reason::kPolicyHasEnrollments);
  EXPECT_THAT(refused.error().detail, HasSubstr("'Line'"));
  ASSERT_TRUE(registry->update_enrollment(call, "line", true, {.policy_name = {}, .enabled = false}));
  EXPECT_TRUE(registry->delete_policy(call, kNs, "own"));
}

// Rows: R-7-10
TEST_F(OwnRoots, delete_names_up_to_20_devices_with_live_certificates_and_their_number) {
  make_active();
  const Enrollment group = make_enrollment("line", "own", true);
  for (int i = 100; i < 123; ++i) provision("dev" + std::to_string(i), group);
  ASSERT_TRUE(make_policy("other"));
  ASSERT_TRUE(registry->update_enrollment(call, "line", true, {.policy_name = "other", .enabled = {}}));
  auto refused = registry->delete_policy(call, kNs, "own");
  EXPECT_REFUSED(refused, Reason::kPolicyHasDevices);
  EXPECT_THAT(refused.error().detail, HasSubstr("23 devices"));
  EXPECT_THAT(refused.error().detail, HasSubstr("'dev119' and 3 more"));
  EXPECT_THAT(refused.error().detail, Not(HasSubstr("'dev120'")));
  expect_audit("policy.delete", path_, "policy has devices");
  EXPECT_TRUE(registry->find_policy(kNs, "own"));
}

// Rows: R-7-10
TEST_F(OwnRoots, revoked_and_expired_certificates_do_not_stand_in_the_way) {
  make_active();
  const Enrollment group = make_enrollment("line", "own", true);
  provision("revoked", group);
  provision("gone", group);
  provision("late", group);
  ASSERT_TRUE(enroll("reserved", group));  // signed for nobody
  ASSERT_TRUE(registry->update_enrollment(call, "line", true, {.policy_name = {}, .enabled = false}));
  ASSERT_TRUE(registry->revoke_device(call, kNs, "revoked", false));
  ASSERT_TRUE(registry->delete_device(call, kNs, "gone"));
  auto refused = registry->delete_policy(call, kNs, "own");
  EXPECT_REFUSED(refused, Reason::kPolicyHasDevices);
  EXPECT_THAT(refused.error().detail, HasSubstr("1 device holds"));
  EXPECT_THAT(refused.error().detail, HasSubstr("'late'"));
  call.now = kNow + 31 * kDay;
  EXPECT_TRUE(registry->delete_policy(call, kNs, "own"));
}

// Rows: R-7-10
TEST_F(OwnRoots, override_by_its_name_deletes_it_all_the_same_and_is_on_record) {
  make_active();
  const auto leaf = provision("dev", make_enrollment("dev", "own"));
  for (const char* wrong : {"", "other", "own2", "yes"}) {
    EXPECT_REFUSED(registry->delete_policy(overriding(wrong), kNs, "own"), Reason::kPolicyHasEnrollments);
  }
  const auto trusted_before = trusted();
  ASSERT_TRUE(registry->delete_policy(overriding("Own"), kNs, "own"));
  EXPECT_THAT(last_audit().detail, HasSubstr("overridden"));
  EXPECT_THAT(last_audit().detail, HasSubstr("'dev'"));
  EXPECT_EQ(trusted(), trusted_before) << "hubs go on accepting";
  EXPECT_EQ(status_of("dev", leaf.serial), CertificateStatus::kIssued);
}

TEST_F(OwnRoots, certificate_under_way_when_its_policy_is_deleted_is_never_given_out) {
  make_active();
  const Enrollment enrollment = make_enrollment("dev", "own");
  const auto granted = enroll("dev", enrollment);
  ASSERT_TRUE(granted && granted->value.issuance);
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {.policy_name = {}, .enabled = false}));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "own"));
  EXPECT_REFUSED(registry->finish_issuance(call, granted->value.issuance->serial), Reason::kPolicyMissing);
  EXPECT_EQ(status_of("dev", granted->value.issuance->serial), CertificateStatus::kReserved);
}

TEST_F(OwnRoots, pending_one_is_deleted_with_its_key_and_owes_no_list) {
  const NewCsr request = make_pending();
  ASSERT_TRUE(registry->delete_policy(call, kNs, "own"));
  EXPECT_TRUE(must(registry->find_ca(request.id)).key_ref.empty());
  EXPECT_FALSE(due_list(request.id));
  EXPECT_TRUE(registry->create_own_root_policy(call, kNs, {"own", 30, new_request()})) << "the name is free again";
}

TEST_F(OwnRoots, deleted_one_owes_its_last_list) {
  const NewCsr request = make_active();
  publish_all();
  ASSERT_TRUE(registry->delete_policy(call, kNs, "own"));
  EXPECT_EQ(due_list(request.id), std::vector<Bytes>());
  publish_all();
  EXPECT_TRUE(must(registry->find_ca(request.id)).key_ref.empty());
}

// Rows: R-13-02
TEST_F(OwnRoots, credential_goes_with_its_last_policy_only_by_that_policys_name) {
  make_active();
  provision("dev", make_enrollment("dev", "own"));
  EXPECT_REFUSED(registry->delete_credential(call, kNs), Reason::kCredentialHasPolicies);
  EXPECT_REFUSED(registry->delete_credential(overriding("other"), kNs), Reason::kCredentialHasPolicies);
  ASSERT_TRUE(make_policy("standard"));
  EXPECT_REFUSED(registry->delete_credential(overriding("own"), kNs), Reason::kCredentialHasPolicies);
  EXPECT_REFUSED(registry->delete_credential(overriding("standard"), kNs), Reason::kCredentialHasPolicies);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "standard"));
  EXPECT_TRUE(registry->find_policy(kNs, "own"));

  ASSERT_TRUE(registry->delete_credential(overriding("own"), kNs));
  EXPECT_THAT(last_audit().detail, HasSubstr("with policy 'own'"));
  EXPECT_REFUSED(registry->find_policy(kNs, "own"), Reason::kNotFound);
  EXPECT_FALSE(trusted().empty()) << "hub certificates are left alone";
}

// Rows: R-13-02
TEST_F(OwnRoots, standard_policy_is_neither_guarded_nor_overridable_at_the_credential) {
  make_factory({"alpha"});
  provision("dev", make_enrollment("dev"));
  EXPECT_REFUSED(registry->delete_credential(overriding("alpha"), kNs), Reason::kCredentialHasPolicies);
  EXPECT_TRUE(registry->delete_policy(call, kNs, "alpha"));
}

}  // namespace
}  // namespace latchkey::registry
