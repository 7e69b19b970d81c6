// SPDX-License-Identifier: Apache-2.0
// Rows of docs/behaviour.md that no other test of this room is about.
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::Contains;
using testing::Not;

class OperationRows : public RegistryTest {
 protected:
  // A second namespace beside "factory" that has all that the first one has, under the same names but the hub's.
  void make_annex() {
    ASSERT_TRUE(registry->create_namespace(call, kAnnex));
    ASSERT_TRUE(registry->create_credential(call, kAnnex, ca_of_annex("CN=annex root")));
    ASSERT_TRUE(registry->create_hub(call, kAnnex, "annex-hub", "localhost:8884"));
    ASSERT_TRUE(registry->create_policy(call, kAnnex, {"alpha", 30, ca_of_annex("CN=annex alpha")}));
    auto form = enrollment_form("annex-line", "alpha", true);
    form.namespace_name = kAnnex;
    ASSERT_TRUE(registry->create_enrollment(call, form));
  }
  NewCa ca_of_annex(const std::string& subject) {
    NewCa ca = new_ca(subject);
    const auto credential = registry->find_credential(kAnnex);
    ca.issuer = credential ? credential->ca : ca.id;
    return ca;
  }
  std::vector<Uuid> trusted(const std::string& hub_name) {
    std::vector<Uuid> cas;
    for (const auto& certificate : must(registry->list_hub_certificates(hub_name))) cas.push_back(certificate.ca);
    return cas;
  }
  // What a gate of that hub is told of the device when it asks for everything.
  std::optional<DeviceState> told(const std::string& hub_name, const std::string& device) {
    std::optional<DeviceState> state;
    const auto uuid = must(registry->find_hub(hub_name)).uuid;
    const auto at = registry->snapshot(uuid, [&](const ChangeBody& body) {
      const auto* found = std::get_if<DeviceState>(&body);
      if (found != nullptr && found->id == device) state = *found;
    });
    EXPECT_TRUE(at);
    return state;
  }

  static constexpr const char* kAnnex = "annex";
};

// Rows: R-1-08
TEST_F(OperationRows, cohort_with_a_root_of_its_own_takes_a_namespace_and_nothing_done_there_touches_another) {
  make_factory({"alpha"});
  make_annex();
  EXPECT_REFUSED(registry->create_credential(call, kNs, new_ca("CN=second root")), Reason::kAlreadyExists);
  EXPECT_NE(registry->find_credential(kNs)->ca, registry->find_credential(kAnnex)->ca);
  const Enrollment own = make_enrollment("dev");
  const auto leaf = provision("dev", own);
  const auto far = provision("far", must(registry->find_enrollment("annex-line", true)));
  const Policy policy = must(registry->find_policy(kNs, "alpha"));
  const Device device = must(registry->find_device(kNs, "dev"));
  const auto trusted_before = trusted("hub");
  EXPECT_THAT(trusted_before, Not(Contains(far.ca)));
  publish_all();

  ASSERT_TRUE(registry->revoke_device(call, kAnnex, "far", true));
  ASSERT_TRUE(registry->revoke_policy(call, kAnnex, "alpha", ca_of_annex("CN=annex next")));
  ASSERT_TRUE(registry->delete_policy(call, kAnnex, "alpha"));
  ASSERT_TRUE(registry->delete_credential(call, kAnnex));

  EXPECT_EQ(registry->find_policy(kNs, "alpha")->ca, policy.ca);
  EXPECT_EQ(registry->find_device(kNs, "dev")->credential_id, device.credential_id);
  EXPECT_EQ(status_of("dev", leaf.serial), CertificateStatus::kIssued);
  EXPECT_EQ(trusted("hub"), trusted_before);
  EXPECT_FALSE(due_list(policy.ca)) << "its list has not changed";
  EXPECT_EQ(provision("dev", own).ca, policy.ca) << "it goes on issuing";
}

// Rows: R-5-10, R-12-01
TEST_F(OperationRows, credential_may_have_many_policies_unless_parity_is_asked_for) {
  make_factory({"alpha", "beta", "gamma"});
  EXPECT_EQ(registry->list_policies(kNs)->size(), 3u);
  const Uuid root = registry->find_credential(kNs)->ca;
  for (const auto& policy : must(registry->list_policies(kNs))) {
    EXPECT_EQ(registry->find_ca(policy.ca)->issuer, root) << policy.name;
    EXPECT_THAT(trusted("hub"), Contains(policy.ca)) << policy.name;
  }
}

