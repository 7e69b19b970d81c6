// SPDX-License-Identifier: Apache-2.0
#include "agent/update/driver.h"

namespace latchkey::agent {

using EventKind = UpdateEvent::Kind;
using ActionKind = UpdateAction::Kind;

UpdateKnowledge UpdateDriver::known() const {
  UpdateKnowledge known;
  known.pins = statements_.version(StatementKind::kPins) > 0 ? statements_.pins() : config_.pins;
  known.revocations = statements_.revocations();
  if (ports_.clock.is_set()) known.now = ports_.clock.now();
  known.slot_size = ports_.store.slot_size();
  return known;
}

void UpdateDriver::take(const UpdateEvent& event) {
  UpdateAction action = updater_.step(event, known());
  for (;;) {
    if (action.report.kind != UpdateReport::Kind::kNone) ports_.host.on_report(action.report);
    UpdateEvent result;
    result.kind = EventKind::kDone;
    if (!perform(action, result)) return;
    action = updater_.step(result, known());
  }
}

bool UpdateDriver::perform(const UpdateAction& action, UpdateEvent& result) {
  auto& block = ports_.room.updater.block;
  switch (action.kind) {
    case ActionKind::kWait: return false;
    case ActionKind::kGoOn: return true;
    case ActionKind::kFetch: ports_.host.fetch(action.offer, action.at, action.length); return false;
    case ActionKind::kRestart: ports_.host.restart(); return false;
    case ActionKind::kStoreState:
      result.ok = store_state(ports_.store, updater_.record(), ports_.room.statements.record).has_value();
      return true;
    case ActionKind::kTryNext: result.ok = ports_.store.try_next(action.slot).has_value(); return true;
    case ActionKind::kConfirm: result.ok = ports_.store.confirm().has_value(); return true;
    case ActionKind::kWriteBlock:
    case ActionKind::kReadBlock: {
      const std::size_t size = action.kind == ActionKind::kWriteBlock ? action.bytes.size() : action.length;
      const bool written = action.kind == ActionKind::kReadBlock ||
                           ports_.store.write_block(action.slot, action.block, action.bytes).has_value();
      // What will be run is what lies there, not what came in.
      const MutableBytes as_stored = MutableBytes(block).subview(0, size);
      result.ok = written && ports_.store.read_block(action.slot, action.block, as_stored).has_value();
      result.bytes = as_stored;
      return true;
    }
  }
  return false;
}

void UpdateDriver::start() {
  statements_.load();
  (void)load_state(ports_.store, updater_.record(), ports_.room.statements.record);  // none: the first start
  UpdateEvent event;
  event.kind = EventKind::kStarted;
  event.boot = ports_.store.boot();
  take(event);
}

void UpdateDriver::on_offer(const OfferId& offer, std::uint64_t bundle_size) {
  UpdateEvent event;
  event.kind = EventKind::kOffered;
  event.offer = offer;
  event.size = bundle_size;
  take(event);
}

void UpdateDriver::on_withdrawn(const OfferId& offer) {
  UpdateEvent event;
  event.kind = EventKind::kWithdrawn;
  event.offer = offer;
  take(event);
}

void UpdateDriver::on_bytes(std::uint64_t at, ByteView bytes) {
  UpdateEvent event;
  event.kind = EventKind::kBytes;
  event.at = at;
  event.bytes = bytes;
  take(event);
}

void UpdateDriver::fetch_again() {
  UpdateEvent event;
  event.kind = EventKind::kAgain;
  take(event);
}

void UpdateDriver::on_healthy() {
  UpdateEvent event;
  event.kind = EventKind::kHealthy;
  take(event);
}

void UpdateDriver::on_clock() { take(UpdateEvent()); }

Result<StatementKind> UpdateDriver::on_statement(ByteView text) {
  LATCHKEY_TRY(kind, statements_.offer(text));
  take(UpdateEvent());
  return kind;
}

}  // namespace latchkey::agent
