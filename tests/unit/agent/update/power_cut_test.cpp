// SPDX-License-Identifier: Apache-2.0
// The power-cut sweep: the power fails during change 1, 2, 3 ... of the firmware store until the run completes without
// a cut, each time before, in the middle of, and after the change. Whatever is left is gone on with.
#include "tests/unit/agent/update/board.h"

namespace latchkey::agent::test {
namespace {

using sim::Cut;

class PowerCut : public testing::TestWithParam<Cut> {
 protected:
  // What may be run, and nothing else may ever be.
  void expect_whole(Board& board) {
    EXPECT_TRUE(board.runs(board.factory) || board.runs(two.image) || board.runs(three.image));
  }
  // The hub offers until the device runs it: an operator's patience, not a promise of the device.
  void bring_to(Board& board, std::uint8_t number, const Bytes& bundle, const Bytes& image) {
    for (int attempt = 0; attempt < 3 && !confirmed(board, image); ++attempt) {
      board.run();
      board.driver->on_healthy();
      board.run();
      if (!confirmed(board, image)) board.update(number, bundle);
    }
    EXPECT_TRUE(confirmed(board, image));
  }
  static bool confirmed(Board& board, const Bytes& image) {
    return board.runs(image) && board.store.boot().trial == ports::FirmwareTrial::kNone &&
           board.state() == Updater::State::kIdle;
  }
  static Release release(Version version, Version minimum, std::uint8_t filling, std::size_t size) {
    Release made;
    made.version = version;
    made.minimum = minimum;
    made.image = Bytes(size, filling);
    return made;
  }

  FirmwareWorld world;
  Certified leaf = world.leaf();
  // Long enough for a record of progress in the middle.
  Release two = release({1, 2, 0}, {1, 0, 0}, 2, 19 * ports::FirmwareStore::kBlockSize + 77);
  Release three = release({1, 3, 0}, {1, 2, 0}, 3, 9000);
  Bytes bundle_two = world.bundle(leaf, two);
  Bytes bundle_three = world.bundle(leaf, three);
  Bytes nothing_revoked = world.revocation_statement();
};

TEST_P(PowerCut, two_updates_end_in_the_second_wherever_the_power_fails) {
  unsigned cuts = 0;
  for (unsigned change = 1;; ++change) {
    SCOPED_TRACE("change " + std::to_string(change));
    Board board(world);
    board.store.cut_power_at(board.store.changes() + change, GetParam());
    (void)board.tell(nothing_revoked);
    if (board.store.has_power()) board.update(1, bundle_two);
    if (board.store.has_power()) board.update(2, bundle_three);
    const bool cut = !board.store.has_power();
    if (cut) {
      board.boot();
      expect_whole(board);
      EXPECT_TRUE(board.tell(nothing_revoked));
      board.run();
      expect_whole(board);
      bring_to(board, 2, bundle_three, three.image);
    }
    EXPECT_TRUE(board.runs(three.image));
    EXPECT_EQ(board.driver->updater().record().floor, three.minimum);
    board.boot();  // and it stays
    EXPECT_TRUE(board.runs(three.image));
    if (!cut || HasFailure()) break;
    ++cuts;
  }
  EXPECT_GE(cuts, 35U);
}

TEST_P(PowerCut, going_back_ends_there_wherever_the_power_fails) {
  const Bytes statement = world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2);
  unsigned cuts = 0;
  for (unsigned change = 1;; ++change) {
    SCOPED_TRACE("change " + std::to_string(change));
    Board board(world);
    EXPECT_TRUE(board.tell(nothing_revoked));
    board.update(1, bundle_two);
    EXPECT_TRUE(board.runs(two.image));
    board.store.cut_power_at(board.store.changes() + change, GetParam());
    (void)board.tell(statement);
    if (board.store.has_power()) board.driver->on_healthy();
    const bool cut = !board.store.has_power();
    if (cut) {
      board.boot();
      EXPECT_TRUE(board.tell(statement));
      board.run();
      expect_whole(board);
      board.driver->on_healthy();
    }
    if (board.runs(two.image)) {
      // The trial of the older image was cut and counts as failed: what is revoked runs on, and says so.
      EXPECT_TRUE(board.last(Kind::kNoWayBack));
      EXPECT_TRUE(board.last(Kind::kReverted));
    } else {
      EXPECT_TRUE(confirmed(board, board.factory));
    }
    EXPECT_TRUE(board.last(Kind::kRevoked));
    if (!cut || HasFailure()) break;
    ++cuts;
  }
  EXPECT_GE(cuts, 4U);
}

// A device that was told once that something is revoked never forgets it.
TEST_P(PowerCut, a_statement_is_the_old_one_or_the_new_one) {
  for (unsigned change = 1;; ++change) {
    SCOPED_TRACE("change " + std::to_string(change));
    Board board(world);
    EXPECT_TRUE(board.tell(nothing_revoked));
    board.store.cut_power_at(board.store.changes() + change, GetParam());
    std::uint64_t told = 1;
    for (std::uint64_t version = 2; version <= 5 && board.store.has_power(); ++version) {
      if (board.driver->on_statement(world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, version))) {
        told = version;
      }
    }
    const bool cut = !board.store.has_power();
    board.boot();
    const auto& kept = board.driver->statements();
    EXPECT_GE(kept.version(StatementKind::kRevocations), told);
    EXPECT_LE(kept.version(StatementKind::kRevocations), told + 1);
    ASSERT_NE(kept.revocations(), nullptr);
    if (!cut || HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(, PowerCut, testing::Values(Cut::kBefore, Cut::kTorn, Cut::kAfter), [](const auto& tested) {
  return std::string(tested.param == Cut::kBefore ? "before" : tested.param == Cut::kTorn ? "torn" : "after");
});

}  // namespace
}  // namespace latchkey::agent::test
