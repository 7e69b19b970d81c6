// SPDX-License-Identifier: Apache-2.0
#include "agent/update/updater.h"

#include "tests/unit/agent/update/board.h"

namespace latchkey::agent::test {
namespace {

using State = Updater::State;

Bytes image_of(std::uint8_t seed, std::size_t size) {
  Bytes image(size);
  for (std::size_t i = 0; i < size; ++i) image[i] = static_cast<std::uint8_t>(seed + i / 251);
  return image;
}

class UpdaterTest : public testing::Test {
 protected:
  Release release(Version version, std::uint8_t seed, std::size_t size = 20'000) {
    Release made;
    made.version = version;
    made.image = image_of(seed, size);
    return made;
  }
  void know_nothing_revoked() { EXPECT_TRUE(board.tell(world.revocation_statement())); }
  std::optional<Reason> refusal() const {
    const auto report = board.last(Kind::kRefused);
    return report ? std::optional(report->reason) : std::nullopt;
  }

  FirmwareWorld world;
  Certified leaf = world.leaf();
  Board board{world};
  Release two = release({1, 2, 0}, 2);
  Bytes bundle_two = world.bundle(leaf, two);
};

TEST_F(UpdaterTest, fetches_verifies_tries_and_confirms) {
  know_nothing_revoked();
  board.offer(1, bundle_two);
  EXPECT_EQ(board.state(), State::kTrial);
  EXPECT_TRUE(board.runs(two.image));
  EXPECT_FALSE(board.last(Kind::kConfirmed));
  board.driver->on_healthy();
  ASSERT_TRUE(board.last(Kind::kConfirmed));
  EXPECT_EQ(board.last(Kind::kConfirmed)->version, two.version);
  EXPECT_EQ(board.store.boot().trial, ports::FirmwareTrial::kNone);
  EXPECT_EQ(board.driver->updater().record().floor, two.minimum);
  board.boot();
  EXPECT_TRUE(board.runs(two.image));
  EXPECT_EQ(board.state(), State::kIdle);
}

TEST_F(UpdaterTest, takes_pieces_of_any_size) {
  for (const std::size_t piece : {1, 7, 97, 1000, 4095, 4096}) {
    Board other(world);
    EXPECT_TRUE(other.tell(world.revocation_statement()));
    other.piece = piece;
    other.update(1, bundle_two);
    EXPECT_TRUE(other.runs(two.image)) << piece;
    EXPECT_EQ(other.count(Kind::kConfirmed), 1U) << piece;
  }
}

TEST_F(UpdaterTest, an_image_of_exactly_its_blocks_is_taken) {
  know_nothing_revoked();
  const Release whole = release({1, 2, 0}, 9, Board::kSlotSize);
  board.update(1, world.bundle(leaf, whole));
  EXPECT_TRUE(board.runs(whole.image));
  EXPECT_EQ(board.count(Kind::kConfirmed), 1U);
}

TEST_F(UpdaterTest, an_image_larger_than_a_slot_is_refused_before_a_byte_is_written) {
  know_nothing_revoked();
  const unsigned before = board.store.changes();
  board.offer(1, world.bundle(leaf, release({1, 2, 0}, 9, Board::kSlotSize + 1)));
  EXPECT_EQ(refusal(), Reason::kTooLarge);
  EXPECT_EQ(board.store.changes(), before);
}

TEST_F(UpdaterTest, an_offer_larger_than_anything_is_not_fetched) {
  know_nothing_revoked();
  board.driver->on_offer(offer_id(1), Board::kSlotSize + 20'000);
  board.run();
  EXPECT_EQ(refusal(), Reason::kTooLarge);
  EXPECT_EQ(board.served, 0U);
}

TEST_F(UpdaterTest, what_is_not_confirmed_is_given_back) {
  know_nothing_revoked();
  board.offer(1, bundle_two);
  EXPECT_TRUE(board.runs(two.image));
  board.boot();
  EXPECT_TRUE(board.runs(board.factory));
  ASSERT_TRUE(board.last(Kind::kReverted));
  EXPECT_EQ(board.last(Kind::kReverted)->reason, Reason::kNotConfirmed);
  EXPECT_EQ(board.last(Kind::kReverted)->version, two.version);
  board.boot();
  EXPECT_EQ(board.count(Kind::kReverted), 1U);
  // Offered again it is tried again.
  board.update(1, bundle_two);
  EXPECT_TRUE(board.runs(two.image));
}

TEST_F(UpdaterTest, goes_on_after_a_restart_where_it_was) {
  know_nothing_revoked();
  const Release large = release({1, 2, 0}, 5, 30 * ports::FirmwareStore::kBlockSize);
  const Bytes bundle = world.bundle(leaf, large);
  board.served_until = bundle.size() - 20'000;
  board.offer(1, bundle);
  EXPECT_EQ(board.state(), State::kImage);
  board.served_until = ~std::size_t{0};
  board.served = 0;
  board.boot();
  board.run();
  EXPECT_TRUE(board.runs(large.image));
  // Two of three records of progress, 64 KiB, were not fetched twice.
  EXPECT_LT(board.served, bundle.size() - 60'000);
  board.driver->on_healthy();
  EXPECT_EQ(board.count(Kind::kConfirmed), 1U);
}

TEST_F(UpdaterTest, what_was_damaged_in_the_slot_meanwhile_is_found) {
  know_nothing_revoked();
  const Release large = release({1, 2, 0}, 5, 30 * ports::FirmwareStore::kBlockSize);
  const Bytes bundle = world.bundle(leaf, large);
  board.served_until = bundle.size() - 20'000;
  board.offer(1, bundle);
  board.store.slot(FirmwareSlot::kB)[1234] ^= 1;
  board.served_until = ~std::size_t{0};
  board.boot();
  board.run();
  EXPECT_EQ(refusal(), Reason::kContentChanged);
  EXPECT_TRUE(board.runs(board.factory));
  EXPECT_EQ(board.state(), State::kIdle);
}

TEST_F(UpdaterTest, a_lost_line_is_taken_up_again) {
  know_nothing_revoked();
  board.served_until = 10'000;
  board.offer(1, bundle_two);
  EXPECT_EQ(board.state(), State::kImage);
  board.served_until = ~std::size_t{0};
  board.driver->fetch_again();
  board.run();
  EXPECT_TRUE(board.runs(two.image));
}

TEST_F(UpdaterTest, bytes_that_were_not_asked_for_are_passed_over) {
  know_nothing_revoked();
  board.served_until = 10'000;
  board.offer(1, bundle_two);
  board.driver->on_bytes(0, bundle_two);
  board.driver->on_bytes(10'001, ByteView(bundle_two).subview(10'001, 10));
  board.driver->on_bytes(10'000, ByteView(bundle_two).subview(10'000, 9000));  // more than asked
  EXPECT_EQ(board.state(), State::kImage);
  board.served_until = ~std::size_t{0};
  board.driver->fetch_again();
  board.run();
  EXPECT_TRUE(board.runs(two.image));
}

TEST_F(UpdaterTest, a_withdrawn_bundle_is_given_up) {
  know_nothing_revoked();
  board.served_until = 10'000;
  board.offer(1, bundle_two);
  board.driver->on_withdrawn(offer_id(2));  // another
  EXPECT_EQ(board.state(), State::kImage);
  board.driver->on_withdrawn(offer_id(1));
  EXPECT_EQ(board.state(), State::kIdle);
  EXPECT_TRUE(board.last(Kind::kWithdrawn));
  board.boot();
  EXPECT_EQ(board.state(), State::kIdle);
}

TEST_F(UpdaterTest, another_offer_takes_the_place_of_one_that_is_being_fetched) {
  know_nothing_revoked();
  board.served_until = 10'000;
  board.offer(1, bundle_two);
  board.served_until = ~std::size_t{0};
  const Release three = release({1, 3, 0}, 3);
  board.update(2, world.bundle(leaf, three));
  EXPECT_TRUE(board.runs(three.image));
}

TEST_F(UpdaterTest, the_image_that_runs_is_not_fetched_again) {
  know_nothing_revoked();
  board.update(1, bundle_two);
  board.served = 0;
  board.offer(7, bundle_two);
  EXPECT_TRUE(board.last(Kind::kUpToDate));
  EXPECT_LE(board.served, 4096U);
  EXPECT_TRUE(board.runs(two.image));
}

TEST_F(UpdaterTest, nothing_older_than_the_floor_is_taken) {
  know_nothing_revoked();
  Release raising = release({2, 0, 0}, 4);
  raising.minimum = {1, 5, 0};
  board.update(1, world.bundle(leaf, raising));
  EXPECT_EQ(board.driver->updater().record().floor, (Version{1, 5, 0}));
  board.offer(2, world.bundle(leaf, release({1, 4, 9}, 6)));
  EXPECT_EQ(refusal(), Reason::kTooOld);
  EXPECT_TRUE(board.runs(raising.image));
  const Release at_floor = release({1, 5, 0}, 7);
  board.update(3, world.bundle(leaf, at_floor));
  EXPECT_TRUE(board.runs(at_floor.image));
  EXPECT_EQ(board.driver->updater().record().floor, (Version{1, 5, 0}));
}

TEST_F(UpdaterTest, without_a_statement_about_its_authorities_nothing_is_taken) {
  board.offer(1, bundle_two);
  EXPECT_EQ(refusal(), Reason::kRevocationUnknown);
  EXPECT_TRUE(board.runs(board.factory));
}

TEST_F(UpdaterTest, without_a_clock_nothing_is_taken) {
  know_nothing_revoked();
  board.clock.lose_wall(0);
  board.offer(1, bundle_two);
  EXPECT_EQ(refusal(), Reason::kClockNotSet);
}

TEST_F(UpdaterTest, waits_for_the_clock_before_it_makes_a_fetched_image_bootable) {
  know_nothing_revoked();
  board.served_until = bundle_two.size() - 10;
  board.offer(1, bundle_two);
  board.served_until = ~std::size_t{0};
  board.clock.lose_wall(0);
  board.boot();
  board.run();
  EXPECT_EQ(board.state(), State::kSealed);
  EXPECT_TRUE(board.runs(board.factory));
  board.clock.set_wall(kYearLater);
  board.driver->on_clock();
  board.run();
  EXPECT_TRUE(board.runs(two.image));
}

// ---- Revoked afterwards

TEST_F(UpdaterTest, what_is_revoked_while_it_is_fetched_is_not_made_bootable) {
  know_nothing_revoked();
  board.served_until = 10'000;
  board.offer(1, bundle_two);
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2)));
  board.served_until = ~std::size_t{0};
  board.driver->fetch_again();
  board.run();
  EXPECT_EQ(refusal(), Reason::kRevoked);
  EXPECT_TRUE(board.runs(board.factory));
}

