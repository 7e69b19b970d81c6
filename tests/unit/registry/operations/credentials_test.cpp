// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::ElementsAre;

class Credentials : public RegistryTest {};

// Rows: R-7-01
TEST_F(Credentials, credential_is_made_with_its_root) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  const NewCa root = new_ca("CN=root");
  auto made = registry->create_credential(call, kNs, root);
  ASSERT_TRUE(made);
  expect_audit("credential.create", "namespaces/factory/credentials/default", "ok");
  EXPECT_EQ(registry->find_credential(kNs)->ca, root.id);
  auto ca = registry->find_ca(root.id);
  ASSERT_TRUE(ca);
  EXPECT_EQ(ca->kind, CaKind::kRoot);
  EXPECT_EQ(ca->status, CaStatus::kActive);
  EXPECT_EQ(ca->issuer, root.id);
  EXPECT_EQ(ca->owner, made->value.uuid);
  EXPECT_EQ(ca->subject, root.subject);
  EXPECT_EQ(ca->serial, root.serial);
  EXPECT_EQ(ca->der, root.der);
  EXPECT_EQ(ca->key_ref, root.key_ref);
}

// Rows: R-7-01, R-7-02
TEST_F(Credentials, missing_namespace_is_refused) {
  EXPECT_REFUSED(registry->create_credential(call, "nowhere", new_ca("CN=root")), Reason::kParentNotFound);
  expect_audit("credential.create", "namespaces/nowhere/credentials/default", "parent not found");
  EXPECT_REFUSED(registry->delete_credential(call, "nowhere"), Reason::kParentNotFound);
  EXPECT_REFUSED(registry->find_credential("nowhere"), Reason::kParentNotFound);
  EXPECT_REFUSED(registry->sync_credential(call, "nowhere"), Reason::kParentNotFound);
}

// Rows: R-7-02
TEST_F(Credentials, missing_credential_is_refused) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  EXPECT_REFUSED(registry->delete_credential(call, kNs), Reason::kNotFound);
  EXPECT_REFUSED(registry->find_credential(kNs), Reason::kNotFound);
  EXPECT_REFUSED(registry->sync_credential(call, kNs), Reason::kNotFound);
}

// Rows: R-1-02, R-12-01
TEST_F(Credentials, second_credential_is_refused_and_leaves_no_ca) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  ASSERT_TRUE(registry->create_credential(call, kNs, new_ca("CN=root")));
  const NewCa second = new_ca("CN=other");
  EXPECT_REFUSED(registry->create_credential(call, kNs, second), Reason::kAlreadyExists);
  EXPECT_REFUSED(registry->find_ca(second.id), Reason::kNotFound);
}

TEST_F(Credentials, incomplete_ca_is_refused) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  const auto broken = [&](auto change) {
    NewCa ca = new_ca("CN=root");
    change(ca);
    return registry->create_credential(call, kNs, ca);
  };
  EXPECT_REFUSED(broken([](NewCa& ca) { ca.id = {}; }), Reason::kInvalidArgument);
  EXPECT_REFUSED(broken([](NewCa& ca) { ca.subject.clear(); }), Reason::kInvalidArgument);
  EXPECT_REFUSED(broken([](NewCa& ca) { ca.der.clear(); }), Reason::kInvalidArgument);
  EXPECT_REFUSED(broken([](NewCa& ca) { ca.key_ref.clear(); }), Reason::kInvalidArgument);
  EXPECT_REFUSED(broken([](NewCa& ca) { ca.serial.clear(); }), Reason::kInvalidArgument);
  EXPECT_REFUSED(broken([](NewCa& ca) { ca.serial.assign(21, 1); }), Reason::kInvalidArgument);
  EXPECT_REFUSED(broken([](NewCa& ca) { ca.serial.front() = 0; }), Reason::kInvalidArgument);
  EXPECT_REFUSED(broken([](NewCa& ca) { ca.not_after = ca.not_before; }), Reason::kInvalidArgument);
}

TEST_F(Credentials, ca_that_another_one_signed_is_no_root) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  NewCa ca = new_ca("CN=root");
  ca.issuer = new_ca("CN=other").id;
  EXPECT_REFUSED(registry->create_credential(call, kNs, ca), Reason::kInvalidArgument);
  EXPECT_REFUSED(registry->find_credential(kNs), Reason::kNotFound);
}

