// SPDX-License-Identifier: Apache-2.0
#include "agent/update/statement_store.h"

#include "platform/sim/firmware_store.h"
#include "tests/unit/agent/update/firmware_world.h"

namespace latchkey::agent::test {
namespace {

class StatementTest : public testing::Test {
 protected:
  Bytes pins(std::uint64_t version, std::vector<std::string> ekus = {eku_of(ProfileType::kPublicTrust)}) {
    return *hub::signing::make_pin_statement(world.statement_key.get(), version, ekus);
  }
  Status status(const Bytes& text) {
    const auto read = read_statement(text, world.statement_spki);
    return read ? Status::kOk : read.error();
  }
  Status offer(const Bytes& text) {
    const auto taken = store.offer(text);
    return taken ? Status::kOk : taken.error();
  }
  void restart() {
    medium.restart();
    store.load();
  }

  FirmwareWorld world;
  Certified leaf = world.leaf();
  sim::SimFirmwareStore medium{8192, ByteView()};
  StatementStore::Room room;
  StatementStore store{medium, world.statement_spki, room};
};

TEST_F(StatementTest, says_what_was_put_in) {
  const Bytes text = pins(7, {eku_of(ProfileType::kPublicTrust), eku_of(ProfileType::kPrivateTrust)});
  const auto read = read_statement(text, world.statement_spki);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, StatementKind::kPins);
  EXPECT_EQ(read->version, 7U);
  const auto pinned = Pins::read(*read);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->size(), 2U);
  EXPECT_TRUE(pinned->has(world.ekus[0]));
  EXPECT_TRUE(pinned->has(world.ekus[2]));
  EXPECT_FALSE(pinned->has(world.ekus[3]));
  EXPECT_FALSE(Revocations::read(*read));
}

TEST_F(StatementTest, tells_revoked_good_and_unknown_apart) {
  const Bytes text = world.revocation_statement(
      {{revoked(leaf, kStart + kHour, RevocationReason::kSuperseded)}, {}, {revoked(world.tsa, kStart)}});
  const Revocations known = world.revocations(text);
  const auto id_of = [&](const Certified& who, const Certified& issuer) {
    crypto::CertificateId id;
    const Bytes spki = openssl::to_der(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(issuer.x509()));
    EXPECT_TRUE(crypto::sha256(spki, id.issuer_key));
    const Bytes serial = hub::signing::serial_of(who.x509());
    std::copy(serial.begin(), serial.end(), id.serial_bytes.begin());
    id.serial_size = static_cast<std::uint8_t>(serial.size());
    return id;
  };
  const auto answer = known.ask(id_of(leaf, world.issuing));
  EXPECT_EQ(answer.standing, Revocations::Standing::kRevoked);
  EXPECT_EQ(answer.effective_at, kStart + kHour);
  EXPECT_TRUE(answer.keeps_old_stamps);
  EXPECT_FALSE(known.ask(id_of(world.tsa, world.timestamp_root)).keeps_old_stamps);
  EXPECT_EQ(known.ask(id_of(world.issuing, world.root)).standing, Revocations::Standing::kGood);
  EXPECT_EQ(known.ask(id_of(leaf, world.root)).standing, Revocations::Standing::kGood);  // another authority's serial
  EXPECT_EQ(known.ask(id_of(leaf, leaf)).standing, Revocations::Standing::kUnknown);
}

TEST_F(StatementTest, one_flipped_bit_at_every_byte_is_refused) {
  const Bytes text = world.revocation_statement({{revoked(leaf, kStart)}, {}, {}});
  for (std::size_t at = 0; at < text.size(); ++at) {
    Bytes flipped = text;
    flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ 1 << at % 8);
    EXPECT_NE(status(flipped), Status::kOk) << at;
  }
}

TEST_F(StatementTest, cut_off_or_followed_by_anything_it_is_refused) {
  Bytes text = pins(1);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(status(Bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size))), Status::kOk) << size;
  }
  text.push_back(0);
  EXPECT_EQ(status(text), Status::kMalformed);
  EXPECT_EQ(status(Bytes(Statement::kSizeMax + 1)), Status::kTooLarge);
}

