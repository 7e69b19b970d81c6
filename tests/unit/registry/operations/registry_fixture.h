// SPDX-License-Identifier: Apache-2.0
// A registry in a folder of its own, with the shortest way to each resource that a test needs.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "platform/openssl/digest.h"
#include "registry/operations/internal/sql_registry.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry {

inline constexpr UnixMs kNow = 1'900'000'000'000;  // a Tuesday in 2030
inline constexpr UnixMs kDay = 24LL * 60 * 60 * 1000;

// EXPECT_REFUSED(outcome, Reason): it is a refusal, for that reason, and says something.
#define EXPECT_REFUSED(expression, expected)                                   \
  do {                                                                         \
    const auto& refused_outcome = (expression);                                \
    ASSERT_FALSE(refused_outcome) << "not refused";                            \
    EXPECT_EQ(to_string(refused_outcome.error().reason), to_string(expected)); \
    EXPECT_FALSE(refused_outcome.error().detail.empty());                      \
  } while (false)

// The value of an outcome that has to be one. By value, so that a loop may run over what is in it.
template <class T>
T must(Outcome<T> outcome) {
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().detail);
  return outcome ? std::move(*outcome) : T{};
}

// As whoever may write the database can.
inline void drop_audit_triggers(store::Database& database) {
  if (on_postgres()) {
    ASSERT_TRUE(
        database.execute("DROP TRIGGER IF EXISTS audit_guard ON audit;"
                         "DROP TRIGGER IF EXISTS audit_head_guard ON audit_head"));
    return;
  }
  for (const char* trigger : {"audit_never_changes", "audit_never_shrinks", "audit_only_grows", "audit_head_is_one",
                              "audit_head_stays", "audit_head_goes_on"}) {
    ASSERT_TRUE(database.execute(std::string("DROP TRIGGER IF EXISTS ") + trigger));
  }
}

class RegistryTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open(store::Writer::Options hooks = {.batch_limit = 256, .keep_changes = 100000, .before_commit = {}}) {
    registry.reset();
    auto opened =
        SqlRegistry::open_with({path, 256, rehearsal, nullptr, limits}, openssl::host_digest(), std::move(hooks));
    ASSERT_TRUE(opened) << opened.error().detail;
    registry = std::move(*opened);
  }

  // "factory" with a credential, hub "hub", and the policies that are asked for.
  void make_factory(const std::vector<std::string>& policies = {"alpha"}) {
    ASSERT_TRUE(registry->create_namespace(call, kNs));
    ASSERT_TRUE(registry->create_credential(call, kNs, new_ca("CN=root")));
    auto made = registry->create_hub(call, kNs, "hub", "localhost:8883");
    ASSERT_TRUE(made);
    hub = made->value;
    for (const auto& name : policies) ASSERT_TRUE(make_policy(name));
  }

  Outcome<Committed<Policy>> make_policy(const std::string& name, int days = 30) {
    return registry->create_policy(call, kNs, {name, days, new_ca("CN=" + name + std::to_string(made_ + 1))});
  }

  // Signed by the root that the namespace has now; a root when it has none.
  NewCa new_ca(const std::string& subject, UnixMs not_after = kNow + 365 * kDay) {
    NewCa ca;
    ++made_;
    for (int i = 0; i < 4; ++i) ca.id.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(made_ >> (8 * i));
    ca.id.bytes[15] = 0xca;
    ca.subject = subject;
    ca.serial = new_serial();
    ca.not_before = kNow - kDay;
    ca.not_after = not_after;
    ca.der = Bytes{0x30, static_cast<std::uint8_t>(made_)};
    ca.key_ref = "key-" + std::to_string(made_);
    const auto credential = registry->find_credential(kNs);
    ca.issuer = credential ? credential->ca : ca.id;
    return ca;
  }

  Bytes new_serial() {
    ++serials_;
    return {0x40, static_cast<std::uint8_t>(serials_ >> 16), static_cast<std::uint8_t>(serials_ >> 8),
            static_cast<std::uint8_t>(serials_)};
  }

  NewEnrollment enrollment_form(const std::string& id, const std::string& policy = "alpha", bool group = false) {
    NewEnrollment form;
    form.id = id;
    form.group = group;
    form.namespace_name = kNs;
    form.primary = Bytes{'k', 'e', 'y'};
    form.policy_name = policy;
    return form;
  }
  Enrollment make_enrollment(const std::string& id, const std::string& policy = "alpha", bool group = false) {
    auto made = registry->create_enrollment(call, enrollment_form(id, policy, group));
    EXPECT_TRUE(made) << (made ? "" : made.error().detail);
    return made ? made->value : Enrollment{};
  }

  Outcome<Committed<RegistrationGrant>> enroll(const std::string& id, const Enrollment& enrollment,
                                               bool certificate = true) {
    return registry->register_device(call,
                                     {id, enrollment.uuid, certificate, certificate ? new_serial() : Bytes(), "op"});
  }

  // Through provisioning and signing: the certificate that the device holds afterwards.
  IssuanceGrant provision(const std::string& id, const Enrollment& enrollment) {
    auto granted = enroll(id, enrollment);
    EXPECT_TRUE(granted) << (granted ? "" : granted.error().detail);
    if (!granted || !granted->value.issuance) return {};
    EXPECT_TRUE(registry->finish_issuance(call, granted->value.issuance->serial));
    return *granted->value.issuance;
  }

  CertificateStatus status_of(const std::string& device, const Bytes& serial) {
    for (const auto& certificate : must(registry->list_certificates(kNs, device))) {
      if (certificate.serial == serial) return certificate.status;
    }
    return CertificateStatus{0};
  }

  // Serials on the CRL that this CA owes; nothing when it owes none.
  std::optional<std::vector<Bytes>> due_list(const Uuid& ca) {
    for (const auto& order : must(registry->due_crls(call.now))) {
      if (order.ca.id != ca) continue;
      std::vector<Bytes> serials;
      for (const auto& revoked : order.revoked) serials.push_back(revoked.serial);
      return serials;
    }
    return std::nullopt;
  }
  // Publishes every CRL that is due.
  void publish_all() {
    for (const auto& order : must(registry->due_crls(call.now))) {
      ASSERT_TRUE(order.last ? registry->ca_ended(order.ca.id, order.number)
                             : registry->crl_published(order.ca.id, order.number, order.revoked.size()));
    }
    ASSERT_TRUE(registry->due_crls(call.now)->empty());
  }

  std::vector<Change> changes_since(Sequence after) {
    auto changes = registry->changes_after(after, 1000);
    EXPECT_TRUE(changes);
    return changes ? *changes : std::vector<Change>();
  }

  AuditRecord last_audit() { return registry->list_audit(0, 1)->front(); }
  void expect_audit(const std::string& action, const std::string& resource, const std::string& outcome) {
    const AuditRecord record = last_audit();
    EXPECT_EQ(record.action, action);
    EXPECT_EQ(record.resource, resource);
    EXPECT_EQ(record.outcome, outcome);
    EXPECT_EQ(record.actor, call.actor);
    EXPECT_EQ(record.at, call.now);
  }

  static constexpr const char* kNs = "factory";
  bool rehearsal = false;
  Limits limits;
  tests::MemoryFolder folder;
  std::string path = store_in(folder);
  std::unique_ptr<SqlRegistry> registry;
  Call call{"tester", kNow};
  Hub hub;

 private:
  std::uint32_t made_ = 0;
  std::uint32_t serials_ = 0;
};

}  // namespace latchkey::registry
