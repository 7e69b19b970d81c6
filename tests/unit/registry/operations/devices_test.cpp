// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class Devices : public RegistryTest {
 protected:
  DeviceState only_state(Sequence after) {
    const auto changes = changes_since(after);
    EXPECT_EQ(changes.size(), 1u);
    return changes.empty() ? DeviceState{} : std::get<DeviceState>(changes.front().body);
  }
};

// Rows: R-8-01
TEST_F(Devices, created_device_is_enabled_and_in_the_feed) {
  make_factory();
  const Sequence before = registry->newest_sequence();
  auto made = registry->create_device(call, kNs, "dev-1");
  ASSERT_TRUE(made);
  expect_audit("device.create", "namespaces/factory/devices/dev-1", "ok");
  EXPECT_TRUE(made->value.enabled);
  EXPECT_FALSE(made->value.uuid.is_zero());
  EXPECT_FALSE(made->value.credential_id.is_zero());
  EXPECT_EQ(made->value.version, 1u);
  const DeviceState state = only_state(before);
  EXPECT_EQ(made->sequence, before + 1);
  EXPECT_EQ(state.id, "dev-1");
  EXPECT_EQ(state.uuid, made->value.uuid);
  EXPECT_EQ(state.credential_id, made->value.credential_id);
  EXPECT_EQ(state.policy_number, 0);
}

// Rows: R-1-06, R-9-08
TEST_F(Devices, ids_are_case_sensitive) {
  make_factory();
  ASSERT_TRUE(registry->create_device(call, kNs, "dev"));
  ASSERT_TRUE(registry->create_device(call, kNs, "DEV"));
  EXPECT_NE(registry->find_device(kNs, "dev")->uuid, registry->find_device(kNs, "DEV")->uuid);
  EXPECT_REFUSED(registry->find_device(kNs, "Dev"), Reason::kNotFound);
}

// Rows: R-1-04, R-1-07, R-9-08
TEST_F(Devices, create_refuses_bad_names_duplicates_and_missing_namespaces) {
  make_factory();
  for (const std::string& id :
       {std::string(), std::string("a/b"), std::string("#"), std::string("-a"), std::string(129, 'a')}) {
    EXPECT_REFUSED(registry->create_device(call, kNs, id), Reason::kInvalidName);
  }
  ASSERT_TRUE(registry->create_device(call, kNs, "dev:1_2.3"));
  EXPECT_REFUSED(registry->create_device(call, kNs, "dev:1_2.3"), Reason::kAlreadyExists);
  expect_audit("device.create", "namespaces/factory/devices/dev:1_2.3", "already exists");
  EXPECT_REFUSED(registry->create_device(call, "nowhere", "dev"), Reason::kParentNotFound);
}

// Rows: R-3-19, R-7-11
TEST_F(Devices, missing_device_is_refused_everywhere) {
  make_factory();
  EXPECT_REFUSED(registry->find_device(kNs, "dev"), Reason::kNotFound);
  EXPECT_REFUSED(registry->list_certificates(kNs, "dev"), Reason::kNotFound);
  EXPECT_REFUSED(registry->update_device(call, kNs, "dev", {true}), Reason::kNotFound);
  expect_audit("device.update", "namespaces/factory/devices/dev", "not found");
  EXPECT_REFUSED(registry->revoke_device(call, kNs, "dev", true), Reason::kNotFound);
  expect_audit("device.revoke", "namespaces/factory/devices/dev", "not found");
  EXPECT_REFUSED(registry->delete_device(call, kNs, "dev"), Reason::kNotFound);
  expect_audit("device.delete", "namespaces/factory/devices/dev", "not found");
  EXPECT_REFUSED(registry->list_devices("nowhere", "", 10), Reason::kParentNotFound);
}

// Rows: R-7-13, R-8-03
TEST_F(Devices, disable_and_enable_leave_the_credential_alone) {
  make_factory();
  const auto leaf = provision("dev", make_enrollment("dev"));
  const Device before = *registry->find_device(kNs, "dev");
  const Sequence at = registry->newest_sequence();
  auto disabled = registry->update_device(call, kNs, "dev", {false});
  ASSERT_TRUE(disabled);
  EXPECT_FALSE(disabled->value.enabled);
  EXPECT_EQ(disabled->value.credential_id, before.credential_id);
  EXPECT_EQ(disabled->value.version, before.version + 1);
  const DeviceState state = only_state(at);
  EXPECT_FALSE(state.enabled);
  EXPECT_EQ(state.policy_number, 1);
  auto enabled = registry->update_device(call, kNs, "dev", {true});
  EXPECT_EQ(enabled->value.credential_id, before.credential_id);
  EXPECT_EQ(status_of("dev", leaf.serial), CertificateStatus::kIssued);
}

// Rows: R-8-03
TEST_F(Devices, update_that_changes_nothing_is_no_version_and_no_change) {
  make_factory();
  const auto made = registry->create_device(call, kNs, "dev");
  for (const DeviceUpdate& update : {DeviceUpdate{}, DeviceUpdate{true}}) {
    auto updated = registry->update_device(call, kNs, "dev", update);
    ASSERT_TRUE(updated);
    EXPECT_EQ(updated->value.version, 1u);
    EXPECT_EQ(updated->sequence, made->sequence);
  }
}

