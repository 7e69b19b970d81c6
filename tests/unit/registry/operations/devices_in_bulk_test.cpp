// SPDX-License-Identifier: Apache-2.0
// Many devices at once: the same as one after the other, in fewer commits.
#include <algorithm>
#include <map>
#include <set>

#include "registry/operations/internal/random.h"
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class DevicesInBulk : public RegistryTest {
 protected:
  static std::vector<NewDevice> named(std::size_t count) {
    std::vector<NewDevice> devices(count);
    for (std::size_t i = 0; i < count; ++i) devices[i].id = "dev-" + std::to_string(1'000'000 + i);
    return devices;
  }
  std::vector<AuditRecord> audit_since(std::uint64_t number) { return must(registry->audit_from(number + 1, 10'000)); }
};

TEST_F(DevicesInBulk, all_of_them_are_there_in_the_feed_and_in_the_audit) {
  make_factory();
  const auto audited = last_audit().number;
  const Sequence before = registry->newest_sequence();
  const auto devices = named(3);
  const auto made = must(registry->create_devices(call, kNs, devices));
  ASSERT_EQ(made.value.size(), 3u);
  EXPECT_EQ(made.sequence, before + 3);
  const auto changes = changes_since(before);
  const auto records = audit_since(audited);
  ASSERT_EQ(changes.size(), 3u);
  ASSERT_EQ(records.size(), 3u);
  std::set<Uuid> uuids;
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(made.value[i]);
    const Device& device = *made.value[i];
    EXPECT_EQ(device.id, devices[i].id);
    EXPECT_EQ(must(registry->find_device(kNs, device.id)).credential_id, device.credential_id);
    const auto& state = std::get<DeviceState>(changes[i].body);
    EXPECT_EQ(state.id, device.id);
    EXPECT_EQ(state.credential_id, device.credential_id);
    EXPECT_EQ(records[i].action, "device.create");
    EXPECT_EQ(records[i].resource, "namespaces/factory/devices/" + device.id);
    EXPECT_EQ(records[i].outcome, "ok");
    uuids.insert(device.uuid);
  }
  EXPECT_EQ(uuids.size(), 3u);
}

TEST_F(DevicesInBulk, one_of_many_leaves_the_record_of_a_single_one) {
  make_factory();
  Call labelled = call;
  labelled.labels = Call::LabelChange{"west", "tags", "extra"};
  DeviceUpdate initial;
  initial.enabled = false;
  initial.policy_name = "alpha";
  ASSERT_TRUE(registry->create_device(labelled, kNs, "single", initial));
  const auto single = last_audit();
  const std::vector<NewDevice> many = {{"bulk", initial, labelled.labels}};
  ASSERT_TRUE(registry->create_devices(call, kNs, many));
  const auto bulk = last_audit();
  // All but the random credential.
  const auto facts = [](std::string text) { return text.substr(text.find(" enabled=")); };
  EXPECT_NE(bulk.after.find(" policy=alpha"), std::string::npos);
  EXPECT_EQ(facts(bulk.after), facts(single.after));
  EXPECT_EQ(bulk.before, single.before);
  EXPECT_EQ(bulk.detail, single.detail);
  EXPECT_EQ(bulk.actor, single.actor);
  const auto labels =
      must(registry->labels_of({"namespaces/factory/devices/single", "namespaces/factory/devices/bulk"}));
  EXPECT_EQ(labels[0].extra, labels[1].extra);
  EXPECT_EQ(labels[1].location, "west");
  const auto device = must(registry->find_device(kNs, "bulk"));
  EXPECT_FALSE(device.enabled);
  EXPECT_TRUE(device.policy);
}

TEST_F(DevicesInBulk, one_that_is_refused_keeps_no_other_from_being_made) {
  make_factory();
  ASSERT_TRUE(registry->create_device(call, kNs, "there"));
  DeviceUpdate nowhere;
  nowhere.policy_name = "none";
  const std::vector<NewDevice> devices = {{"a"}, {"there"}, {"-b"}, {"twice"}, {"twice"}, {"c", nowhere}, {"d"}};
  const auto audited = last_audit().number;
  const auto before = registry->newest_sequence();
  const auto made = must(registry->create_devices(call, kNs, devices));
  ASSERT_EQ(made.value.size(), devices.size());
  EXPECT_TRUE(made.value[0]);
  EXPECT_REFUSED(made.value[1], Reason::kAlreadyExists);
  EXPECT_REFUSED(made.value[2], Reason::kInvalidName);
  EXPECT_TRUE(made.value[3]);
  EXPECT_REFUSED(made.value[4], Reason::kAlreadyExists);
  EXPECT_REFUSED(made.value[5], Reason::kInvalidArgument);
  EXPECT_TRUE(made.value[6]);
  EXPECT_EQ(changes_since(before).size(), 3u);
  EXPECT_EQ(made.sequence, before + 3);
  EXPECT_EQ(must(registry->count_devices(kNs)).all, 4u);
  const auto records = audit_since(audited);
  ASSERT_EQ(records.size(), devices.size());
  EXPECT_EQ(records[1].outcome, "already exists");
  EXPECT_EQ(records[2].outcome, "invalid name");
  EXPECT_TRUE(records[2].after.empty());
  EXPECT_EQ(records[6].outcome, "ok");
}

TEST_F(DevicesInBulk, missing_namespace_refuses_each_of_them) {
  make_factory();
  const auto audited = last_audit().number;
  const auto made = must(registry->create_devices(call, "nowhere", named(2)));
  ASSERT_EQ(made.value.size(), 2u);
  for (const auto& outcome : made.value) EXPECT_REFUSED(outcome, Reason::kParentNotFound);
  EXPECT_EQ(audit_since(audited).size(), 2u);
}

TEST_F(DevicesInBulk, none_asked_for_changes_nothing) {
  make_factory();
  const auto commits = registry->commits();
  const auto made = must(registry->create_devices(call, kNs, {}));
  EXPECT_TRUE(made.value.empty());
  EXPECT_EQ(made.sequence, registry->newest_sequence());
  EXPECT_EQ(registry->commits(), commits);
}

TEST_F(DevicesInBulk, thousands_take_a_commit_for_each_part_and_keep_the_chain_whole) {
  make_factory();
  const auto commits = registry->commits();
  const std::size_t count = 2 * kDevicesInOneCommit + 1;
  const auto made = must(registry->create_devices(call, kNs, named(count)));
  EXPECT_EQ(made.value.size(), count);
  EXPECT_TRUE(std::all_of(made.value.begin(), made.value.end(), [](const auto& one) { return one.has_value(); }));
  EXPECT_EQ(registry->commits(), commits + 3);
  EXPECT_EQ(must(registry->count_devices(kNs)).all, count);
  const auto report = must(registry->verify_audit(std::nullopt));
  EXPECT_FALSE(report.fault);
  const Device& last = *made.value.back();
  open();
  EXPECT_EQ(must(registry->find_device(kNs, last.id)).uuid, last.uuid);
}

TEST_F(DevicesInBulk, part_that_cannot_be_committed_is_not_there_and_the_one_before_is) {
  make_factory();
  int commits = 0;
  open({.batch_limit = 256, .keep_changes = 100000, .before_commit = [&commits](store::Database&) -> Outcome<Nothing> {
          if (++commits == 2) return refuse(Reason::kStorage, "the disk is full");
          return Nothing{};
        }});
  const auto made = registry->create_devices(call, kNs, named(kDevicesInOneCommit + 5));
  EXPECT_REFUSED(made, Reason::kStorage);
  EXPECT_EQ(must(registry->count_devices(kNs)).all, kDevicesInOneCommit);
  EXPECT_FALSE(must(registry->verify_audit(std::nullopt)).fault);
}

// What the store refuses in the middle of a part takes back all of it: devices, changes and good records.
TEST_F(DevicesInBulk, part_in_which_the_store_fails_leaves_only_records_of_the_failure) {
  make_factory();
  auto file = std::move(*store::Database::open(path, store::Database::Access::kReadWrite));
  const char* const sqlite =
      "CREATE TRIGGER unlucky BEFORE INSERT ON devices WHEN NEW.id = 'c' BEGIN SELECT RAISE(ABORT, 'unlucky'); END";
  ASSERT_TRUE(file->execute(on_postgres() ? "ALTER TABLE devices ADD CHECK (id <> 'c')" : sqlite));
  const auto audited = last_audit().number;
  const auto before = registry->newest_sequence();
  const std::vector<NewDevice> devices = {{"a"}, {"b"}, {"c"}, {"d"}};
  EXPECT_REFUSED(registry->create_devices(call, kNs, devices), Reason::kStorage);
  EXPECT_EQ(must(registry->count_devices(kNs)).all, 0u);
  EXPECT_EQ(registry->newest_sequence(), before);
  const auto records = audit_since(audited);
  ASSERT_EQ(records.size(), 4u);
  for (const auto& record : records) EXPECT_EQ(record.outcome, to_string(Reason::kStorage));
  EXPECT_TRUE(registry->create_device(call, kNs, "a"));
}

TEST_F(DevicesInBulk, closed_registry_makes_none) {
  make_factory();
  registry->close();
  EXPECT_REFUSED(registry->create_devices(call, kNs, named(1)), Reason::kShuttingDown);
}

TEST_F(DevicesInBulk, uuids_sort_as_they_were_made_and_are_never_alike) {
  const auto version = [](const Uuid& uuid) { return uuid.bytes[6] >> 4; };
  Uuid last = ordered_uuid(kNow);
  EXPECT_EQ(version(last), 7);
  EXPECT_EQ(last.bytes[8] >> 6, 2);
  const Uuid earlier = ordered_uuid(kNow - 1);
  EXPECT_LT(earlier.bytes, last.bytes) << "by its time";
  last = ordered_uuid(kNow);
  for (int i = 0; i < 100'000; ++i) {
    const Uuid next = ordered_uuid(kNow);
    ASSERT_LT(last.bytes, next.bytes);
    last = next;
  }
  EXPECT_LT(last.bytes, ordered_uuid(kNow + 1).bytes);
}

}  // namespace
}  // namespace latchkey::registry
