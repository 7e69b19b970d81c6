// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/head_count.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace latchkey::registry {

std::set<Uuid> HeadCount::lost() const {
  std::set<Uuid> cas;
  for (const Hub& hub : change_.before.hubs) {
    const auto trusted = change_.before.trusted.find(hub.uuid);
    if (trusted == change_.before.trusted.end()) continue;
    for (const Uuid& ca : trusted->second) {
      if (lost_at(hub, ca)) cas.insert(ca);
    }
  }
  return cas;
}

// CAs that stay trusted, but whose policy issues nothing more by this act.
std::set<Uuid> HeadCount::without_policy() const {
  std::set<Uuid> cas;
  for (const auto& [ca, policy] : change_.after.policy_of) {
    if (change_.before.issues(policy) && !change_.after.issues(policy)) cas.insert(ca);
  }
  return cas;
}

Outcome<Nothing> HeadCount::everybody() {
  const auto gone = lost();
  LATCHKEY_TRY_VOID(below(gone, &HeadCount::judge));
  if (!gone.empty()) LATCHKEY_TRY_VOID(everybody_connected());
  return below(without_policy(), &HeadCount::judge_ending);
}

Outcome<Nothing> HeadCount::below(const std::set<Uuid>& cas, Judge how) {
  std::vector<Uuid> devices;
  for (const Uuid& ca : cas) {
    LATCHKEY_TRY(holders, store::holders_below(db_, ca, now_));
    devices.insert(devices.end(), holders.begin(), holders.end());
  }
  return visit(std::move(devices), how);
}

// A session outlives its certificate, but not the CA's place on the hub.
Outcome<Nothing> HeadCount::everybody_connected() {
  std::vector<Uuid> devices;
  for (const Hub& hub : change_.before.hubs) {
    for (const std::string& id : attendance_.connected(hub.name)) {
      LATCHKEY_TRY(device, store::device_uuid(db_, change_.ns, id));
      if (device) devices.push_back(*device);
    }
  }
  return visit(std::move(devices), &HeadCount::judge);
}

// In the order of their uuids: the rows of neighbours lie side by side.
Outcome<Nothing> HeadCount::visit(std::vector<Uuid> devices, Judge how) {
  std::sort(devices.begin(), devices.end());
  devices.erase(std::unique(devices.begin(), devices.end()), devices.end());
  std::vector<Uuid> fresh;
  std::set_difference(devices.begin(), devices.end(), visited_.begin(), visited_.end(), std::back_inserter(fresh));
  const auto before = static_cast<std::ptrdiff_t>(visited_.size());
  visited_.insert(visited_.end(), fresh.begin(), fresh.end());
  std::inplace_merge(visited_.begin(), visited_.begin() + before, visited_.end());
  return store::each_device(db_, fresh, [&](const store::FleetDevice& device) { (this->*how)(device); });
}

// A deleted one is made anew when it registers.
bool HeadCount::enabled_afterwards(const store::FleetDevice& device) const {
  if (change_.device != device.uuid) return device.enabled;
  return !change_.device_after || change_.device_after->enabled;
}

Obstacle HeadCount::obstacle_afterwards(const store::FleetDevice& device) const {
  const bool enabled = enabled_afterwards(device);
  if (enabled == device.enabled) return obstacle_of(device, change_.after, now_);
  store::FleetDevice after = device;
  after.enabled = enabled;
  return obstacle_of(after, change_.after, now_);
}

bool HeadCount::identity_stays(const store::FleetDevice& device) const {
  if (change_.device != device.uuid) return true;
  return change_.device_after && change_.device_after->credential_id == device.credential_id;
}

HeadCount::Standing HeadCount::standing_at(const Hub& hub, const store::FleetDevice& device) const {
  const bool same = identity_stays(device);
  Standing standing;
  bool session_falls = !same || !enabled_afterwards(device);
  for (const auto& one : device.held) {
    if (lost_at(hub, one.ca)) session_falls = true;
    if (!live(one) || !change_.before.trusts(hub.uuid, one.ca)) continue;
    standing.had = true;
    if (same && change_.after.trusts(hub.uuid, one.ca)) {
      standing.keeps = true;
    } else {
      standing.loses_one = true;
    }
  }
  standing.connected = attendance_.connected(hub.name, device.id);
  if (standing.connected && session_falls) standing.had = true;
  if (device.enabled && !enabled_afterwards(device)) standing.keeps = false;
  return standing;
}