// Rows: R-7-39
TEST_F(OperationRows, device_is_enabled_or_disabled_on_all_linked_hubs_alike) {
  make_factory();
  ASSERT_TRUE(registry->create_hub(call, kNs, "second", "second"));
  ASSERT_TRUE(registry->create_device(call, kNs, "dev"));
  for (const bool enabled : {false, true}) {
    ASSERT_TRUE(registry->update_device(call, kNs, "dev", {enabled}));
    for (const char* name : {"hub", "second"}) {
      const auto state = told(name, "dev");
      ASSERT_TRUE(state) << name;
      EXPECT_EQ(state->enabled, enabled) << name;
    }
  }
}

// Rows: R-7-41
TEST_F(OperationRows, nothing_brings_back_the_identifier_that_a_revoke_replaced) {
  make_factory();
  const Enrollment enrollment = make_enrollment("dev");
  const auto dead = provision("dev", enrollment);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", true));
  const auto still_dead = [&] {
    const auto device = registry->find_device(kNs, "dev");
    return status_of("dev", dead.serial) != CertificateStatus::kIssued &&
           (!device || device->credential_id != dead.credential_id) &&
           told("hub", "dev")->credential_id != dead.credential_id;
  };
  EXPECT_TRUE(still_dead());
  ASSERT_TRUE(registry->update_device(call, kNs, "dev", {true}));
  EXPECT_TRUE(still_dead()) << "after enabling";
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  EXPECT_TRUE(still_dead()) << "after a sync";
  provision("dev", enrollment);
  EXPECT_TRUE(still_dead()) << "after provisioning";
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  EXPECT_TRUE(still_dead()) << "after another revoke";
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev"));
  provision("dev", enrollment);
  EXPECT_TRUE(still_dead()) << "after deletion and provisioning";
  open();
  EXPECT_TRUE(still_dead()) << "after a restart";
}

// Rows: R-7-41
TEST_F(OperationRows, nothing_brings_back_the_issuing_ca_that_a_policy_revoke_took_away) {
  make_factory();
  const Uuid revoked = registry->find_policy(kNs, "alpha")->ca;
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=next")));
  ASSERT_TRUE(registry->create_hub(call, kNs, "late", "late"));
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  for (const char* name : {"hub", "late"}) EXPECT_THAT(trusted(name), Not(Contains(revoked))) << name;
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  ASSERT_TRUE(make_policy("alpha"));
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  for (const char* name : {"hub", "late"}) EXPECT_THAT(trusted(name), Not(Contains(revoked))) << name;
  EXPECT_EQ(registry->find_ca(revoked)->status, CaStatus::kRevoked);
}

// Rows: R-7-04, R-7-09, R-7-41
TEST_F(OperationRows, deleted_policy_and_credential_are_succeeded_by_others_and_never_issue_again) {
  make_factory();
  const Enrollment enrollment = make_enrollment("dev");
  const Policy policy = must(registry->find_policy(kNs, "alpha"));
  const Credential credential = must(registry->find_credential(kNs));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kPolicyMissing);
  ASSERT_TRUE(registry->delete_credential(call, kNs));
  publish_all();
  EXPECT_REFUSED(make_policy("alpha"), Reason::kParentNotFound);
  EXPECT_REFUSED(enroll("dev", enrollment), Reason::kPolicyMissing);
  for (const Uuid& ca : {policy.ca, credential.ca}) {
    EXPECT_EQ(registry->find_ca(ca)->status, CaStatus::kRetired);
    EXPECT_TRUE(registry->find_ca(ca)->key_ref.empty()) << "no key is left that could sign";
  }

  ASSERT_TRUE(registry->create_credential(call, kNs, new_ca("CN=other root")));
  ASSERT_TRUE(make_policy("alpha"));
  const Policy successor = must(registry->find_policy(kNs, "alpha"));
  EXPECT_NE(successor.uuid, policy.uuid);
  EXPECT_NE(registry->find_ca(successor.ca)->issuer, credential.ca);
  EXPECT_EQ(provision("dev", enrollment).ca, successor.ca);
}

// The edition stays with such a write, so that others would go on by what they remember.
TEST_F(OperationRows, bookkeeping_changes_nothing_that_is_remembered) {
  make_factory({"alpha"});
  const auto before = registry->edition();
  const auto done = registry->keep_rows(
      [](store::Database& db) { return db.query("UPDATE policies SET validity_days = 1 WHERE name = 'alpha'").run(); });
  EXPECT_REFUSED(done, Reason::kInternal);
  EXPECT_EQ(registry->edition(), before);
  EXPECT_NE(registry->find_policy(kNs, "alpha")->validity_days, 1);
  ASSERT_TRUE(registry->attempt(call, "policy.test", "policies/alpha", [](RowAct& act) {
    return act.db.query("UPDATE policies SET validity_days = 1 WHERE name = 'alpha'").run();
  }));
  EXPECT_NE(registry->edition(), before);
  EXPECT_EQ(registry->find_policy(kNs, "alpha")->validity_days, 1);
}

}  // namespace
}  // namespace latchkey::registry
