// SPDX-License-Identifier: Apache-2.0
// The state as a whole: copied, put back, begun anew; and what goes on through all of it.
#include <sys/stat.h>

#include "registry/operations/sealed_keys.h"
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::HasSubstr;

class Snapshots : public RegistryTest {
 protected:
  void SetUp() override {
    rehearsal = true;
    open();
    make_factory();
  }
  std::string copy = folder.file("copy.db");
};

TEST_F(Snapshots, restore_brings_back_what_was_deleted_and_takes_away_what_came_since) {
  const auto group = make_enrollment("line", "alpha", true);
  const auto grant = provision("pump", group);
  const auto before = must(registry->find_device(kNs, "pump"));
  ASSERT_TRUE(registry->copy_to(copy));

  ASSERT_TRUE(registry->revoke_device(call, kNs, "pump", true));
  ASSERT_TRUE(registry->delete_enrollment(call, "line", true));
  ASSERT_TRUE(registry->create_device(call, kNs, "newcomer"));
  ASSERT_TRUE(make_policy("beta"));
  ASSERT_TRUE(registry->restore(call, "s1", copy));

  const auto after = must(registry->find_device(kNs, "pump"));
  EXPECT_EQ(after.credential_id, before.credential_id);
  EXPECT_TRUE(after.enabled);
  EXPECT_EQ(status_of("pump", grant.serial), CertificateStatus::kIssued);
  EXPECT_TRUE(registry->find_enrollment("line", true));
  EXPECT_REFUSED(registry->find_device(kNs, "newcomer"), Reason::kNotFound);
  EXPECT_REFUSED(registry->find_policy(kNs, "beta"), Reason::kNotFound);
}

// They are keys, and not state: what was destroyed does not come back, and what was made since is not lost.
TEST_F(Snapshots, sealed_keys_stay_as_they_are) {
  SealedKeyRows sealed(*registry);
  ASSERT_TRUE(sealed.put({"destroyed.sealed", {1}, kNow}));
  ASSERT_TRUE(sealed.put({"staying.sealed", {2}, kNow}));
  ASSERT_TRUE(registry->copy_to(copy));
  ASSERT_TRUE(sealed.erase("destroyed.sealed"));
  ASSERT_TRUE(sealed.put({"new.sealed", {3}, kNow}));
  ASSERT_TRUE(registry->restore(call, "s1", copy));
  EXPECT_REFUSED(sealed.get("destroyed.sealed"), Reason::kNotFound);
  EXPECT_EQ(must(sealed.get("staying.sealed")), Bytes{2});
  ASSERT_TRUE(registry->reset(call, {"hub in factory"}, {}));
  EXPECT_EQ(must(sealed.get("new.sealed")), Bytes{3});
}

TEST_F(Snapshots, audit_goes_on_through_a_restore_and_verifies) {
  ASSERT_TRUE(registry->copy_to(copy));
  ASSERT_TRUE(registry->create_device(call, kNs, "forgotten"));
  const auto head = must(registry->audit_head());
  ASSERT_TRUE(registry->restore(call, "s1", copy));
  expect_audit("rehearsal.restore", "snapshots/s1", "ok");
  EXPECT_EQ(must(registry->audit_head()).count, head.count + 1) << "the act that was undone stays on record";
  EXPECT_FALSE(must(registry->verify_audit(head)).fault);
}

TEST_F(Snapshots, numbering_of_changes_goes_on_and_every_follower_has_to_take_a_snapshot) {
  ASSERT_TRUE(registry->copy_to(copy));
  ASSERT_TRUE(registry->create_device(call, kNs, "a"));
  const auto newest = registry->newest_sequence();
  const auto restored = registry->restore(call, "s1", copy);
  ASSERT_TRUE(restored);
  EXPECT_GT(restored->sequence, newest);
  EXPECT_EQ(registry->newest_sequence(), restored->sequence) << "the listener was told";
  EXPECT_REFUSED(registry->changes_after(newest, 10), Reason::kPreconditionFailed);
  ASSERT_TRUE(registry->create_device(call, kNs, "b"));
  EXPECT_REFUSED(registry->changes_after(newest, 10), Reason::kPreconditionFailed);
  EXPECT_EQ(changes_since(restored->sequence).size(), 1u) << "who has the new state reads on";
  std::size_t told = 0;
  ASSERT_TRUE(registry->snapshot(hub.uuid, [&](const ChangeBody&) { ++told; }));
  EXPECT_EQ(told, 2u) << "one CA and b";
}

