// SPDX-License-Identifier: Apache-2.0
// The power-cut sweep over real flash's rules: the power fails in the middle of every single erasure and programming
// of an update, and what is left is gone on with.
#include "platform/flash/firmware_store.h"
#include "tests/unit/agent/update/board.h"
#include "tests/unit/platform/flash/memory_flash.h"

namespace latchkey::agent::test {
namespace {

using flash::FlashFirmwareStore;
using latchkey::test::MemoryFlash;

// A board whose firmware lies on flash. One bundle, served from memory.
class FlashBoard final : public UpdateHost {
 public:
  static constexpr std::size_t kSlotSize = 4 * ports::FirmwareStore::kBlockSize;

  FlashBoard(const FirmwareWorld& world, const Bytes& bundle) : bundle_(bundle) {
    config_.board = kBoard;
    config_.factory_version = {1, 0, 0};
    config_.signing_roots = world.signing_roots.data();
    config_.signing_root_count = world.signing_roots.size();
    config_.timestamp_roots = world.timestamp_roots.data();
    config_.timestamp_root_count = world.timestamp_roots.size();
    for (const Bytes& eku : world.ekus) config_.pins.add(eku);
    config_.statement_key = world.statement_spki;
    clock_.set_wall(kYearLater);
  }

  // Power on, the hub's statement, its offer, and whatever follows until the device waits or the power is gone.
  void live(const Bytes& statement) {
    boot();
    (void)driver_->on_statement(statement);
    if (flash.has_power()) driver_->on_offer(offer_id(1), bundle_.size());
    while (flash.has_power()) {
      if (std::exchange(restart_wanted_, false)) {
        boot();
        driver_->on_healthy();
      } else if (asked_at_) {
        const std::uint64_t at = *std::exchange(asked_at_, std::nullopt);
        driver_->on_bytes(at, ByteView(bundle_).subview(at, asked_));
      } else {
        return;
      }
    }
  }
  // What the boot loader would run, and whether for good.
  ports::FirmwareBoot boot() {
    asked_at_ = std::nullopt;
    store_ = std::make_unique<FlashFirmwareStore>(flash, kSlotSize);
    (void)store_->start();
    driver_ = std::make_unique<UpdateDriver>(config_, UpdateDriver::Ports{*store_, clock_, *this, *room_});
    driver_->start();
    return store_->boot();
  }
  Bytes runs(std::size_t size) {
    Bytes image;
    for (std::uint32_t block = 0; image.size() < size; ++block) {
      Bytes part(std::min(size - image.size(), ports::FirmwareStore::kBlockSize));
      EXPECT_TRUE(store_->read_block(store_->boot().running, block, {part.data(), part.size()}));
      image.insert(image.end(), part.begin(), part.end());
    }
    return image;
  }
  const Updater& updater() const { return driver_->updater(); }
  const ports::FirmwareStore& store() const { return *store_; }

  void fetch(const OfferId&, std::uint64_t at, std::size_t length) override {
    asked_at_ = at;
    asked_ = length;
  }
  void restart() override { restart_wanted_ = true; }
  void on_report(const UpdateReport&) override {}

  MemoryFlash flash{FlashFirmwareStore::region_size(kSlotSize)};

 private:
  const Bytes& bundle_;
  UpdateConfig config_;
  sim::SimClock clock_;
  std::unique_ptr<UpdateRoom> room_ = std::make_unique<UpdateRoom>();
  std::unique_ptr<FlashFirmwareStore> store_;
  std::unique_ptr<UpdateDriver> driver_;
  std::optional<std::uint64_t> asked_at_;
  std::size_t asked_ = 0;
  bool restart_wanted_ = false;
};

bool settled(const FlashBoard& board) {
  const ports::FirmwareBoot boot = board.store().boot();
  return boot.running == ports::FirmwareSlot::kB && boot.trial == ports::FirmwareTrial::kNone;
}

TEST(FlashPowerCut, update_ends_confirmed_wherever_the_power_fails) {
  FirmwareWorld world;
  Release release;
  release.image = Bytes(2 * ports::FirmwareStore::kBlockSize + 77, 0x42);
  const Bytes bundle = world.bundle(world.leaf(), release);
  const Bytes statement = world.revocation_statement();
  unsigned cuts = 0;
  for (const unsigned percent : {0U, 50U, 100U}) {
    for (unsigned change = 1;; ++change) {
      SCOPED_TRACE(testing::Message() << "change " << change << ", " << percent << " %");
      FlashBoard board(world, bundle);
      board.flash.cut_at(change, percent);
      board.live(statement);
      const bool cut = !board.flash.has_power();
      board.flash.restore();
      const auto found = board.boot();
      if (found.running == ports::FirmwareSlot::kB) {
        EXPECT_EQ(board.runs(release.image.size()), release.image) << "only what is whole is ever run";
      }
      board.live(statement);
      // its trial was the one that was cut
      if (!settled(board)) board.live(statement);
      EXPECT_EQ(board.runs(release.image.size()), release.image);
      EXPECT_TRUE(settled(board));
      EXPECT_EQ(board.updater().state(), Updater::State::kIdle);
      if (!cut || HasFailure()) break;
      ++cuts;
    }
  }
  EXPECT_GE(cuts, 40U);
}

}  // namespace
}  // namespace latchkey::agent::test
