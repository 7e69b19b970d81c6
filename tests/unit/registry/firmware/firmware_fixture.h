// SPDX-License-Identifier: Apache-2.0
// A registry with a namespace, a policy "standard" and devices of it: pump-00 to pump-99; and "lonely", of no policy.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "platform/openssl/digest.h"
#include "registry/firmware/campaigns.h"
#include "registry/firmware/statements.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::firmware {

inline constexpr UnixMs kNow = 1'900'000'000'000;

// It is a refusal, for that reason, and says something.
#define EXPECT_REFUSED(expression, expected)                                   \
  do {                                                                         \
    const auto& refused_outcome = (expression);                                \
    ASSERT_FALSE(refused_outcome) << "not refused";                            \
    EXPECT_EQ(to_string(refused_outcome.error().reason), to_string(expected)); \
    EXPECT_FALSE(refused_outcome.error().detail.empty());                      \
  } while (false)

template <class T>
T must(Outcome<T> outcome) {
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().detail);
  return outcome ? std::move(*outcome) : T{};
}

class FirmwareTest : public testing::Test {
 protected:
  void SetUp() override {
    registry = std::move(*Registry::open({.path = store_in(folder)}, openssl::host_digest()));
    ASSERT_TRUE(registry->create_namespace(call, "default"));
    ASSERT_TRUE(registry->create_credential(call, "default", ca("CN=root", 1)));
    const auto policy = registry->create_policy(call, "default", {"standard", 30, ca("CN=issuing", 2)});
    ASSERT_TRUE(policy);
    standard = policy->value.uuid;
    ASSERT_TRUE(registry->create_device(call, "default", "lonely"));
    rows = std::make_unique<CampaignRows>(rows_of(*registry));
    statements = std::make_unique<StatementRows>(rows_of(*registry));
  }
  static NewCa ca(const std::string& subject, std::uint8_t number) {
    NewCa made;
    made.id.bytes.fill(number);
    made.subject = subject;
    made.serial = Bytes(16, number);
    made.not_before = kNow - 1000;
    made.not_after = kNow + 365LL * 86'400'000;
    made.der = {0x30, number};
    made.key_ref = subject;
    made.issuer.bytes.fill(1);
    return made;
  }
  // Devices get their policy when they are provisioned; here by hand.
  void fill() {
    for (int i = 0; i < 100; ++i) {
      const auto id = std::string("pump-") + static_cast<char>('0' + i / 10) + static_cast<char>('0' + i % 10);
      ASSERT_TRUE(registry->create_device(call, "default", id));
    }
    ASSERT_TRUE(rows_of(*registry).keep_rows([&](store::Database& db) {
      return db.query("UPDATE devices SET policy = $1 WHERE id LIKE 'pump-%'", standard).run();
    }));
  }
  Device device(const std::string& id) { return must(registry->find_device("default", id)); }
  static NewCampaign wanted(std::uint8_t number, std::int64_t percent = 100) {
    NewCampaign campaign;
    campaign.bundle = Bytes(32, number);
    campaign.image = Bytes(32, static_cast<std::uint8_t>(number + 100));
    campaign.size = 5000;
    campaign.board = "pump";
    campaign.version = "1.2." + std::to_string(number);
    campaign.policy = "standard";
    campaign.percent = percent;
    return campaign;
  }
  static Report report(Event event) {
    Report one;
    one.event = event;
    one.version = "1.0.0";
    one.board = "pump";
    one.at = kNow;
    return one;
  }
  AuditRecord newest_audit() { return must(registry->list_audit(0, 1)).front(); }

  tests::MemoryFolder folder;
  const Call call{"tester", kNow};
  std::unique_ptr<Registry> registry;
  std::unique_ptr<CampaignRows> rows;
  std::unique_ptr<StatementRows> statements;
  Uuid standard;
};

}  // namespace latchkey::registry::firmware
