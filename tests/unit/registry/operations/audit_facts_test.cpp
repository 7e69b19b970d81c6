// SPDX-License-Identifier: Apache-2.0
// What a record says beside who and what: from where, and what the act changed.
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class AuditFactsTest : public RegistryTest {
 protected:
  void expect_change(const std::string& action, const std::string& before, const std::string& after) {
    const AuditRecord record = last_audit();
    EXPECT_EQ(record.action, action);
    EXPECT_EQ(record.outcome, "ok");
    EXPECT_THAT(record.before, MatchesRegex(before)) << action;
    EXPECT_THAT(record.after, MatchesRegex(after)) << action;
  }
  static std::string hex(ByteView bytes) {
    std::string text(hex_size(bytes.size()), '0');
    EXPECT_TRUE(hex_encode(bytes, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size())));
    return text;
  }
  std::string credential_start() {
    return hex(must(registry->find_device(kNs, "dev")).credential_id.bytes).substr(0, 8);
  }
  std::string issuing_serial() {
    return hex(must(registry->find_ca(must(registry->find_policy(kNs, "alpha")).ca)).serial);
  }
};

TEST_F(AuditFactsTest, device_acts_tell_credential_version_and_state) {
  make_factory();
  ASSERT_TRUE(registry->create_device(call, kNs, "dev"));
  const auto first = credential_start();
  expect_change("device.create", "", "credential=" + first + " enabled=yes version=1");
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", true));
  const auto second = credential_start();
  EXPECT_NE(first, second);
  expect_change("device.revoke", "credential=" + first + " enabled=yes version=1",
                "credential=" + second + " enabled=no version=2");
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  const auto third = credential_start();
  expect_change("device.revoke", "credential=" + second + " version=2", "credential=" + third + " version=3");
  ASSERT_TRUE(registry->update_device(call, kNs, "dev", {.enabled = true}));
  expect_change("device.update", "enabled=no version=3", "enabled=yes version=4");
  ASSERT_TRUE(registry->update_device(call, kNs, "dev", {.enabled = true}));
  expect_change("device.update", "", "");  // nothing changed
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev"));
  expect_change("device.delete", "credential=" + third + " enabled=yes version=4", "");
}

TEST_F(AuditFactsTest, policy_acts_tell_issuing_ca_and_lifetime) {
  make_factory({});
  ASSERT_TRUE(make_policy("Alpha", 30));
  const auto first = issuing_serial();
  expect_change("policy.create", "", "issuing_ca=" + first + " validity_days=30 key_profile=ec-p256.*");
  ASSERT_TRUE(registry->update_policy(call, kNs, "alpha", 14));
  expect_change("policy.update", "validity_days=30", "validity_days=14");
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "ALPHA", new_ca("CN=next")));
  const auto second = issuing_serial();
  expect_change("policy.revoke", "issuing_ca=" + first, "issuing_ca=" + second);
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  expect_change("policy.delete", "issuing_ca=" + second + " validity_days=14 key_profile=ec-p256.*", "");
}

TEST_F(AuditFactsTest, credential_and_namespace_acts_tell_what_came_and_went) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  expect_change("namespace.create", "", "uuid=[0-9a-f]+");
  ASSERT_TRUE(registry->create_credential(call, kNs, new_ca("CN=root")));
  expect_change("credential.create", "", "root_ca=[0-9a-f]+ key_profile=ec-p256 hub_certificates=0");
  ASSERT_TRUE(make_policy("alpha"));
  ASSERT_TRUE(registry->create_hub(call, kNs, "hub", "localhost:8883"));
  expect_change("hub.create", "", "host=localhost:8883 namespace=factory");
  ASSERT_TRUE(registry->update_hub(call, "HUB", {"127.0.0.2:8883"}));
  expect_change("hub.update", "host=localhost:8883", "host=127.0.0.2:8883");
  const auto delete_certificate = [this] {
    const auto certificate = must(registry->list_hub_certificates("hub")).front();
    ASSERT_TRUE(registry->delete_hub_certificate(call, "hub", certificate.name));
  };
  delete_certificate();
  expect_change("hub.certificate.delete", "issuing_ca=" + issuing_serial(), "");
  ASSERT_TRUE(registry->sync_credential(call, kNs));
  expect_change("credential.synchronize", "hub_certificates=0", "hub_certificates=1");
  delete_certificate();
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  ASSERT_TRUE(registry->delete_credential(call, kNs));
  expect_change("credential.delete", "root_ca=[0-9a-f]+ key_profile=ec-p256 hub_certificates=0", "");
}

