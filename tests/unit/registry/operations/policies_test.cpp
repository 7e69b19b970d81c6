// SPDX-License-Identifier: Apache-2.0
#include <regex>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::ElementsAre;

class Policies : public RegistryTest {
 protected:
  Outcome<Committed<Policy>> make_valid_for(int days) { return make_policy("days" + std::to_string(days), days); }
};

// Rows: R-7-05
TEST_F(Policies, policy_is_made_with_its_issuing_ca_and_synced) {
  make_factory({});
  const Sequence before = registry->newest_sequence();
  const NewCa ca = new_ca("CN=issuing");
  auto made = registry->create_policy(call, kNs, {"Alpha", 30, ca});
  ASSERT_TRUE(made);
  expect_audit("policy.create", "namespaces/factory/credentials/default/policies/Alpha", "ok");
  EXPECT_EQ(made->value.ca, ca.id);
  EXPECT_EQ(made->value.number, 1);
  EXPECT_EQ(registry->find_ca(ca.id)->issuer, registry->find_credential(kNs)->ca);
  EXPECT_EQ(registry->find_ca(ca.id)->owner, made->value.uuid);

  const auto changes = changes_since(before);
  ASSERT_EQ(changes.size(), 1u);
  const auto& added = std::get<AnchorAdded>(changes[0].body);
  EXPECT_EQ(added.hub, hub.uuid);
  EXPECT_EQ(added.ca, ca.id);
  EXPECT_EQ(added.der, ca.der);
  EXPECT_EQ(made->sequence, changes[0].sequence);
}

// Rows: R-1-03, R-9-02, R-9-06, R-13-08
TEST_F(Policies, hub_certificate_name_is_service_made_and_fits_the_rule) {
  make_factory({});
  const std::string longest(63, 'p');
  ASSERT_TRUE(make_policy(longest));
  ASSERT_TRUE(make_policy("alpha"));
  const std::regex rule("^[A-Za-z0-9\\-._]{1,64}$");
  bool seen = false;
  for (const auto& certificate : must(registry->list_hub_certificates("hub"))) {
    EXPECT_TRUE(std::regex_match(certificate.name, rule)) << certificate.name;
    seen = seen || std::regex_match(certificate.name, std::regex("^adr-alpha-[0-9a-f]{8}$"));
  }
  EXPECT_TRUE(seen);
}

// Rows: R-1-06, R-7-05
TEST_F(Policies, names_compare_without_case) {
  make_factory({"Alpha"});
  EXPECT_EQ(registry->find_policy(kNs, "aLPHA")->name, "Alpha");
  EXPECT_REFUSED(make_policy("ALPHA"), Reason::kAlreadyExists);
}

// Rows: R-1-03, R-7-05
TEST_F(Policies, names_that_break_the_rule_are_refused) {
  make_factory({});
  for (const std::string& name : {std::string(), std::string("ab"), std::string(64, 'p'), std::string("-abc"),
                                  std::string("a_b"), std::string("a b")}) {
    EXPECT_REFUSED(make_policy(name), Reason::kInvalidName);
  }
  EXPECT_TRUE(make_policy("0-9-"));
}

// Rows: R-5-05, R-7-05, R-12-02
TEST_F(Policies, validity_outside_7_to_90_days_is_refused) {
  make_factory({});
  for (const int days : {-1, 0, 6, 91, 3650}) EXPECT_REFUSED(make_valid_for(days), Reason::kInvalidValidityPeriod);
  for (const int days : {7, 90}) EXPECT_TRUE(make_valid_for(days));
  EXPECT_REFUSED(registry->update_policy(call, kNs, "days7", 91), Reason::kInvalidValidityPeriod);
}

TEST_F(Policies, rehearsal_allows_1_to_3650_days) {
  rehearsal = true;
  open();
  make_factory({});
  for (const int days : {0, 3651}) EXPECT_REFUSED(make_valid_for(days), Reason::kInvalidValidityPeriod);
  for (const int days : {1, 3650}) EXPECT_TRUE(make_valid_for(days));
}

// Rows: R-3-18, R-5-11, R-7-05
TEST_F(Policies, parents_that_are_missing_are_named) {
  EXPECT_REFUSED(make_policy("alpha"), Reason::kParentNotFound);
  EXPECT_REFUSED(registry->list_policies(kNs), Reason::kParentNotFound);
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  EXPECT_REFUSED(make_policy("alpha"), Reason::kParentNotFound);
  EXPECT_REFUSED(registry->list_policies(kNs), Reason::kParentNotFound);
  EXPECT_REFUSED(registry->find_policy(kNs, "alpha"), Reason::kNotFound);
}

