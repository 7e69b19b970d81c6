// SPDX-License-Identifier: Apache-2.0
// A device on paper around the update driver: simulated firmware slots, a clock that is set, and whoever serves
// bundles.
#pragma once

#include <map>
#include <memory>

#include "agent/update/driver.h"
#include "platform/sim/clock.h"
#include "platform/sim/firmware_store.h"
#include "tests/unit/agent/update/firmware_world.h"

namespace latchkey::agent::test {

using ports::FirmwareSlot;
using Kind = UpdateReport::Kind;

inline OfferId offer_id(std::uint8_t number) {
  OfferId id{};
  id[0] = number;
  return id;
}

class Board final : public UpdateHost {
 public:
  static constexpr std::size_t kSlotSize = 32 * ports::FirmwareStore::kBlockSize;

  explicit Board(FirmwareWorld& world) : world_(world), store(kSlotSize, factory) {
    config.board = kBoard;
    config.factory_version = {1, 0, 0};
    config.signing_roots = world.signing_roots.data();
    config.signing_root_count = world.signing_roots.size();
    config.timestamp_roots = world.timestamp_roots.data();
    config.timestamp_root_count = world.timestamp_roots.size();
    for (const Bytes& eku : world.ekus) config.pins.add(eku);
    config.statement_key = world.statement_spki;
    clock.set_wall(kYearLater);
    boot();
  }

  // Power on; `run` serves what the driver asks for until it waits for the world.
  void boot() {
    store.restart();
    asked_ = std::nullopt;
    restart_wanted_ = false;
    driver = std::make_unique<UpdateDriver>(config, UpdateDriver::Ports{store, clock, *this, *room_});
    driver->start();
  }
  void run() {
    while (store.has_power()) {
      if (restart_wanted_) {
        boot();
      } else if (asked_) {
        serve();
      } else {
        return;
      }
    }
  }
  // Publishes a bundle and tells the device of it.
  void offer(std::uint8_t number, const Bytes& bundle) {
    bundles[offer_id(number)] = bundle;
    driver->on_offer(offer_id(number), bundle.size());
    run();
  }
  // From the offer to a confirmed image.
  void update(std::uint8_t number, const Bytes& bundle) {
    offer(number, bundle);
    if (store.has_power()) driver->on_healthy();
    run();
  }
  Result<StatementKind> tell(const Bytes& statement) {
    auto told = driver->on_statement(statement);
    run();
    return told;
  }

  void fetch(const OfferId& offer, std::uint64_t at, std::size_t length) override { asked_ = Asked{offer, at, length}; }
  void restart() override { restart_wanted_ = true; }
  void on_report(const UpdateReport& report) override { reports.push_back(report); }

  std::optional<UpdateReport> last(Kind kind) const {
    for (auto report = reports.rbegin(); report != reports.rend(); ++report) {
      if (report->kind == kind) return *report;
    }
    return std::nullopt;
  }
  std::size_t count(Kind kind) const {
    std::size_t found = 0;
    for (const UpdateReport& report : reports) found += report.kind == kind ? 1 : 0;
    return found;
  }
  bool runs(const Bytes& image) {
    const auto& slot = store.slot(store.boot().running);
    return std::equal(image.begin(), image.end(), slot.begin());
  }
  Updater::State state() const { return driver->updater().state(); }

  const Bytes factory = Bytes(9000, 0xFA);

 private:
  FirmwareWorld& world_;

 public:
  sim::SimFirmwareStore store;
  sim::SimClock clock;
  UpdateConfig config;
  std::unique_ptr<UpdateDriver> driver;
  std::vector<UpdateReport> reports;
  std::map<OfferId, Bytes> bundles;
  std::size_t piece = 100'000;                 // at most so many bytes are served at a time
  std::size_t served_until = ~std::size_t{0};  // no byte of a bundle from here on: the line is cut
  std::uint64_t served = 0;                    // bytes, altogether

 private:
  struct Asked {
    OfferId offer;
    std::uint64_t at;
    std::size_t length;
  };
  void serve() {
    const Asked asked = *std::exchange(asked_, std::nullopt);
    const ByteView bundle = bundles[asked.offer];
    if (asked.at >= served_until) return;
    const ByteView part = bundle.subview(asked.at, std::min({asked.length, piece, served_until - asked.at}));
    served += part.size();
    driver->on_bytes(asked.at, part);
  }

  std::unique_ptr<UpdateRoom> room_ = std::make_unique<UpdateRoom>();
  std::optional<Asked> asked_;
  bool restart_wanted_ = false;
};

}  // namespace latchkey::agent::test
