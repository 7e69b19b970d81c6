// SPDX-License-Identifier: Apache-2.0
// A thousand of each act that takes trust away, and as many refused attempts, read back when everything that they speak
// of is gone.
#include <map>
#include <thread>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

constexpr int kFactories = 1000;
constexpr int kThreads = 25;

class AuditBulk : public RegistryTest {
 protected:
  // Beside new_ca(): safe from many threads. `nth` is 0 for the root, then 1, 2 for issuing CAs.
  static NewCa ca_of(int factory, int nth) {
    const auto root_id = id_of(factory, 0);
    NewCa ca;
    ca.id = id_of(factory, nth);
    ca.issuer = root_id;
    ca.subject = "CN=" + std::to_string(factory) + "-" + std::to_string(nth);
    ca.serial = {0x41, static_cast<std::uint8_t>(factory >> 8), static_cast<std::uint8_t>(factory),
                 static_cast<std::uint8_t>(nth)};
    ca.not_before = kNow - kDay;
    ca.not_after = kNow + 365 * kDay;
    ca.der = Bytes{0x30, static_cast<std::uint8_t>(nth)};
    ca.key_ref = ca.subject;
    return ca;
  }
  static Uuid id_of(int factory, int nth) {
    Uuid id;
    id.bytes[0] = static_cast<std::uint8_t>(factory >> 8);
    id.bytes[1] = static_cast<std::uint8_t>(factory);
    id.bytes[2] = static_cast<std::uint8_t>(nth);
    id.bytes[15] = 0xca;
    return id;
  }

  // From nothing to nothing.
  void live_and_die(int factory) {
    const std::string ns = "factory-" + std::to_string(factory);
    EXPECT_TRUE(registry->create_namespace(call, ns));
    EXPECT_TRUE(registry->create_credential(call, ns, ca_of(factory, 0)));
    EXPECT_TRUE(registry->create_policy(call, ns, {"line", 30, ca_of(factory, 1)}));
    EXPECT_TRUE(registry->create_device(call, ns, "dev"));

    EXPECT_TRUE(registry->revoke_device(call, ns, "dev", true));
    EXPECT_FALSE(registry->revoke_device(call, ns, "nobody", true));
    EXPECT_TRUE(registry->revoke_policy(call, ns, "line", ca_of(factory, 2)));
    EXPECT_FALSE(registry->revoke_policy(call, ns, "none", ca_of(factory, 3)));
    EXPECT_FALSE(registry->delete_credential(call, ns));  // it has a policy
    EXPECT_TRUE(registry->delete_policy(call, ns, "line"));
    EXPECT_FALSE(registry->delete_policy(call, ns, "line"));
    EXPECT_TRUE(registry->delete_credential(call, ns));

    EXPECT_TRUE(registry->delete_device(call, ns, "dev"));
    EXPECT_TRUE(registry->delete_namespace(call, ns));
  }
};

TEST_F(AuditBulk, thousands_of_acts_and_refusals_outlive_what_they_speak_of_and_verify) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int factory = t; factory < kFactories; factory += kThreads) live_and_die(factory);
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(must(registry->list_namespaces()).empty());
  open();

  std::map<std::pair<std::string, bool>, int> counts;
  std::uint64_t number = 0;
  for (;;) {
    const auto page = must(registry->audit_from(number + 1, 1000));
    if (page.empty()) break;
    for (const AuditRecord& record : page) {
      EXPECT_EQ(record.number, ++number);
      const bool done = record.outcome == "ok";
      ++counts[{record.action, done}];
      EXPECT_EQ(record.before.empty() && record.after.empty(), !done) << record.action << " " << record.resource;
    }
  }
  for (const std::string action : {"device.revoke", "policy.revoke", "policy.delete", "credential.delete"}) {
    EXPECT_EQ((counts[{action, true}]), kFactories) << action;
    EXPECT_EQ((counts[{action, false}]), kFactories) << action;
  }
  EXPECT_EQ(number, 14u * kFactories);
  const auto report = must(registry->verify_audit(std::nullopt));
  EXPECT_EQ(report.head.count, number);
  EXPECT_FALSE(report.fault) << report.fault->number << " " << report.fault->what;

  auto file = std::move(*store::Database::open(path, store::Database::Access::kReadWrite));
  drop_audit_triggers(*file);
  ASSERT_TRUE(file->execute("UPDATE audit SET actor = 'Tester' WHERE number = 7777"));
  const auto broken = must(registry->verify_audit(std::nullopt));
  ASSERT_TRUE(broken.fault);
  EXPECT_EQ(broken.fault->number, 7777u);
}

}  // namespace
}  // namespace latchkey::registry
