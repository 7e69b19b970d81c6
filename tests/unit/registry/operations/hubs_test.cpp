// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Hubs : public RegistryTest {};

TEST_F(Hubs, hub_reads_back_and_its_name_compares_without_case) {
  make_factory({});
  const auto found = registry->find_hub("HUB");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->uuid, hub.uuid);
  EXPECT_EQ(found->name, "hub");
  EXPECT_EQ(found->host, "localhost:8883");
  EXPECT_EQ(registry->list_hubs()->size(), 1u);
}

TEST_F(Hubs, bad_ones_are_refused) {
  make_factory({});
  EXPECT_REFUSED(registry->create_hub(call, kNs, "Hub", "x"), Reason::kAlreadyExists);
  expect_audit("hub.create", "hubs/Hub", "already exists");
  EXPECT_REFUSED(registry->create_hub(call, kNs, "", "x"), Reason::kInvalidName);
  EXPECT_REFUSED(registry->create_hub(call, kNs, "a_b", "x"), Reason::kInvalidName);
  EXPECT_REFUSED(registry->create_hub(call, kNs, "other", ""), Reason::kInvalidArgument);
  EXPECT_REFUSED(registry->create_hub(call, kNs, "other", "a b"), Reason::kInvalidArgument);
  EXPECT_REFUSED(registry->create_hub(call, "nowhere", "other", "x"), Reason::kParentNotFound);
}

TEST_F(Hubs, host_can_change_and_registrations_answer_the_new_one) {
  make_factory();
  provision("dev", make_enrollment("dev"));
  ASSERT_EQ(registry->find_registration("dev")->hub, "localhost:8883");
  auto updated = registry->update_hub_host(call, "hub", "127.0.0.2:9999");
  ASSERT_TRUE(updated);
  expect_audit("hub.update", "hubs/hub", "ok");
  EXPECT_EQ(updated->value.host, "127.0.0.2:9999");
  EXPECT_EQ(registry->find_registration("dev")->hub, "127.0.0.2:9999");
  EXPECT_REFUSED(registry->update_hub_host(call, "none", "x"), Reason::kNotFound);
  EXPECT_REFUSED(registry->update_hub_host(call, "hub", "\n"), Reason::kInvalidArgument);
}

TEST_F(Hubs, deleted_certificate_is_off_the_hub_and_only_there) {
  make_factory({"alpha", "beta"});
  ASSERT_TRUE(registry->create_hub(call, kNs, "second", "x"));
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  const HubCertificate certificate = registry->list_hub_certificates("hub")->front();
  const Sequence before = registry->newest_sequence();
  auto deleted = registry->delete_hub_certificate(call, "hub", certificate.name);
  ASSERT_TRUE(deleted);
  expect_audit("hub.certificate.delete", "hubs/hub/certificates/" + certificate.name, "ok");
  const auto changes = changes_since(before);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(std::get<AnchorGone>(changes[0].body).hub, hub.uuid);
  EXPECT_EQ(std::get<AnchorGone>(changes[0].body).ca, certificate.ca);
  EXPECT_EQ(registry->list_hub_certificates("hub")->size(), 1u);
  EXPECT_EQ(registry->list_hub_certificates("second")->size(), 2u);
}

TEST_F(Hubs, missing_hubs_and_certificates_are_refused) {
  make_factory();
  EXPECT_REFUSED(registry->find_hub("none"), Reason::kNotFound);
  EXPECT_REFUSED(registry->list_hub_certificates("none"), Reason::kNotFound);
  EXPECT_REFUSED(registry->delete_hub_certificate(call, "none", "x"), Reason::kParentNotFound);
  EXPECT_REFUSED(registry->delete_hub_certificate(call, "hub", "adr-none"), Reason::kNotFound);
  expect_audit("hub.certificate.delete", "hubs/hub/certificates/adr-none", "not found");
}

TEST_F(Hubs, hub_of_another_namespace_gets_nothing) {
  make_factory({});
  ASSERT_TRUE(registry->create_namespace(call, "elsewhere"));
  ASSERT_TRUE(registry->create_hub(call, "elsewhere", "far", "far"));
  ASSERT_TRUE(make_policy("alpha"));
  EXPECT_TRUE(registry->list_hub_certificates("far")->empty());
  EXPECT_EQ(registry->list_hub_certificates("hub")->size(), 1u);
}

}  // namespace
}  // namespace latchkey::registry