TEST_F(UpdaterTest, what_runs_and_is_revoked_says_so_and_goes_back) {
  know_nothing_revoked();
  board.update(1, bundle_two);
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2)));
  ASSERT_TRUE(board.last(Kind::kRevoked));
  EXPECT_EQ(board.last(Kind::kRevoked)->version, two.version);
  EXPECT_EQ(board.last(Kind::kGoingBack)->version, (Version{1, 0, 0}));
  EXPECT_TRUE(board.runs(board.factory));
  board.driver->on_healthy();
  EXPECT_EQ(board.last(Kind::kConfirmed)->version, (Version{1, 0, 0}));
  board.boot();
  EXPECT_TRUE(board.runs(board.factory));
  board.offer(1, bundle_two);
  EXPECT_EQ(refusal(), Reason::kRevoked);
}

TEST_F(UpdaterTest, a_revocation_from_after_its_timestamp_changes_nothing) {
  know_nothing_revoked();
  board.update(1, bundle_two);
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(leaf, kStart + 2 * kHour)}, {}, {}}, 2)));
  EXPECT_FALSE(board.last(Kind::kRevoked));
  EXPECT_TRUE(board.runs(two.image));
}

TEST_F(UpdaterTest, by_policy_it_stays_and_says_so_at_each_start) {
  board.config.when_revoked = WhenRevoked::kStay;
  know_nothing_revoked();
  board.update(1, bundle_two);
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2)));
  EXPECT_EQ(board.count(Kind::kRevoked), 1U);
  board.driver->on_clock();
  EXPECT_EQ(board.count(Kind::kRevoked), 1U);
  board.boot();
  board.run();
  EXPECT_EQ(board.count(Kind::kRevoked), 2U);
  EXPECT_EQ(board.count(Kind::kGoingBack), 0U);
  EXPECT_TRUE(board.runs(two.image));
}

