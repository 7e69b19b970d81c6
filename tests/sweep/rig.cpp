// SPDX-License-Identifier: Apache-2.0
#include "tests/sweep/rig.h"

#include <algorithm>

#include "platform/openssl/issuance.h"

namespace latchkey::sweep {

agent::Config sweep_config() {
  agent::Config config;
  config.registration_id = kDevice;
  config.id_scope = "0ne00TEST";
  config.dps = {kDpsHost, 8883};
  config.symmetric_key_size = 32;
  return config;
}

Result<void> PooledKeys::make(crypto::Curve curve, std::string_view common_name, agent::MadeKey& out) {
  static std::array<agent::MadeKey, 8> pool;
  static std::size_t next = 0;
  if (pool[0].csr_size == 0) {
    for (agent::MadeKey& made : pool) LATCHKEY_TRY_VOID(agent::FreshKeyMaker().make(curve, common_name, made));
  }
  const agent::MadeKey& chosen = pool[next++ % pool.size()];
  out.key.bytes = chosen.key.bytes;
  out.key.size = chosen.key.size;
  out.key.curve = chosen.key.curve;
  out.csr = chosen.csr;
  out.csr_size = chosen.csr_size;
  return {};
}

Board::Board(SimHub& hub, ports::Storage& storage, sim::SimClock& clock, const agent::Config& config,
             std::uint64_t seed)
    : link(hub, storage, clock), entropy(seed), driver(config, {link, storage, clock, entropy, keys, room}, watcher) {
  link.set_events(driver);
}

Rig::Rig(SimHub::Ids ids, const Wrap& wrap) : hub(clock, ids) {
  test::require(crypto::init().has_value(), "crypto::init");
  crypto::use_issuance_check(openssl::issued_by);  // mbedTLS's own takes most of a life; its tests are elsewhere
  if (wrap) wrapped_ = wrap(storage);
}

void Rig::start() {
  ports::Storage& seen = wrapped_ ? *wrapped_ : storage;
  board_ = std::make_unique<Board>(hub, seen, clock, config, ++starts_);
  board_->driver.start();
}

bool Rig::run_until(const std::function<bool()>& done, std::uint64_t at_most_ms) {
  const ports::MonotonicMs end = clock.monotonic() + at_most_ms;
  for (;;) {
    if (!storage.has_power()) return false;
    if (done()) return true;
    if (board_->link.turn()) continue;
    const ports::MonotonicMs now = clock.monotonic();
    if (now >= end) return false;
    const ports::MonotonicMs next = std::min({board_->driver.wake_at(), board_->link.due(), end});
    if (next > now) clock.advance(next - now);
    if (board_->driver.wake_at() <= clock.monotonic()) board_->driver.on_timer();
  }
}

void Rig::run_for(std::uint64_t ms) {
  run_until([] { return false; }, ms);
}

void Rig::revoke() {
  hub.revoke();
  if (board_->link.at_hub()) board_->link.cut();
}

}  // namespace latchkey::sweep
