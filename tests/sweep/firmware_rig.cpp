// SPDX-License-Identifier: Apache-2.0
#include "tests/sweep/firmware_rig.h"

#include <algorithm>

#include "platform/openssl/issuance.h"

namespace latchkey::sweep {

FirmwareRig::Board::Board(FirmwareRig& rig, std::uint64_t seed)
    : link(rig.hub, rig.storage, rig.clock),
      entropy(seed),
      updates(rig.update_config_, {}, {link, rig.store, rig.clock, entropy, room}, rig),
      driver(rig.config_, {updates, rig.storage, rig.clock, entropy, keys, workspace}, watcher) {
  updates.serve(driver);
  link.set_events(updates);
  link.on_other = [this, &rig](const std::string& topic, const std::string& payload) {
    rig.firmware.hear(link, topic, payload);
  };
}

FirmwareRig::FirmwareRig(agent::test::FirmwareWorld& world)
    : clock(agent::test::kYearLater), hub(clock), store(kSlotSize, factory) {
  test::require(crypto::init().has_value(), "crypto::init");
  crypto::use_issuance_check(openssl::issued_by);  // as in Rig
  hub.lifetime_ms = 90 * kDayMs;                   // nothing is renewed here
  update_config_.board = agent::test::kBoard;
  update_config_.factory_version = {1, 0, 0};
  update_config_.signing_roots = world.signing_roots.data();
  update_config_.signing_root_count = world.signing_roots.size();
  update_config_.timestamp_roots = world.timestamp_roots.data();
  update_config_.timestamp_root_count = world.timestamp_roots.size();
  for (const Bytes& eku : world.ekus) update_config_.pins.add(eku);
  update_config_.statement_key = world.statement_spki;
}

void FirmwareRig::start() {
  store.restart();
  restart_wanted_ = stopping_ = false;
  board_ = std::make_unique<Board>(*this, ++starts_);
  board_->updates.start();
  board_->driver.start();
}

bool FirmwareRig::run_until(const std::function<bool()>& done, std::uint64_t at_most_ms) {
  const ports::MonotonicMs end = clock.monotonic() + at_most_ms;
  for (;;) {
    if (!store.has_power()) return false;
    if (done()) return true;
    if (stopping_ && board_->driver.state() == agent::State::kStopped) {
      start();
      continue;
    }
    if (restart_wanted_ && !stopping_) {
      stopping_ = true;
      board_->driver.stop();
      continue;
    }
    if (firmware.take_cut()) board_->link.cut();
    if (board_->link.turn()) continue;
    const ports::MonotonicMs now = clock.monotonic();
    if (now >= end) return false;
    const auto next = std::min({board_->driver.wake_at(), board_->updates.wake_at(), board_->link.due(), end});
    if (next > now) clock.advance(next - now);
    if (board_->driver.wake_at() <= clock.monotonic()) board_->driver.on_timer();
    if (board_->updates.wake_at() <= clock.monotonic()) board_->updates.on_timer();
  }
}

bool FirmwareRig::runs(const Bytes& image) {
  const auto& slot = store.slot(store.boot().running);
  return std::equal(image.begin(), image.end(), slot.begin());
}

bool FirmwareRig::settled_on(const Bytes& image) {
  return !restart_wanted_ && live() && runs(image) && store.boot().trial != ports::FirmwareTrial::kRunning &&
         summary().state == agent::Updater::State::kIdle;
}

}  // namespace latchkey::sweep
