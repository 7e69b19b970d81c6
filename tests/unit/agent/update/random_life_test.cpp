// SPDX-License-Identifier: Apache-2.0
// Anything in any order: offers good and bad, lost lines, restarts, power cuts, statements, a clock that is lost. What
// must hold whatever happens is checked after every step.
#include <random>

#include "tests/unit/agent/update/board.h"

namespace latchkey::agent::test {
namespace {

class RandomLife {
 public:
  explicit RandomLife(unsigned seed) : random_(seed) {
    for (std::uint8_t i = 0; i < 3; ++i) {
      Release release;
      release.version = {1, 1U + i, 0};
      release.minimum = {1, i, 0};
      release.image = Bytes(5000U + 9000U * i, static_cast<std::uint8_t>(0x10 + i));
      images_.push_back(release.image);
      bundles_.push_back(world_.bundle(i == 1 ? second_ : first_, release));
    }
    Bytes damaged = bundles_[0];
    damaged[damaged.size() - 7] ^= 1;
    bundles_.push_back(damaged);
    bundles_.push_back(Bytes(bundles_[2].begin(), bundles_[2].end() - 100));
  }

  // How many images were confirmed, and how many given back.
  std::pair<std::size_t, std::size_t> live(int steps) {
    EXPECT_TRUE(board_.tell(world_.revocation_statement({}, ++version_)));
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      if (!board_.store.has_power()) board_.boot();
      check();
    }
    return {board_.count(Kind::kConfirmed), board_.count(Kind::kReverted)};
  }

 private:
  unsigned below(unsigned end) { return std::uniform_int_distribution<unsigned>(0, end - 1)(random_); }

  void step() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2: {
        const unsigned which = below(static_cast<unsigned>(bundles_.size()));
        board_.served_until = below(3) == 0 ? below(20'000) : ~std::size_t{0};
        board_.piece = 1000 + below(4000);
        board_.offer(static_cast<std::uint8_t>(which), bundles_[which]);
        break;
      }
      case 3: board_.driver->on_withdrawn(offer_id(static_cast<std::uint8_t>(below(5)))); break;
      case 4: board_.boot(); break;
      case 5:
      case 10:
      case 11: board_.driver->on_healthy(); break;
      case 6: board_.store.cut_power_at(board_.store.changes() + 1 + below(6), static_cast<sim::Cut>(below(3))); break;
      case 7: {
        World::Entries entries;
        if (below(2) == 0) entries.leaves.push_back(revoked(second_, kStart));
        (void)board_.tell(world_.revocation_statement(entries, ++version_));
        break;
      }
      case 8:
        if (below(4) == 0) {
          board_.clock.lose_wall(0);
        } else {
          board_.clock.set_wall(kYearLater);
        }
        board_.driver->on_clock();
        break;
      default:
        board_.served_until = ~std::size_t{0};
        board_.driver->on_bytes(below(9000), ByteView(bundles_[0]).subview(below(9000), below(5000)));
        board_.driver->fetch_again();
        break;
    }
    board_.run();
  }

  void check() {
    bool whole = board_.runs(board_.factory);
    for (const Bytes& image : images_) whole = whole || board_.runs(image);
    EXPECT_TRUE(whole);
    const Version floor = board_.driver->updater().record().floor;
    EXPECT_FALSE(floor < floor_);
    floor_ = floor;
    const auto known = board_.driver->statements().version(StatementKind::kRevocations);
    EXPECT_GE(known, known_);
    known_ = known;
  }

  std::mt19937 random_;
  FirmwareWorld world_;
  Certified first_ = world_.leaf();
  Certified second_ = world_.leaf();
  Board board_{world_};
  std::vector<Bytes> images_;
  std::vector<Bytes> bundles_;
  Version floor_;
  std::uint64_t version_ = 0;
  std::uint64_t known_ = 0;
};

TEST(RandomLife, runs_whole_images_alone_and_forgets_nothing) {
  std::size_t confirmed = 0;
  std::size_t reverted = 0;
  for (unsigned seed = 1; seed <= 12 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto [stayed, left] = RandomLife(seed).live(60);
    confirmed += stayed;
    reverted += left;
  }
  // Something happened in these lives.
  EXPECT_GT(confirmed, 5U);
  EXPECT_GT(reverted, 5U);
}

}  // namespace
}  // namespace latchkey::agent::test