// Rows: R-7-04, R-13-02, R-13-03
TEST_F(Credentials, delete_is_refused_while_a_policy_exists_also_a_revoked_one) {
  make_factory({"alpha"});
  EXPECT_REFUSED(registry->delete_credential(call, kNs), Reason::kCredentialHasPolicies);
  expect_audit("credential.delete", "namespaces/factory/credentials/default", "credential has policies");
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=new")));
  EXPECT_REFUSED(registry->delete_credential(call, kNs), Reason::kCredentialHasPolicies);
}

// Rows: R-7-28, R-7-38
TEST_F(Credentials, delete_leaves_the_root_its_last_list_and_the_hubs_alone) {
  make_factory({"alpha"});
  publish_all();
  const Credential credential = *registry->find_credential(kNs);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  const Sequence before = registry->newest_sequence();
  auto deleted = registry->delete_credential(call, kNs);
  ASSERT_TRUE(deleted);
  EXPECT_TRUE(changes_since(before).empty());
  EXPECT_EQ(registry->list_hub_certificates("hub")->size(), 1u);
  auto root = registry->find_ca(credential.ca);
  EXPECT_EQ(root->status, CaStatus::kRetired);
  EXPECT_FALSE(root->key_ref.empty()) << "it signs once more";
  EXPECT_TRUE(due_list(credential.ca));
  publish_all();
  EXPECT_TRUE(registry->find_ca(credential.ca)->key_ref.empty());
}

// Rows: R-7-04
TEST_F(Credentials, new_one_after_deletion_is_another_one) {
  make_factory({"alpha"});
  const Credential first = *registry->find_credential(kNs);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  ASSERT_TRUE(registry->delete_credential(call, kNs));
  auto second = registry->create_credential(call, kNs, new_ca("CN=root2"));
  ASSERT_TRUE(second);
  EXPECT_NE(second->value.uuid, first.uuid);
  EXPECT_NE(second->value.ca, first.ca);
}

// Rows: R-7-02
TEST_F(Credentials, sync_brings_a_hub_that_lost_its_certificates_up_to_date) {
  make_factory({"alpha", "beta"});
  auto late = registry->create_hub(call, kNs, "late", "late:8883");
  ASSERT_TRUE(late);
  for (const auto& certificate : must(registry->list_hub_certificates("late"))) {
    ASSERT_TRUE(registry->delete_hub_certificate(call, "late", certificate.name));
  }
  const Sequence before = registry->newest_sequence();
  auto synced = registry->sync_credential(call, kNs);
  ASSERT_TRUE(synced);
  EXPECT_EQ(synced->value.added, 2);
  EXPECT_EQ(synced->value.removed, 0);
  EXPECT_EQ(synced->sequence, before + 2);
  for (const Change& change : changes_since(before))
    EXPECT_EQ(std::get<AnchorAdded>(change.body).hub, late->value.uuid);
  expect_audit("credential.synchronize", "namespaces/factory/credentials/default", "ok");

  auto again = registry->sync_credential(call, kNs);
  EXPECT_EQ(again->value.added, 0);
  EXPECT_EQ(again->sequence, before + 2);
}

// Rows: R-9-06
TEST_F(Credentials, sync_brings_back_what_was_deleted_at_the_hub_under_another_name) {
  make_factory({"alpha"});
  const HubCertificate before = registry->list_hub_certificates("hub")->front();
  ASSERT_TRUE(registry->delete_hub_certificate(call, "hub", before.name));
  ASSERT_EQ(registry->sync_credential(call, kNs)->value.added, 1);
  const HubCertificate after = registry->list_hub_certificates("hub")->front();
  EXPECT_EQ(after.ca, before.ca);
  EXPECT_NE(after.name, before.name);
}

// Rows: R-7-03
TEST_F(Credentials, sync_never_removes_the_ca_of_a_deleted_policy_nor_of_its_namesake) {
  make_factory({"alpha"});
  const Policy first = *registry->find_policy(kNs, "alpha");
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  ASSERT_TRUE(make_policy("ALPHA"));
  auto synced = registry->sync_credential(call, kNs);
  EXPECT_EQ(synced->value.added, 0);
  EXPECT_EQ(synced->value.removed, 0);
  std::vector<Uuid> trusted;
  for (const auto& certificate : must(registry->list_hub_certificates("hub"))) trusted.push_back(certificate.ca);
  EXPECT_THAT(trusted, testing::UnorderedElementsAre(first.ca, registry->find_policy(kNs, "alpha")->ca));
}

}  // namespace
}  // namespace latchkey::registry
