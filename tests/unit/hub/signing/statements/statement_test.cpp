// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/statements/statement.h"

#include <gtest/gtest.h>

#include "platform/crypto/key.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {
namespace {

const std::string kEku = durable_eku(ProfileType::kPrivateTrust, {1, 2, 3, 4});

class StatementsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(crypto::init()); }
  Status pins(std::uint64_t version, const std::vector<std::string>& ekus) {
    const auto made = make_pin_statement(key.get(), version, ekus);
    return made ? Status::kOk : made.error().status;
  }
  Status revocations(const std::vector<AuthorityRevocations>& authorities) {
    const auto made = make_revocation_statement(key.get(), 1, authorities);
    return made ? Status::kOk : made.error().status;
  }
  openssl::PkeyPtr key = ec_key();
  World world;
};

TEST_F(StatementsTest, are_read_by_the_device) {
  const auto made = make_revocation_statement(
      key.get(), 42,
      {{world.issuing.x509(), {{{0x10}, {kStart, RevocationReason::kSuperseded}}}}, {world.root.x509(), {}}});
  ASSERT_TRUE(made);
  const Bytes spki = statement_public_key(key.get());
  const auto read = agent::read_statement(*made, spki);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, 42U);
  EXPECT_TRUE(agent::Revocations::read(*read));
}

TEST_F(StatementsTest, pins_are_one_to_four_object_identifiers_each_once) {
  EXPECT_EQ(pins(1, {kEku}), Status::kOk);
  EXPECT_EQ(pins(0, {kEku}), Status::kInvalidArgument);
  EXPECT_EQ(pins(1, {}), Status::kInvalidArgument);
  EXPECT_EQ(pins(1, {kEku, kEku}), Status::kInvalidArgument);
  EXPECT_EQ(pins(1, {"not.an.oid"}), Status::kInvalidArgument);
  EXPECT_EQ(pins(1, {kEku + ".1", kEku + ".2", kEku + ".3", kEku + ".4"}), Status::kOk);
  EXPECT_EQ(pins(1, {kEku + ".1", kEku + ".2", kEku + ".3", kEku + ".4", kEku}), Status::kInvalidArgument);
}

TEST_F(StatementsTest, only_p256_signs_them) {
  EXPECT_EQ(make_pin_statement(ec_key("P-384").get(), 1, {kEku}).error().status, Status::kInvalidArgument);
}

TEST_F(StatementsTest, entries_have_bounds) {
  const auto one = [&](RevokedCertificate entry) { return revocations({{world.issuing.x509(), {std::move(entry)}}}); };
  EXPECT_EQ(one({{0x10}, {kStart, {}}}), Status::kOk);
  EXPECT_EQ(one({{0x10}, {kStart + 1, {}}}), Status::kInvalidArgument);
  EXPECT_EQ(one({{0x10}, {-1000, {}}}), Status::kInvalidArgument);
  EXPECT_EQ(one({{}, {kStart, {}}}), Status::kInvalidArgument);
  EXPECT_EQ(one({{0x00, 0x10}, {kStart, {}}}), Status::kInvalidArgument);
  EXPECT_EQ(one({Bytes(21, 1), {kStart, {}}}), Status::kInvalidArgument);
  EXPECT_EQ(revocations({{world.issuing.x509(), {{{0x10}, {kStart, {}}}, {{0x10}, {kStart, {}}}}}}),
            Status::kInvalidArgument);
  EXPECT_EQ(revocations({{world.issuing.x509(), {}}, {world.issuing.x509(), {}}}), Status::kInvalidArgument);
  EXPECT_EQ(revocations(std::vector<AuthorityRevocations>(9, {world.issuing.x509(), {}})), Status::kInvalidArgument);
}

TEST_F(StatementsTest, over_4_kib_they_are_too_large) {
  AuthorityRevocations many{world.issuing.x509(), {}};
  for (std::uint8_t i = 1; i < 255; ++i) many.entries.push_back({Bytes(20, i), {kStart, {}}});
  EXPECT_EQ(revocations({many}), Status::kTooLarge);
}

}  // namespace
}  // namespace latchkey::hub::signing::test
