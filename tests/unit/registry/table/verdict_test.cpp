// SPDX-License-Identifier: Apache-2.0
#include "registry/table/verdict.h"

#include <gtest/gtest.h>

namespace latchkey::registry {
namespace {

template <class Id>
Id id_of(std::uint8_t first) {
  Id id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(first + 3 * i);
  return id;
}

class VerdictTest : public testing::Test {
 protected:
  VerdictTest() { table_.upsert("dev-1", record_); }

  DeviceIdentifier current() const { return {record_.device, record_.credential}; }

  Table table_{TableSecret{1, 2, 3}};
  DeviceRecord record_{id_of<Uuid>(10), id_of<CredentialId>(77), true, 513};
};

TEST_F(VerdictTest, current_identifier_of_an_enabled_device_is_good) {
  const Verdict verdict = check(table_, "dev-1", current());
  EXPECT_TRUE(verdict.good());
  EXPECT_EQ(verdict.reason(), Reason::kNone);
  EXPECT_EQ(verdict.policy(), 513);
  EXPECT_TRUE(verdict.known() && verdict.identifier_current() && verdict.enabled());
}

TEST_F(VerdictTest, unknown_device_is_refused) {
  for (const char* id : {"dev-2", "Dev-1", "dev-1 ", ""}) {
    const Verdict verdict = check(table_, id, current());
    EXPECT_EQ(verdict.reason(), Reason::kDeviceUnknown);
    EXPECT_FALSE(verdict.good() || verdict.known() || verdict.identifier_current() || verdict.enabled());
    EXPECT_EQ(verdict.policy(), 0);
  }
}

TEST_F(VerdictTest, a_default_verdict_is_not_good) { EXPECT_FALSE(Verdict().good()); }

TEST_F(VerdictTest, every_flipped_bit_of_the_identifier_is_a_mismatch) {
  const auto bytes = current().encode();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto changed = bytes;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    const Verdict verdict = check(table_, "dev-1", *DeviceIdentifier::decode(changed));
    EXPECT_EQ(verdict.reason(), Reason::kIdentifierMismatch) << "bit " << bit;
    EXPECT_TRUE(verdict.known() && verdict.enabled());
    EXPECT_FALSE(verdict.identifier_current());
  }
}

TEST_F(VerdictTest, uuid_and_credential_id_do_not_stand_for_one_another) {
  DeviceIdentifier swapped;
  swapped.device.bytes = record_.credential.bytes;
  swapped.credential.bytes = record_.device.bytes;
  EXPECT_EQ(check(table_, "dev-1", swapped).reason(), Reason::kIdentifierMismatch);
}

TEST_F(VerdictTest, another_devices_identifier_is_a_mismatch) {
  const DeviceRecord other{id_of<Uuid>(11), id_of<CredentialId>(78), true, 513};
  table_.upsert("dev-2", other);
  EXPECT_EQ(check(table_, "dev-1", {other.device, other.credential}).reason(), Reason::kIdentifierMismatch);
  EXPECT_EQ(check(table_, "dev-2", current()).reason(), Reason::kIdentifierMismatch);
}

TEST_F(VerdictTest, a_revoked_credential_id_is_a_mismatch_and_the_new_one_is_good) {
  const DeviceIdentifier old_one = current();
  record_.credential = id_of<CredentialId>(99);
  EXPECT_FALSE(table_.upsert("dev-1", record_));
  EXPECT_EQ(check(table_, "dev-1", old_one).reason(), Reason::kIdentifierMismatch);
  EXPECT_TRUE(check(table_, "dev-1", current()).good());
}

TEST_F(VerdictTest, a_disabled_device_is_refused_until_it_is_enabled) {
  record_.enabled = false;
  table_.upsert("dev-1", record_);
  const Verdict verdict = check(table_, "dev-1", current());
  EXPECT_EQ(verdict.reason(), Reason::kDeviceDisabled);
  EXPECT_TRUE(verdict.identifier_current());
  record_.enabled = true;
  table_.upsert("dev-1", record_);
  EXPECT_TRUE(check(table_, "dev-1", current()).good());
}

TEST_F(VerdictTest, an_outdated_certificate_does_not_learn_that_the_device_is_disabled) {
  const DeviceIdentifier old_one = current();
  record_.credential = id_of<CredentialId>(99);
  record_.enabled = false;
  table_.upsert("dev-1", record_);
  const Verdict verdict = check(table_, "dev-1", old_one);
  EXPECT_EQ(verdict.reason(), Reason::kIdentifierMismatch);
  EXPECT_FALSE(verdict.enabled());  // the decision record still says so
}

TEST_F(VerdictTest, a_deleted_device_is_unknown_even_with_its_last_certificate) {
  EXPECT_TRUE(table_.erase("dev-1"));
  EXPECT_EQ(check(table_, "dev-1", current()).reason(), Reason::kDeviceUnknown);
}

TEST_F(VerdictTest, digests_differ_between_tables_with_different_secrets) {
  const Table other(TableSecret{9});
  EXPECT_NE(table_.digest(current()), other.digest(current()));
  EXPECT_EQ(table_.digest(current()), table_.digest(current()));
}

}  // namespace
}  // namespace latchkey::registry