TEST_F(Snapshots, groups_that_were_put_back_are_another_generation) {
  make_enrollment("line", "alpha", true);
  ASSERT_TRUE(registry->copy_to(copy));
  make_enrollment("line-2", "alpha", true);
  const auto known = must(registry->groups_unless(std::nullopt));
  ASSERT_TRUE(known);
  ASSERT_TRUE(registry->restore(call, "s1", copy));
  const auto now = must(registry->groups_unless(known->generation));
  ASSERT_TRUE(now) << "a cache of them would go on with line-2";
  EXPECT_EQ(now->groups.size(), 1u);
}

TEST_F(Snapshots, settings_stay_as_they_are) {
  ASSERT_TRUE(registry->set_setting("port", "1"));
  ASSERT_TRUE(registry->copy_to(copy));
  ASSERT_TRUE(registry->set_setting("port", "2"));
  ASSERT_TRUE(registry->restore(call, "s1", copy));
  EXPECT_EQ(must(registry->setting("port")), "2");
}

TEST_F(Snapshots, restore_survives_a_restart) {
  ASSERT_TRUE(registry->copy_to(copy));
  ASSERT_TRUE(registry->create_device(call, kNs, "a"));
  ASSERT_TRUE(registry->restore(call, "s1", copy));
  open();
  EXPECT_REFUSED(registry->find_device(kNs, "a"), Reason::kNotFound);
  EXPECT_TRUE(registry->find_policy(kNs, "alpha"));
}

TEST_F(Snapshots, restore_brings_back_the_hubs_of_then_and_no_others) {
  ASSERT_TRUE(registry->create_hub(call, kNs, "second", "localhost:1"));
  const auto second = must(registry->find_hub("second"));
  ASSERT_TRUE(registry->copy_to(copy));
  ASSERT_TRUE(registry->delete_hub(call, "second"));
  ASSERT_TRUE(registry->create_hub(call, kNs, "third", "localhost:2"));
  ASSERT_TRUE(registry->restore(call, "s1", copy));
  EXPECT_EQ(must(registry->find_hub("second")).uuid, second.uuid);
  EXPECT_REFUSED(registry->find_hub("third"), Reason::kNotFound);
  expect_audit("rehearsal.restore", "snapshots/s1", "ok");
}

TEST_F(Snapshots, restore_of_what_is_no_registry_changes_nothing) {
  EXPECT_REFUSED(registry->restore(call, "none", folder.file("none.db")), Reason::kStorage);
  ASSERT_TRUE(registry->find_policy(kNs, "alpha"));
}