TEST_F(UpdaterTest, there_is_no_way_back_below_the_floor) {
  know_nothing_revoked();
  Release raising = two;
  raising.minimum = {1, 1, 0};  // above the factory's version
  board.update(1, world.bundle(leaf, raising));
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2)));
  EXPECT_EQ(board.count(Kind::kNoWayBack), 1U);
  board.driver->on_clock();
  EXPECT_EQ(board.count(Kind::kNoWayBack), 1U);
  EXPECT_TRUE(board.runs(raising.image));
}

TEST_F(UpdaterTest, there_is_no_way_back_to_what_is_revoked_too) {
  know_nothing_revoked();
  board.update(1, bundle_two);
  const Release three = release({1, 3, 0}, 3);
  board.update(2, world.bundle(leaf, three));  // the same day's certificate
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2)));
  EXPECT_TRUE(board.last(Kind::kNoWayBack));
  EXPECT_TRUE(board.runs(three.image));
}

TEST_F(UpdaterTest, a_revoked_image_on_trial_is_never_confirmed) {
  know_nothing_revoked();
  board.offer(1, bundle_two);
  EXPECT_EQ(board.state(), State::kTrial);
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2)));
  EXPECT_TRUE(board.runs(board.factory));
  EXPECT_TRUE(board.last(Kind::kReverted));
  board.driver->on_healthy();
  EXPECT_FALSE(board.last(Kind::kConfirmed));
}