// Rows: R-7-11, R-7-17, R-7-18
TEST_F(Devices, revoke_rotates_the_credential_each_time_and_leaves_it_enabled) {
  make_factory();
  const auto made = registry->create_device(call, kNs, "dev");
  const Sequence before = registry->newest_sequence();
  auto first = registry->revoke_device(call, kNs, "dev", false);
  ASSERT_TRUE(first);
  expect_audit("device.revoke", "namespaces/factory/devices/dev", "ok");
  EXPECT_NE(first->value.credential_id, made->value.credential_id);
  EXPECT_EQ(first->value.uuid, made->value.uuid);
  EXPECT_TRUE(first->value.enabled);
  EXPECT_EQ(first->value.last_revoked, kNow);
  EXPECT_EQ(only_state(before).credential_id, first->value.credential_id);
  EXPECT_EQ(first->sequence, before + 1);
  auto second = registry->revoke_device(call, kNs, "dev", false);
  EXPECT_NE(second->value.credential_id, first->value.credential_id);
  EXPECT_EQ(registry->find_device(kNs, "dev")->credential_id, second->value.credential_id);
}

// Rows: R-7-12, R-7-15, R-7-16
TEST_F(Devices, revoke_with_disable_is_one_change_and_without_it_never_enables) {
  make_factory();
  ASSERT_TRUE(registry->create_device(call, kNs, "dev"));
  const Sequence before = registry->newest_sequence();
  auto disabled = registry->revoke_device(call, kNs, "dev", true);
  EXPECT_FALSE(disabled->value.enabled);
  EXPECT_FALSE(only_state(before).enabled);
  auto again = registry->revoke_device(call, kNs, "dev", false);
  ASSERT_TRUE(again) << "a disabled device can be revoked";
  EXPECT_FALSE(again->value.enabled);
  EXPECT_NE(again->value.credential_id, disabled->value.credential_id);
}

// Rows: R-7-11
TEST_F(Devices, revoke_marks_every_live_certificate_across_rotations_and_policies) {
  make_factory({"alpha", "beta"});
  const Enrollment enrollment = make_enrollment("dev");
  const Enrollment other = make_enrollment("other");
  const auto bystander = provision("other", other);
  const auto on_first_ca = provision("dev", enrollment);
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=rotated")));
  const auto on_second_ca = provision("dev", enrollment);
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {"beta", {}}));
  const auto on_beta = provision("dev", enrollment);
  publish_all();

  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_EQ(last_audit().detail, "3 certificates revoked");
  for (const auto& leaf : {on_first_ca, on_second_ca, on_beta}) {
    EXPECT_EQ(status_of("dev", leaf.serial), CertificateStatus::kRevoked);
    EXPECT_EQ(due_list(leaf.ca), std::vector<Bytes>{leaf.serial}) << "its issuer's list, and no other";
  }
  EXPECT_EQ(registry->due_crls(kNow)->size(), 3u);
  EXPECT_EQ(status_of("other", bystander.serial), CertificateStatus::kIssued);
}

TEST_F(Devices, expired_certificate_is_not_revoked_and_orders_no_list) {
  make_factory();
  const auto leaf = provision("dev", make_enrollment("dev"));
  publish_all();
  call.now = leaf.not_after;
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_EQ(status_of("dev", leaf.serial), CertificateStatus::kIssued);
  EXPECT_TRUE(registry->due_crls(call.now)->empty());
}

TEST_F(Devices, second_revoke_does_not_order_a_list_again) {
  make_factory();
  provision("dev", make_enrollment("dev"));
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  publish_all();
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_TRUE(registry->due_crls(kNow)->empty());
}

// Rows: R-7-31
TEST_F(Devices, delete_revokes_its_certificates_and_tells_the_feed) {
  make_factory();
  const auto leaf = provision("dev", make_enrollment("dev"));
  const Device device = *registry->find_device(kNs, "dev");
  publish_all();
  const Sequence before = registry->newest_sequence();
  auto deleted = registry->delete_device(call, kNs, "dev");
  ASSERT_TRUE(deleted);
  expect_audit("device.delete", "namespaces/factory/devices/dev", "ok");
  const auto changes = changes_since(before);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(std::get<DeviceGone>(changes[0].body).id, "dev");
  EXPECT_EQ(std::get<DeviceGone>(changes[0].body).namespace_uuid, device.namespace_uuid);
  EXPECT_EQ(due_list(leaf.ca), std::vector<Bytes>{leaf.serial});
  EXPECT_REFUSED(registry->find_device(kNs, "dev"), Reason::kNotFound);
}

// Rows: R-7-31, R-8-01
TEST_F(Devices, re_created_device_has_a_new_uuid_and_no_certificates) {
  make_factory();
  const Enrollment enrollment = make_enrollment("dev");
  const auto old = provision("dev", enrollment);
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev"));
  auto made = registry->create_device(call, kNs, "dev");
  ASSERT_TRUE(made);
  EXPECT_NE(made->value.uuid, old.device);
  EXPECT_NE(made->value.credential_id, old.credential_id);
  EXPECT_TRUE(registry->list_certificates(kNs, "dev")->empty());
}

TEST_F(Devices, pages_follow_each_other_without_gap_or_repetition) {
  make_factory();
  std::vector<std::string> made;
  for (int i = 0; i < 25; ++i) made.push_back("dev" + std::to_string(100 + i));
  for (const auto& id : made) ASSERT_TRUE(registry->create_device(call, kNs, id));
  std::vector<std::string> listed;
  std::string after;
  int pages = 0;
  do {
    auto page = registry->list_devices(kNs, after, 10);
    ASSERT_TRUE(page);
    for (const auto& device : page->devices) listed.push_back(device.id);
    after = page->next;
    ++pages;
  } while (!after.empty());
  EXPECT_EQ(listed, made);
  EXPECT_EQ(pages, 3);
  EXPECT_TRUE(registry->list_devices(kNs, made.back(), 10)->devices.empty());
}

}  // namespace
}  // namespace latchkey::registry
