// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/verify/internal/acts.h"

#include <algorithm>

#include "boards/fleet/verify/checker.h"

namespace latchkey::boards::fleet::verify {

using history::ActKind;

bool condemns(const history::ActBegun& act) {
  return act.kind == ActKind::kRevokeDevices || act.kind == ActKind::kRevokePolicy ||
         act.kind == ActKind::kDeleteDevices;
}

bool disables(const history::ActBegun& act) { return act.kind == ActKind::kDisableDevices || act.disable; }

void Acts::begin(TimeUs time, const history::ActBegun& begun, std::vector<Life>& lives) {
  Act act{begun, time, kNever, {}};
  if (begun.kind == ActKind::kSetFaults) faulty_ = true;
  if (begun.kind == ActKind::kAdvanceClock) {
    clock_moved_ = time;
    clock_act_ = begun.act;
  }
  const auto concern = [&](history::Device device) {
    Life& life = lives[device];
    if (condemns(begun)) life.asked_for = std::max(life.asked_for, life.stored);
    if (condemns(begun) || disables(begun)) life.last_act = begun.act + 1;
    if (disables(begun)) life.disabled = true;
    if (begun.kind == ActKind::kEnableDevices || begun.kind == ActKind::kDeleteDevices) {
      life.disabled = false;
      life.barred_at = kNever;
      if (life.missing_since != kNever) life.missing_since = time;  // until now nobody waited for it
    }
    act.concerned.emplace_back(device, life.stored);
  };
  for (const auto device : begun.devices) {
    if (device < lives.size()) concern(device);
  }
  if (begun.kind == ActKind::kRevokePolicy && begun.devices.empty()) {
    for (history::Device device = 0; device < lives.size(); ++device) concern(device);
  }
  acts_[begun.act] = std::move(act);
}

// An act on several devices that was refused may have reached some of them: it proves nothing of any.
void Acts::answer(TimeUs time, const history::ActAnswered& answer, std::vector<Life>& lives) {
  const auto found = acts_.find(answer.act);
  if (found == acts_.end()) return;
  Act& act = found->second;
  act.answered_at = time;
  if (act.begun.kind == ActKind::kClearFaults && answer.succeeded) {
    faulty_ = false;
    faulty_until_ = time;
  }
  for (const auto& [device, held] : act.concerned) {
    Life& life = lives[device];
    if (answer.succeeded && condemns(act.begun) && held > 0) {
      life.condemned = std::max(life.condemned, held);
      life.condemned_at = time;
    }
    if (answer.succeeded && disables(act.begun) && life.disabled) life.barred_at = time;
  }
  act.concerned = {};
}

void Acts::network_cut(TimeUs time, const history::Fault& fault) {
  auto& cut = cuts_.try_emplace(fault.number, time, kNever).first->second;
  if (!fault.begins) cut.second = time;
}

bool Acts::explains(TimeUs time, TimeUs opened, const Life& life) const {
  if (life.asleep || life.disabled || life.session <= life.asked_for) return true;
  const auto within = [&](std::uint32_t number) {
    const auto found = acts_.find(number);
    return found != acts_.end() && (found->second.answered_at == kNever || time <= found->second.answered_at + kLate);
  };
  // What was issued around an act is dead on arrival: opened before the answer, it may be cut until then.
  if (life.last_act != 0 && within(life.last_act - 1)) {
    const auto answered = acts_.at(life.last_act - 1).answered_at;
    if (answered == kNever || opened <= answered) return true;
  }
  if (clock_moved_ != kNever && within(clock_act_)) return true;
  return faulty_ || (faulty_until_ != kNever && time <= faulty_until_ + kLate);
}

bool Acts::network_was_gone(TimeUs time) const {
  return std::any_of(cuts_.begin(), cuts_.end(), [&](const auto& entry) {
    const auto& [from, until] = entry.second;
    return time >= from - kLate && (until == kNever || time <= until + kLate);
  });
}

}  // namespace latchkey::boards::fleet::verify