TEST_F(UpdaterTest, the_day_between_two_releases_is_cut_out_alone) {
  know_nothing_revoked();
  const Certified monday = world.leaf(ProfileType::kPublicTrust, kStart);
  const Certified tuesday = world.leaf(ProfileType::kPublicTrust, kStart + kDay);
  Release first = release({1, 2, 0}, 2);
  Release second = release({1, 3, 0}, 3);
  first.stamped_at = kStart + 26 * kHour;
  second.stamped_at = kStart + 26 * kHour;
  board.update(1, world.bundle(monday, first));
  board.update(2, world.bundle(tuesday, second));
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(tuesday, kStart + kDay)}, {}, {}}, 2)));
  EXPECT_TRUE(board.runs(first.image));
}

// A statement that came before holds after a restart without any line.
TEST_F(UpdaterTest, a_revocation_holds_offline) {
  EXPECT_TRUE(board.tell(world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 3)));
  board.boot();
  EXPECT_EQ(board.driver->statements().version(StatementKind::kRevocations), 3U);
  board.offer(1, bundle_two);
  EXPECT_EQ(refusal(), Reason::kRevoked);
}

// ---- Pins

TEST_F(UpdaterTest, another_profile_is_taken_once_the_hub_pins_it) {
  board.config.pins = Pins();
  board.config.pins.add(world.ekus[0]);
  board.boot();
  know_nothing_revoked();
  const Certified next = world.leaf(ProfileType::kPrivateTrust);
  Release release_next = release({1, 3, 0}, 3);
  board.offer(1, world.bundle(next, release_next));
  EXPECT_EQ(refusal(), Reason::kWrongProfile);
  EXPECT_TRUE(board.tell(
      *hub::signing::make_pin_statement(world.statement_key.get(), 1, {eku_of(ProfileType::kPrivateTrust)})));
  board.update(1, world.bundle(next, release_next));
  EXPECT_TRUE(board.runs(release_next.image));
  board.offer(2, bundle_two);  // the old profile is no more
  EXPECT_EQ(refusal(), Reason::kWrongProfile);
}

}  // namespace
}  // namespace latchkey::agent::test