void HeadCount::judge(const store::FleetDevice& device) {
  const Fate fate = device.enabled ? Fate::kLosesAccess : Fate::kHadNone;
  AffectedDevice affected = describe(device, fate);
  bool spared = false;
  for (std::size_t i = 0; i < change_.before.hubs.size(); ++i) {
    const Hub& hub = change_.before.hubs[i];
    const Standing standing = standing_at(hub, device);
    if (!standing.had || standing.keeps) {
      spared |= standing.loses_one;
      continue;
    }
    affected.hubs.push_back(hub.name);
    affected.connected |= standing.connected;
    if (fate != Fate::kLosesAccess) continue;
    ++result_.hubs[i].losing;
    result_.hubs[i].connected += standing.connected ? 1 : 0;
  }
  if (affected.hubs.empty()) {
    result_.spared += spared && device.enabled ? 1 : 0;
    return;
  }
  affected.obstacle = obstacle_afterwards(device);
  const bool silent =
      options_.not_seen_ms > 0 && !affected.connected && affected.last_seen.value_or(0) < now_ - options_.not_seen_ms;
  if (affected.obstacle == Obstacle::kNone && silent) affected.obstacle = Obstacle::kNotSeen;
  ++(fate == Fate::kLosesAccess ? result_.losing : result_.disabled);
  result_.connected += fate == Fate::kLosesAccess && affected.connected ? 1 : 0;
  if (affected.obstacle == Obstacle::kNone) {
    ++result_.returning;
  } else {
    ++result_.not_returning[affected.obstacle];
  }
  keep(std::move(affected));
}

void HeadCount::judge_ending(const store::FleetDevice& device) {
  AffectedDevice affected = describe(device, Fate::kEndsLater);
  affected.obstacle = obstacle_of(device, change_.after, now_);
  if (affected.obstacle == Obstacle::kNone) return;  // from another policy
  for (const Hub& hub : change_.before.hubs) affected.connected |= attendance_.connected(hub.name, device.id);
  ++result_.ending;
  ++result_.not_renewing[affected.obstacle];
  // One whose certificates are all of an earlier identity has no end.
  const bool first = result_.first_end == 0 || affected.not_after < result_.first_end;
  if (first && affected.not_after > 0) result_.first_end = affected.not_after;
  result_.last_end = std::max(result_.last_end, affected.not_after);
  keep(std::move(affected));
}

AffectedDevice HeadCount::describe(const store::FleetDevice& device, Fate fate) const {
  AffectedDevice affected;
  affected.id = device.id;
  affected.fate = fate;
  UnixMs seen = device.registered;
  for (const auto& one : device.held) {
    seen = std::max(seen, one.issued_at);
    affected.not_after = std::max(affected.not_after, one.not_after);
  }
  if (const auto heard = attendance_.last_seen(change_.ns_name, device.id)) seen = std::max(seen, *heard);
  if (seen > 0) affected.last_seen = seen;
  return affected;
}

void HeadCount::keep(AffectedDevice device) {
  if (device.id <= options_.after || options_.limit == 0) return;
  if (page_.size() > options_.limit && device.id > std::prev(page_.end())->first) return;
  std::string id = device.id;
  page_.emplace(std::move(id), std::move(device));
  if (page_.size() > options_.limit + 1) page_.erase(std::prev(page_.end()));
}

Forecast HeadCount::finish() {
  if (page_.size() > options_.limit) {
    page_.erase(std::prev(page_.end()));
    result_.next = std::prev(page_.end())->first;
  }
  for (auto& [id, device] : page_) result_.devices.push_back(std::move(device));
  return std::move(result_);
}

}  // namespace latchkey::registry
