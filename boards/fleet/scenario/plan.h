// SPDX-License-Identifier: Apache-2.0
// What is to happen to each device and when: a pure function of the scenario (with its seed and number of devices).
// Whoever asks gets the same answer, in any order, in constant time and without memory, so that every worker computes
// the devices of its own shard alone.
//
// Shares are exact: a share of 0.3 of 10 devices is 3 devices. Times are microseconds since the run's start.
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "boards/fleet/scenario/scenario.h"

namespace latchkey::boards::fleet::scenario {

struct DevicePlan {
  TimeUs arrival = 0;
  std::int64_t skew_ms = 0;      // added to its wall clock
  std::uint32_t generation = 1;  // of the certificate that it brings along at its arrival when 2 or more
  bool crashes = false;          // once, between its first key and the certificate to it
  std::optional<TimeUs> loses_credential_at;
  bool sleeps = false;       // has naps
  std::uint64_t random = 0;  // seed of the device's own dice
};

// Off from `from` on, and to be on again at `until`.
struct Nap {
  TimeUs from = 0;
  TimeUs until = 0;
};

class Plan {
 public:
  // A copy is kept.
  explicit Plan(Scenario scenario);

  const Scenario& scenario() const { return scenario_; }
  DevicePlan device(std::uint32_t device) const;
  // Its nap of that number, from 0; naps follow each other. Nothing: it has no (more) naps within the run.
  std::optional<Nap> nap(std::uint32_t device, std::uint32_t number) const;
  // Does that cut (Scenario::cuts) hit the device?
  bool hits(std::size_t cut, std::uint32_t device) const;
  // Whom that act (Scenario::acts) is about, by rising number. Empty for acts that are not about devices.
  const std::vector<std::uint32_t>& chosen(std::size_t act) const;
  // Has it a way back after the last act? Not when it stays disabled, nor when it needs a certificate after it has lost
  // what it proves itself to DPS with, nor when its clock is so far behind that each certificate is not yet valid, nor
  // when it sleeps from the last act to the end. (A deleted device comes back: the enrollment group makes it anew.)
  bool comes_back(std::uint32_t device) const;
  // When the last act is due; 0 without acts.
  TimeUs last_act() const { return scenario_.acts.empty() ? 0 : scenario_.acts.back().at; }

 private:
  bool in_share(std::uint64_t purpose, double share, std::uint32_t device) const;
  std::uint32_t rank(std::uint64_t purpose, std::uint32_t device) const;
  double chance(std::uint64_t purpose, std::uint32_t device, std::uint32_t number) const;

  Scenario scenario_;
  std::vector<std::vector<std::uint32_t>> chosen_;  // by act
};

}  // namespace latchkey::boards::fleet::scenario
