// SPDX-License-Identifier: Apache-2.0
// Counting heads for a forecast: what an act leaves of a namespace is given, and every device that it concerns is
// looked at once, on a reader's connection.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "registry/operations/forecast.h"
#include "registry/operations/internal/ground.h"

namespace latchkey::registry {

// What there is before the act, and what is left of it afterwards.
struct Consequence {
  Uuid ns;
  std::string ns_name;
  Ground before;
  Ground after;
  std::optional<Uuid> device;          // that the act is about
  std::optional<Device> device_after;  // nothing: it is deleted
};

// Counts the devices that one act concerns, each once, and keeps those that are on the page.
class HeadCount {
 public:
  HeadCount(store::Database& db, const Consequence& change, Attendance& attendance, const ForecastOptions& options,
            UnixMs now)
      : db_(db), change_(change), attendance_(attendance), options_(options), now_(now) {
    for (const Hub& hub : change.before.hubs) result_.hubs.push_back({hub.name, 0, 0});
  }

  Outcome<Nothing> one(const Uuid& device) { return visit({device}, &HeadCount::judge); }
  Outcome<Nothing> everybody();
  Forecast finish();

 private:
  using Judge = void (HeadCount::*)(const store::FleetDevice&);

  // Those that were not visited before.
  Outcome<Nothing> visit(std::vector<Uuid> devices, Judge how);
  Outcome<Nothing> below(const std::set<Uuid>& cas, Judge how);
  Outcome<Nothing> everybody_connected();

  std::set<Uuid> lost() const;
  std::set<Uuid> without_policy() const;
  bool lost_at(const Hub& hub, const Uuid& ca) const {
    return change_.before.trusts(hub.uuid, ca) && !change_.after.trusts(hub.uuid, ca);
  }
  bool live(const store::HeldCertificate& one) const { return one.not_before <= now_ && now_ < one.not_after; }

  // With `certificates` alone: whether it would be let in if it were enabled.
  struct Standing {
    bool had = false;
    bool keeps = false;
    bool loses_one = false;  // of several certificates
    bool connected = false;
  };
  Standing standing_at(const Hub& hub, const store::FleetDevice& device) const;
  bool enabled_afterwards(const store::FleetDevice& device) const;
  Obstacle obstacle_afterwards(const store::FleetDevice& device) const;
  bool identity_stays(const store::FleetDevice& device) const;

  void judge(const store::FleetDevice& device);
  void judge_ending(const store::FleetDevice& device);
  AffectedDevice describe(const store::FleetDevice& device, Fate fate) const;
  void keep(AffectedDevice device);

  store::Database& db_;
  const Consequence& change_;
  Attendance& attendance_;
  const ForecastOptions& options_;
  const UnixMs now_;
  Forecast result_;
  std::vector<Uuid> visited_;                   // in their order
  std::map<std::string, AffectedDevice> page_;  // one more than asked for tells that there is a next one
};

}  // namespace latchkey::registry
