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
  auto updated = registry->update_hub(call, "hub", {"127.0.0.2:9999"});
  ASSERT_TRUE(updated);
  expect_audit("hub.update", "hubs/hub", "ok");
  EXPECT_EQ(updated->value.host, "127.0.0.2:9999");
  EXPECT_EQ(registry->find_registration("dev")->hub, "127.0.0.2:9999");
  EXPECT_REFUSED(registry->update_hub(call, "none", {"x"}), Reason::kNotFound);
  EXPECT_REFUSED(registry->update_hub(call, "hub", {"\n"}), Reason::kInvalidArgument);
}

// Rows: R-7-14
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

// Rows: R-1-09
TEST_F(Hubs, hub_of_another_namespace_gets_nothing) {
  make_factory({});
  ASSERT_TRUE(registry->create_namespace(call, "elsewhere"));
  ASSERT_TRUE(registry->create_hub(call, "elsewhere", "far", "far"));
  ASSERT_TRUE(make_policy("alpha"));
  EXPECT_TRUE(registry->list_hub_certificates("far")->empty());
  EXPECT_EQ(registry->list_hub_certificates("hub")->size(), 1u);
}

TEST_F(Hubs, new_hub_trusts_the_managed_policies_at_once_and_none_that_is_gone) {
  make_factory({"alpha", "beta"});
  ASSERT_TRUE(registry->delete_policy(call, kNs, "beta"));
  const Sequence before = registry->newest_sequence();
  const auto made = registry->create_hub(call, kNs, "second", "x");
  ASSERT_TRUE(made);
  const auto trusted = must(registry->list_hub_certificates("second"));
  ASSERT_EQ(trusted.size(), 1u) << "the first hub goes on trusting beta's, which nobody can sync any more";
  EXPECT_EQ(trusted.front().ca, registry->find_policy(kNs, "alpha")->ca);
  const auto changes = changes_since(before);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(std::get<AnchorAdded>(changes[0].body).hub, made->value.uuid);
  EXPECT_EQ(registry->list_hub_certificates("hub")->size(), 2u);
}

TEST_F(Hubs, where_it_listens_and_its_latency_read_back_and_change) {
  make_factory({});
  ASSERT_TRUE(registry->create_hub(call, {"far", kNs, "127.0.0.3", "127.0.0.3:8883", 40}));
  EXPECT_EQ(registry->find_hub("far")->listen, "127.0.0.3:8883");
  EXPECT_EQ(registry->find_hub("far")->latency_ms, 40);
  EXPECT_FALSE(registry->find_hub("hub")->latency_ms);
  ASSERT_TRUE(registry->update_hub(call, "far", {{}, {}, std::optional<std::int64_t>(7)}));
  EXPECT_EQ(registry->find_hub("far")->latency_ms, 7);
  EXPECT_EQ(registry->find_hub("far")->host, "127.0.0.3") << "as it was";
  ASSERT_TRUE(registry->update_hub(call, "far", {{}, {}, std::optional<std::int64_t>()}));
  EXPECT_FALSE(registry->find_hub("far")->latency_ms);
  EXPECT_REFUSED(registry->update_hub(call, "far", {{}, {}, std::optional<std::int64_t>(-1)}),
                 Reason::kInvalidArgument);
  EXPECT_REFUSED(registry->create_hub(call, {"odd", kNs, "x", "", 60'001}), Reason::kInvalidArgument);
}

TEST_F(Hubs, deleted_hub_is_gone_with_its_certificates_and_its_name_is_free) {
  make_factory({"alpha"});
  const auto second = registry->create_hub(call, kNs, "second", "x");
  ASSERT_TRUE(second);
  ASSERT_TRUE(registry->delete_hub(call, "SECOND"));
  expect_audit("hub.delete", "hubs/SECOND", "ok");
  EXPECT_REFUSED(registry->find_hub("second"), Reason::kNotFound);
  EXPECT_REFUSED(registry->delete_hub(call, "second"), Reason::kNotFound);
  EXPECT_EQ(registry->list_hub_certificates("hub")->size(), 1u);
  const auto again = registry->create_hub(call, kNs, "second", "x");
  ASSERT_TRUE(again);
  EXPECT_NE(again->value.uuid, second->value.uuid);
}

TEST_F(Hubs, deletion_is_refused_while_devices_are_assigned_unless_it_is_named_once_more) {
  make_factory();
  const Enrollment group = make_enrollment("group", "alpha", true);
  for (int i = 0; i < 22; ++i) ASSERT_TRUE(enroll("dev-" + std::to_string(10 + i), group, false));
  const auto refused = registry->delete_hub(call, "hub");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kHubHasDevices);
  EXPECT_NE(refused.error().detail.find("22 devices: dev-10, dev-11,"), std::string::npos) << refused.error().detail;
  EXPECT_NE(refused.error().detail.find("dev-29, ..."), std::string::npos) << refused.error().detail;
  Call other = call;
  other.override_name = "Hub";
  EXPECT_REFUSED(registry->delete_hub(other, "hub"), Reason::kHubHasDevices);
  EXPECT_EQ(registry->list_registrations()->size(), 22u);
  other.override_name = "hub";
  ASSERT_TRUE(registry->delete_hub(other, "hub"));
  EXPECT_TRUE(registry->list_registrations()->empty());
  EXPECT_TRUE(registry->find_device(kNs, "dev-10")) << "its identity is the namespace's";
  EXPECT_REFUSED(enroll("dev-10", group, false), Reason::kNoHub);
}

}  // namespace
}  // namespace latchkey::registry