TEST_F(StatementTest, of_another_key_it_is_not_believed) {
  const auto stranger = hub::signing::test::ec_key();
  EXPECT_EQ(status(*hub::signing::make_pin_statement(stranger.get(), 1, {eku_of(ProfileType::kPublicTrust)})),
            Status::kNotTrusted);
}

TEST_F(StatementTest, versions_only_rise) {
  EXPECT_EQ(offer(pins(5)), Status::kOk);
  const unsigned written = medium.changes();
  EXPECT_EQ(offer(pins(4)), Status::kRefused);
  EXPECT_EQ(offer(pins(5, {eku_of(ProfileType::kPrivateTrust)})), Status::kRefused);
  EXPECT_EQ(medium.changes(), written);
  EXPECT_TRUE(store.pins().has(world.ekus[0]));
  EXPECT_EQ(offer(pins(6, {eku_of(ProfileType::kPrivateTrust)})), Status::kOk);
  EXPECT_FALSE(store.pins().has(world.ekus[0]));
}

TEST_F(StatementTest, the_same_one_again_is_a_success_without_a_write) {
  const Bytes text = pins(5);
  EXPECT_EQ(offer(text), Status::kOk);
  const unsigned written = medium.changes();
  EXPECT_EQ(offer(text), Status::kOk);
  EXPECT_EQ(medium.changes(), written);
}

TEST_F(StatementTest, kinds_have_versions_of_their_own) {
  EXPECT_EQ(offer(pins(5)), Status::kOk);
  EXPECT_EQ(offer(world.revocation_statement({}, 2)), Status::kOk);
  EXPECT_EQ(store.version(StatementKind::kPins), 5U);
  EXPECT_EQ(store.version(StatementKind::kRevocations), 2U);
}

TEST_F(StatementTest, is_kept_over_restarts) {
  EXPECT_EQ(offer(pins(5)), Status::kOk);
  EXPECT_EQ(offer(pins(9)), Status::kOk);
  restart();
  EXPECT_EQ(store.version(StatementKind::kPins), 9U);
  EXPECT_TRUE(store.pins().has(world.ekus[0]));
  EXPECT_EQ(store.revocations(), nullptr);
}

TEST_F(StatementTest, damage_of_the_newer_record_leaves_the_older_and_of_both_none) {
  EXPECT_EQ(offer(pins(5)), Status::kOk);
  EXPECT_EQ(offer(pins(9)), Status::kOk);
  (*medium.record(ports::FirmwareRecord::kPins1))[60] ^= 1;
  restart();
  EXPECT_EQ(store.version(StatementKind::kPins), 5U);
  (*medium.record(ports::FirmwareRecord::kPins0))[60] ^= 1;
  restart();
  EXPECT_EQ(store.version(StatementKind::kPins), 0U);
  EXPECT_EQ(store.pins().size(), 0U);
}

// Whoever can write to the flash cannot sign.
TEST_F(StatementTest, a_record_that_another_key_signed_counts_as_none) {
  EXPECT_EQ(offer(pins(5)), Status::kOk);
  FirmwareWorld stranger;
  StatementStore other(medium, stranger.statement_spki, room);
  other.load();
  EXPECT_EQ(other.version(StatementKind::kPins), 0U);
}

TEST_F(StatementTest, a_failed_write_does_not_count) {
  EXPECT_EQ(offer(pins(5)), Status::kOk);
  medium.cut_power_at(medium.changes() + 1, sim::Cut::kTorn);
  EXPECT_EQ(offer(pins(6, {eku_of(ProfileType::kPrivateTrust)})), Status::kStorageFailed);
  EXPECT_EQ(store.version(StatementKind::kPins), 5U);
  EXPECT_TRUE(store.pins().has(world.ekus[0]));
  restart();
  EXPECT_EQ(store.version(StatementKind::kPins), 5U);
}

}  // namespace
}  // namespace latchkey::agent::test