TEST_F(Snapshots, copy_is_for_its_owner_alone_and_never_written_over) {
  ASSERT_TRUE(registry->copy_to(copy));
  struct stat found {};
  ASSERT_EQ(::stat(copy.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_REFUSED(registry->copy_to(copy), Reason::kAlreadyExists);
}

TEST_F(Snapshots, copy_names_the_keys_of_its_cas) {
  ASSERT_TRUE(registry->copy_to(copy));
  EXPECT_EQ(must(registry->key_refs_in(copy)), (std::vector<std::string>{"key-1", "key-2"}));
}

TEST_F(Snapshots, reset_leaves_nothing_but_the_audit_and_the_settings_that_are_not_named) {
  ASSERT_TRUE(registry->set_setting("made", "yes"));
  ASSERT_TRUE(registry->set_setting("port", "2"));
  make_enrollment("line", "alpha", true);
  ASSERT_TRUE(registry->reset(call, {"hub in factory"}, {"made"}));
  EXPECT_TRUE(must(registry->list_namespaces()).empty());
  EXPECT_TRUE(must(registry->list_hubs()).empty());
  EXPECT_TRUE(must(registry->list_cas()).empty());
  EXPECT_FALSE(must(registry->setting("made")));
  EXPECT_EQ(must(registry->setting("port")), "2");
  EXPECT_FALSE(must(registry->verify_audit(std::nullopt)).fault);
  make_factory();
}

TEST_F(Snapshots, reset_is_refused_while_there_are_other_hubs_than_are_made_anew) {
  ASSERT_TRUE(registry->create_hub(call, kNs, "second", "localhost:1"));
  EXPECT_REFUSED(registry->reset(call, {"hub in factory"}, {}), Reason::kPreconditionFailed);
  EXPECT_TRUE(registry->find_hub("second"));
}

TEST_F(Snapshots, none_of_it_is_there_outside_rehearsals) {
  ASSERT_TRUE(registry->copy_to(copy));
  rehearsal = false;
  open();
  EXPECT_REFUSED(registry->copy_to(folder.file("other.db")), Reason::kInvalidArgument);
  EXPECT_REFUSED(registry->restore(call, "s1", copy), Reason::kInvalidArgument);
  EXPECT_REFUSED(registry->reset(call, {"hub in factory"}, {}), Reason::kInvalidArgument);
  EXPECT_TRUE(registry->find_policy(kNs, "alpha"));
}

// What is asked of it, and answers that a test sets.
class PlayedFaults : public Faults {
 public:
  Outcome<Nothing> before(std::string_view action, std::string_view) override {
    if (action != full) return Nothing{};
    return refuse(Reason::kStorage, "storage full: rehearsed");
  }
  Sync sync(std::string_view action, const Policy& policy, const Hub& hub) override {
    asked.push_back(std::string(action) + " " + policy.name + " " + hub.name);
    return comes;
  }
  std::string full;
  Sync comes = Sync::kWhole;
  std::vector<std::string> asked;
};

class RegistryFaults : public RegistryTest {
 protected:
  void SetUp() override {
    auto opened = SqlRegistry::open_with({path, 256, true, &faults}, openssl::host_digest(), {});
    ASSERT_TRUE(opened);
    registry = std::move(*opened);
    make_factory();
    faults.asked.clear();
  }
  std::vector<Uuid> trusted() {
    std::vector<Uuid> cas;
    for (const auto& certificate : must(registry->list_hub_certificates("hub"))) cas.push_back(certificate.ca);
    return cas;
  }
  NewCa replacement() { return new_ca("CN=next"); }
  PlayedFaults faults;
};

TEST_F(RegistryFaults, full_disk_fails_the_whole_commit_and_leaves_no_record) {
  const auto head = must(registry->audit_head());
  faults.full = "device.create";
  EXPECT_REFUSED(registry->create_device(call, kNs, "a"), Reason::kStorage);
  EXPECT_EQ(must(registry->audit_head()).count, head.count);
  faults.full.clear();
  EXPECT_TRUE(registry->create_device(call, kNs, "a")) << "once there is room again";
}

TEST_F(RegistryFaults, sync_that_fails_half_way_takes_the_old_ca_off_and_brings_no_new_one) {
  faults.comes = Faults::Sync::kRemovalsOnly;
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", replacement()));
  EXPECT_TRUE(trusted().empty());
  EXPECT_EQ(faults.asked, std::vector<std::string>{"policy.revoke alpha hub"});
  faults.comes = Faults::Sync::kWhole;
  EXPECT_EQ(must(registry->sync_credential(call, kNs)).value.added, 1) << "a later sync repairs it";
  EXPECT_EQ(trusted().size(), 1u);
}

TEST_F(RegistryFaults, sync_that_is_skipped_leaves_the_hub_as_it_was) {
  const auto before = trusted();
  faults.comes = Faults::Sync::kNothing;
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", replacement()));
  EXPECT_EQ(trusted(), before);
}

}  // namespace
}  // namespace latchkey::registry
