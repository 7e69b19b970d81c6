// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/internal/act_watch.h"

#include <algorithm>

namespace latchkey::boards::fleet::report {

using history::ActKind;

std::optional<ActWatch> ActWatch::begin(TimeUs time, const history::ActBegun& act, const std::vector<Life>& lives) {
  ActWatch watch;
  watch.figures_.act = act;
  watch.figures_.begun = time;
  watch.condemns_ =
      act.kind == ActKind::kRevokeDevices || act.kind == ActKind::kRevokePolicy || act.kind == ActKind::kDeleteDevices;
  watch.lets_in_again_ = act.kind == ActKind::kEnableDevices;
  watch.figures_.expects_return = (watch.condemns_ && !act.disable) || watch.lets_in_again_;
  if (!watch.condemns_ && !watch.lets_in_again_ && act.kind != ActKind::kDisableDevices) return watch;
  const auto add = [&](Device device) {
    const Life& life = lives[device];
    watch.devices_[device] = {.held = life.certificate, .live = life.connected};
    ++watch.figures_.affected;
    if (life.connected) ++watch.figures_.live;
  };
  if (act.kind == ActKind::kRevokePolicy && act.devices.empty()) {
    for (Device device = 0; device < lives.size(); ++device) {
      if (lives[device].certificate > 0) add(device);
    }
  }
  for (const Device device : act.devices) {
    if (device < lives.size() && !watch.devices_.contains(device)) add(device);
  }
  return watch;
}

void ActWatch::answered(TimeUs time, const history::ActAnswered& answer) {
  figures_.answered = time;
  figures_.succeeded = answer.succeeded;
  figures_.text = answer.text;
}

void ActWatch::connected(TimeUs time, Device device, const Life& life, std::uint32_t generation) {
  const auto found = devices_.find(device);
  if (found == devices_.end()) return;
  Watched& watched = found->second;
  const bool is_old = condemns_ && generation <= watched.held;
  const TimeUs tried = life.connecting_since[static_cast<std::size_t>(history::Service::kHub)];
  if (is_old && figures_.succeeded && figures_.answered && tried > *figures_.answered && !watched.let_in) {
    watched.let_in = true;
    ++figures_.let_in;
  }
  if (is_old || watched.back || !figures_.expects_return) return;
  watched.back = true;
  figures_.back.ended.add(time - figures_.begun);
}

void ActWatch::ended(TimeUs time, Device device) {
  const auto found = devices_.find(device);
  if (found == devices_.end() || !found->second.live || found->second.cut) return;
  found->second.cut = true;
  figures_.cut.ended.add(time - figures_.begun);
}

void ActWatch::refused(TimeUs time, Device device) {
  const auto found = devices_.find(device);
  if (found == devices_.end() || found->second.refused || found->second.back) return;
  found->second.refused = true;
  figures_.refused.ended.add(time - figures_.begun);
}

ActFigures ActWatch::finish(const std::vector<Life>& lives, const std::function<std::string(Device)>& why) {
  for (const auto& [device, watched] : devices_) {
    const Life& life = lives[device];
    if (!lets_in_again_ && watched.live && !watched.cut) ++figures_.cut.waiting;
    if (!figures_.expects_return || watched.back) continue;
    if (lets_in_again_ && watched.live) continue;  // was never away
    if (life.disabled) continue;                   // by an act behind this one: nobody waits for it
    ++figures_.back.waiting;
    figures_.absent.push_back({device, why(device)});
  }
  std::sort(figures_.absent.begin(), figures_.absent.end(),
            [](const Absent& a, const Absent& b) { return a.device < b.device; });
  return figures_;
}

}  // namespace latchkey::boards::fleet::report