// Rows: R-7-06, R-7-09
TEST_F(Policies, missing_policy_is_neither_updated_nor_revoked_nor_deleted) {
  make_factory({});
  EXPECT_REFUSED(registry->update_policy(call, kNs, "alpha", 30), Reason::kNotFound);
  expect_audit("policy.update", "namespaces/factory/credentials/default/policies/alpha", "not found");
  EXPECT_REFUSED(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=x")), Reason::kNotFound);
  expect_audit("policy.revoke", "namespaces/factory/credentials/default/policies/alpha", "not found");
  EXPECT_REFUSED(registry->delete_policy(call, kNs, "alpha"), Reason::kNotFound);
  expect_audit("policy.delete", "namespaces/factory/credentials/default/policies/alpha", "not found");
}

// Rows: R-5-07
TEST_F(Policies, validity_applies_to_what_is_issued_afterwards) {
  make_factory({"alpha"});
  const Enrollment enrollment = make_enrollment("dev");
  const auto before = provision("dev", enrollment);
  ASSERT_TRUE(registry->update_policy(call, kNs, "alpha", 60));
  expect_audit("policy.update", "namespaces/factory/credentials/default/policies/alpha", "ok");
  const auto after = provision("dev", enrollment);
  EXPECT_EQ(before.not_after, kNow + 30 * kDay);
  EXPECT_EQ(after.not_after, kNow + 60 * kDay);
  EXPECT_EQ(registry->find_policy(kNs, "alpha")->validity_days, 60);
}

// Rows: R-1-09, R-7-06, R-9-06, R-13-06, R-13-07
TEST_F(Policies, revoke_replaces_the_issuing_ca_on_every_linked_hub) {
  make_factory({"alpha", "beta"});
  ASSERT_TRUE(registry->create_hub(call, kNs, "second", "second"));
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  const Policy old = *registry->find_policy(kNs, "alpha");
  const Policy beta = *registry->find_policy(kNs, "beta");
  std::string old_name;
  for (const auto& certificate : must(registry->list_hub_certificates("hub"))) {
    if (certificate.ca == old.ca) old_name = certificate.name;
  }
  publish_all();
  const Sequence before = registry->newest_sequence();
  const NewCa replacement = new_ca("CN=alpha-new");
  auto revoked = registry->revoke_policy(call, kNs, "alpha", replacement);
  ASSERT_TRUE(revoked);
  expect_audit("policy.revoke", "namespaces/factory/credentials/default/policies/alpha", "ok");
  EXPECT_EQ(revoked->value.uuid, old.uuid);
  EXPECT_EQ(revoked->value.number, old.number);
  EXPECT_EQ(revoked->value.ca, replacement.id);
  EXPECT_EQ(registry->find_policy(kNs, "alpha")->ca, replacement.id);

  const auto changes = changes_since(before);
  ASSERT_EQ(changes.size(), 4u);  // two hubs: gone, added
  EXPECT_EQ(revoked->sequence, changes.back().sequence);
  for (std::size_t i = 0; i < changes.size(); i += 2) {
    EXPECT_EQ(std::get<AnchorGone>(changes[i].body).ca, old.ca);
    EXPECT_EQ(std::get<AnchorAdded>(changes[i + 1].body).ca, replacement.id);
  }
  for (const auto& certificate : must(registry->list_hub_certificates("hub"))) {
    EXPECT_NE(certificate.ca, old.ca);
    EXPECT_NE(certificate.name, old_name);
  }
  EXPECT_EQ(registry->find_policy(kNs, "beta")->ca, beta.ca);
}

// Rows: R-7-06
TEST_F(Policies, revoked_issuing_ca_is_on_the_roots_crl_and_still_signs_its_own) {
  make_factory({"alpha"});
  const Policy old = *registry->find_policy(kNs, "alpha");
  const Uuid root = registry->find_credential(kNs)->ca;
  publish_all();
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=new")));
  auto ca = registry->find_ca(old.ca);
  EXPECT_EQ(ca->status, CaStatus::kRevoked);
  EXPECT_EQ(ca->revoked_at, kNow);
  EXPECT_FALSE(ca->key_ref.empty());
  EXPECT_EQ(due_list(root), std::vector<Bytes>{ca->serial});
  EXPECT_FALSE(due_list(old.ca));
}

// Rows: R-5-09
TEST_F(Policies, revoke_needs_a_new_subject_and_a_new_ca) {
  make_factory({});
  const NewCa first = new_ca("CN=same");
  ASSERT_TRUE(registry->create_policy(call, kNs, {"alpha", 30, first}));
  EXPECT_REFUSED(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=same")), Reason::kInvalidArgument);
  NewCa again = first;
  again.subject = "CN=other";
  EXPECT_REFUSED(registry->revoke_policy(call, kNs, "alpha", again), Reason::kAlreadyExists);
  EXPECT_EQ(registry->find_policy(kNs, "alpha")->ca, first.id);
  EXPECT_EQ(registry->find_ca(first.id)->status, CaStatus::kActive);
}

TEST_F(Policies, ca_below_another_root_than_the_credentials_is_refused) {
  make_factory({"alpha"});
  const Uuid current = registry->find_policy(kNs, "alpha")->ca;
  const auto below = [&](const Uuid& issuer) {
    NewCa ca = new_ca("CN=elsewhere");
    ca.issuer = issuer;
    return ca;
  };
  NewCa itself = new_ca("CN=itself");
  itself.issuer = itself.id;
  for (const NewCa& ca : {below({}), below(current), itself}) {
    EXPECT_REFUSED(registry->create_policy(call, kNs, {"beta", 30, ca}), Reason::kIssuerReplaced);
    expect_audit("policy.create", "namespaces/factory/credentials/default/policies/beta", "issuer replaced");
    EXPECT_REFUSED(registry->revoke_policy(call, kNs, "alpha", ca), Reason::kIssuerReplaced);
    expect_audit("policy.revoke", "namespaces/factory/credentials/default/policies/alpha", "issuer replaced");
    EXPECT_REFUSED(registry->find_ca(ca.id), Reason::kNotFound);
  }
  EXPECT_EQ(registry->find_policy(kNs, "alpha")->ca, current);
  EXPECT_EQ(registry->find_ca(current)->status, CaStatus::kActive);
}

TEST_F(Policies, ca_whose_root_was_replaced_while_it_was_signed_is_refused) {
  make_factory({});
  const NewCa signed_before = new_ca("CN=before");
  ASSERT_TRUE(registry->delete_credential(call, kNs));
  EXPECT_REFUSED(registry->create_policy(call, kNs, {"alpha", 30, signed_before}), Reason::kParentNotFound);
  ASSERT_TRUE(registry->create_credential(call, kNs, new_ca("CN=root2")));
  EXPECT_REFUSED(registry->create_policy(call, kNs, {"alpha", 30, signed_before}), Reason::kIssuerReplaced);
  ASSERT_TRUE(make_policy("alpha"));
  NewCa replacement = signed_before;
  EXPECT_REFUSED(registry->revoke_policy(call, kNs, "alpha", replacement), Reason::kIssuerReplaced);
  replacement.issuer = registry->find_credential(kNs)->ca;
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", replacement));
  EXPECT_EQ(registry->find_ca(replacement.id)->issuer, registry->find_credential(kNs)->ca);
}

TEST_F(Policies, revoke_touches_no_device_and_no_certificate) {
  make_factory({"alpha"});
  const auto leaf = provision("dev", make_enrollment("dev"));
  const Device device = *registry->find_device(kNs, "dev");
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=new")));
  EXPECT_EQ(registry->find_device(kNs, "dev")->version, device.version);
  EXPECT_EQ(registry->find_device(kNs, "dev")->credential_id, device.credential_id);
  EXPECT_EQ(status_of("dev", leaf.serial), CertificateStatus::kIssued);
}

// Rows: R-7-09, R-7-38
TEST_F(Policies, delete_leaves_every_ca_of_the_policy_its_last_list_and_the_hubs_alone) {
  make_factory({"alpha", "beta"});
  publish_all();
  const Uuid revoked = registry->find_policy(kNs, "alpha")->ca;
  const NewCa second = new_ca("CN=second");
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", second));
  const Sequence before = registry->newest_sequence();
  auto deleted = registry->delete_policy(call, kNs, "alpha");
  ASSERT_TRUE(deleted);
  for (const Uuid& ca : {revoked, second.id}) {
    EXPECT_TRUE(registry->find_ca(ca)->crl_due);
    EXPECT_FALSE(registry->find_ca(ca)->key_ref.empty()) << "it signs once more";
  }
  EXPECT_FALSE(registry->find_ca(registry->find_policy(kNs, "beta")->ca)->crl_due);
  EXPECT_TRUE(changes_since(before).empty());
  EXPECT_EQ(registry->list_hub_certificates("hub")->size(), 2u);
  EXPECT_EQ(registry->find_ca(second.id)->status, CaStatus::kRetired);
  EXPECT_EQ(registry->find_ca(revoked)->status, CaStatus::kRevoked) << "it stays on the root's CRL";
  EXPECT_REFUSED(registry->find_policy(kNs, "alpha"), Reason::kNotFound);
  EXPECT_EQ(registry->list_policies(kNs)->size(), 1u);
  EXPECT_THAT(*due_list(registry->find_credential(kNs)->ca), testing::Contains(registry->find_ca(revoked)->serial));
}

TEST_F(Policies, number_of_a_deleted_policy_is_never_given_again) {
  make_factory({"alpha", "beta"});
  ASSERT_EQ(registry->find_policy(kNs, "beta")->number, 2);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "beta"));
  EXPECT_EQ(make_policy("beta")->value.number, 3);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "beta"));
  ASSERT_TRUE(registry->delete_credential(call, kNs));
  ASSERT_TRUE(registry->create_credential(call, kNs, new_ca("CN=root2")));
  EXPECT_EQ(make_policy("alpha")->value.number, 4);
}

TEST_F(Policies, policies_are_listed_by_name) {
  make_factory({"Beta", "alpha"});
  std::vector<std::string> names;
  for (const auto& policy : must(registry->list_policies(kNs))) names.push_back(policy.name);
  EXPECT_THAT(names, ElementsAre("alpha", "Beta"));
}

}  // namespace
}  // namespace latchkey::registry