TEST_F(AuditFactsTest, enrollment_acts_tell_state_and_policy) {
  make_factory({"alpha", "beta"});
  make_enrollment("Dev", "alpha");
  expect_change("enrollment.create", "", "enabled=yes attestation=symmetric_key policy=alpha namespace=factory.*");
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {.policy_name = "beta", .enabled = false}));
  expect_change("enrollment.update", "enabled=yes policy=alpha", "enabled=no policy=beta");
  make_enrollment("fleet", "alpha", true);
  ASSERT_TRUE(registry->update_enrollment(call, "Fleet", true, {.policy_name = "", .enabled = {}}));
  expect_change("enrollment.update", "policy=alpha", "");
  ASSERT_TRUE(registry->update_enrollment(
      call, "fleet", true,
      {.policy_name = {}, .enabled = {}, .allocation = AllocationPolicy::kStatic, .hubs = {{"hub"}}}));
  expect_change("enrollment.update", "allocation=hashed", "allocation=static hubs=hub");
  ASSERT_TRUE(registry->delete_enrollment(call, "fleet", true));
  expect_change("enrollment.delete", "enabled=yes attestation=symmetric_key namespace=factory.*", "");
}

TEST_F(AuditFactsTest, provisioning_tells_assignment_and_certificate) {
  make_factory({"alpha", "beta"});
  const auto enrollment = make_enrollment("dev");
  const auto granted = enroll("dev", enrollment);
  ASSERT_TRUE(granted);
  expect_change("device.register", "", "device=dev hub=hub credential=" + credential_start() + " policy=alpha");
  ASSERT_TRUE(registry->finish_issuance(call, granted->value.issuance->serial));
  expect_change("certificate.issue", "status=reserved", "status=issued");
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  expect_change("device.revoke", "credential=[0-9a-f]+ version=1 live_certificates=1",
                "credential=[0-9a-f]+ version=2 live_certificates=0");
  ASSERT_TRUE(registry->update_enrollment(call, "dev", false, {.policy_name = "beta", .enabled = {}}));
  ASSERT_TRUE(enroll("dev", enrollment));
  expect_change("device.register", "policy=alpha", "policy=beta");
}

TEST_F(AuditFactsTest, certificate_of_a_device_that_was_revoked_meanwhile_is_told_as_revoked) {
  make_factory();
  const auto granted = enroll("dev", make_enrollment("dev"));
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  ASSERT_TRUE(registry->finish_issuance(call, granted->value.issuance->serial));
  expect_change("certificate.issue", "status=reserved", "status=revoked");
}

TEST_F(AuditFactsTest, refused_attempts_change_nothing_and_say_from_where) {
  make_factory();
  ASSERT_TRUE(registry->create_device(call, kNs, "dev"));
  call.source = "127.0.0.1:51234";
  ASSERT_FALSE(registry->create_device(call, kNs, "dev"));
  ASSERT_FALSE(registry->update_policy(call, kNs, "alpha", 9999));
  ASSERT_FALSE(registry->delete_credential(call, kNs));
  ASSERT_FALSE(registry->revoke_device(call, kNs, "x/../devices/dev", true));
  ASSERT_FALSE(registry->revoke_device(call, kNs + std::string("/devices/dev/y"), "dev", true));
  for (const auto& record : must(registry->list_audit(0, 5))) {
    EXPECT_NE(record.outcome, "ok") << record.action;
    EXPECT_EQ(record.before, "") << record.action;
    EXPECT_EQ(record.after, "") << record.action;
    EXPECT_EQ(record.source, "127.0.0.1:51234");
  }
}

TEST_F(AuditFactsTest, source_is_kept_with_every_kind_of_record) {
  make_factory();
  EXPECT_EQ(last_audit().source, "");  // the hub process itself
  call.source = "unix socket";
  ASSERT_TRUE(registry->create_device(call, kNs, "dev"));
  EXPECT_EQ(last_audit().source, "unix socket");
  ASSERT_TRUE(registry->audit(call, "management.connect", "management", "unauthorized", "no"));
  EXPECT_EQ(last_audit().source, "unix socket");
  call.source = "evil\nsource";
  ASSERT_FALSE(registry->create_device(call, kNs, "dev"));
  EXPECT_EQ(last_audit().source, "evil?source");
}

TEST_F(AuditFactsTest, neither_keys_nor_whole_credentials_are_ever_told) {
  make_factory();
  auto form = enrollment_form("dev");
  form.primary = Bytes{'s', 'e', 'c', 'r', 'e', 't', '-', 'k', 'e', 'y'};
  form.secondary = Bytes{'o', 't', 'h', 'e', 'r', '-', 'k', 'e', 'y'};
  const auto enrollment = must(registry->create_enrollment(call, form)).value;
  std::vector<std::string> secrets = {"secret-key", "other-key", hex(form.primary), hex(form.secondary)};
  ASSERT_TRUE(enroll("dev", enrollment));
  for (int i = 0; i < 3; ++i) {
    secrets.push_back(hex(must(registry->find_device(kNs, "dev")).credential_id.bytes).substr(8));
    ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", false));
  }
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=next")));
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev"));
  ASSERT_TRUE(registry->delete_enrollment(call, "dev", false));
  secrets.insert(secrets.end(), {"key-1", "key-2", "key-3"});  // key_ref of the CAs
  for (const auto& record : must(registry->list_audit(0, 1000))) {
    for (const auto& secret : secrets) {
      const auto all = record.resource + record.detail + record.before + record.after;
      EXPECT_THAT(all, Not(HasSubstr(secret))) << record.action;
    }
  }
}

}  // namespace
}  // namespace latchkey::registry
