// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/scenario/plan.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "boards/fleet/scenario/internal/shuffle.h"

namespace latchkey::boards::fleet::scenario {
namespace {

// What dice are thrown for. Numbers stay as they are: the same seed is to give the same run tomorrow.
enum Purpose : std::uint64_t {
  kArrivalPurpose = 1,
  kSleepPurpose = 2,
  kSleepPhase = 3,
  kSleepJitter = 4,
  kShelfPurpose = 5,
  kShelfOrder = 6,
  kSkewPurpose = 7,
  kSkewAmount = 8,
  kCrashPurpose = 9,
  kLostPurpose = 10,
  kGenerationPurpose = 11,
  kOwnDice = 12,
  kCutPurpose = 1'000'000,
  kActPurpose = 2'000'000,
};

// A certificate is valid from five minutes before it is issued (hub/ca/authority.h): a clock further behind takes none.
constexpr std::int64_t kBackdatedMs = 300'000;

std::uint32_t part_of(double share, std::uint32_t devices) {
  return static_cast<std::uint32_t>(std::llround(share * devices));
}

// When the part `u` (0 to 1) of all has arrived, as a part of the whole time.
double arrived(Curve curve, double u) {
  switch (curve) {
    case Curve::kAtOnce: return 0;
    case Curve::kEven: return u;
    case Curve::kRamp: return std::sqrt(u);  // the rate grows evenly, so their number grows with the square
    case Curve::kBell: break;
  }
  // The rate is a raised cosine; its integral x - sin(2 pi x) / (2 pi) is turned around by halving.
  double low = 0;
  double high = 1;
  for (int i = 0; i < 40; ++i) {
    const double x = (low + high) / 2;
    (x - std::sin(2 * std::numbers::pi * x) / (2 * std::numbers::pi) < u ? low : high) = x;
  }
  return low;
}

bool is_certificate_gone(const Act& act, bool is_chosen) {
  if (act.kind == ActKind::kRevokePolicy) return true;
  return is_chosen && (act.kind == ActKind::kRevokeDevices || act.kind == ActKind::kDeleteDevices);
}

}  // namespace

Plan::Plan(Scenario scenario) : scenario_(std::move(scenario)) {
  for (std::size_t i = 0; i < scenario_.acts.size(); ++i) {
    const Choice& choice = scenario_.acts[i].devices;
    std::vector<std::uint32_t> who;
    if (!choice.as.empty()) {
      for (std::size_t j = 0; j < i; ++j) {
        if (scenario_.acts[j].name == choice.as) who = chosen_[j];
      }
    } else {
      std::uint32_t count = choice.count;
      if (choice.share) count = std::max<std::uint32_t>(1, part_of(*choice.share, scenario_.devices));
      const Shuffle shuffle(mixed(scenario_.seed ^ mixed(kActPurpose + i)), scenario_.devices);
      for (std::uint32_t place = 0; place < count; ++place) who.push_back(shuffle.number_at(place));
      std::sort(who.begin(), who.end());
    }
    chosen_.push_back(std::move(who));
  }
}

std::uint32_t Plan::rank(std::uint64_t purpose, std::uint32_t device) const {
  return Shuffle(mixed(scenario_.seed ^ mixed(purpose)), scenario_.devices).place_of(device);
}

bool Plan::in_share(std::uint64_t purpose, double share, std::uint32_t device) const {
  return share > 0 && rank(purpose, device) < part_of(share, scenario_.devices);
}

double Plan::chance(std::uint64_t purpose, std::uint32_t device, std::uint32_t number) const {
  const auto dice = mixed(mixed(scenario_.seed ^ mixed(purpose)) ^ ((std::uint64_t{number} << 32) | device));
  return static_cast<double>(dice >> 11) * 0x1p-53;
}

DevicePlan Plan::device(std::uint32_t device) const {
  const auto& s = scenario_;
  DevicePlan plan;
  const double u = (rank(kArrivalPurpose, device) + 0.5) / s.devices;
  plan.arrival = std::llround(arrived(s.arrival.curve, u) * static_cast<double>(s.arrival.over));
  if (in_share(kSkewPurpose, s.skew.share, device)) {
    plan.skew_ms = std::llround((2 * chance(kSkewAmount, device, 0) - 1) * static_cast<double>(s.skew.most) / 1000);
  }
  double below = 0;
  for (const auto& earlier : s.generations) {
    const auto place = rank(kGenerationPurpose, device);
    if (place >= part_of(below, s.devices) && place < part_of(below + earlier.share, s.devices)) {
      plan.generation = earlier.generation;
    }
    below += earlier.share;
  }
  plan.crashes = in_share(kCrashPurpose, s.crash_share, device);
  if (in_share(kLostPurpose, s.credential_lost_share, device)) plan.loses_credential_at = s.credential_lost_at;
  plan.sleeps = in_share(kShelfPurpose, s.shelf.share, device) || in_share(kSleepPurpose, s.sleep.share, device);
  plan.random = mixed(mixed(s.seed ^ mixed(kOwnDice)) ^ device);
  return plan;
}

std::optional<Nap> Plan::nap(std::uint32_t device, std::uint32_t number) const {
  const auto& s = scenario_;
  if (in_share(kShelfPurpose, s.shelf.share, device)) {  // who lies in a box has no other sleep
    if (number > 0) return std::nullopt;
    const double u = (rank(kShelfOrder, device) + 0.5) / s.devices;
    return Nap{s.shelf.from, s.shelf.until + std::llround(u * static_cast<double>(s.shelf.over))};
  }
  if (!in_share(kSleepPurpose, s.sleep.share, device)) return std::nullopt;
  const TimeUs period = s.sleep.awake + s.sleep.asleep;
  const TimeUs arrival = this->device(device).arrival;
  TimeUs first = arrival + std::llround((1 - chance(kSleepPhase, device, 0)) * static_cast<double>(period));
  if (s.sleep.together) {
    first = s.sleep.awake;
    if (first <= arrival) first += ((arrival - first) / period + 1) * period;
  }
  const double reach = s.sleep.jitter * static_cast<double>(std::min(s.sleep.awake, s.sleep.asleep));
  const auto moved = [&](std::uint32_t which) -> TimeUs {
    return std::llround((chance(kSleepJitter, device, which) - 0.5) * reach);
  };
  Nap nap;
  nap.from = first + TimeUs{number} * period;
  nap.until = nap.from + s.sleep.asleep + moved(2 * number + 1);
  nap.from = std::max(arrival, nap.from + moved(2 * number));
  if (nap.from >= s.duration) return std::nullopt;
  return nap;
}

bool Plan::hits(std::size_t cut, std::uint32_t device) const {
  return cut < scenario_.cuts.size() && in_share(kCutPurpose + cut, scenario_.cuts[cut].share, device);
}

const std::vector<std::uint32_t>& Plan::chosen(std::size_t act) const {
  static const std::vector<std::uint32_t> kNobody;
  return act < chosen_.size() ? chosen_[act] : kNobody;
}

bool Plan::comes_back(std::uint32_t device) const {
  const auto& acts = scenario_.acts;
  const auto plan = this->device(device);
  bool disabled = false;
  bool locked_out = plan.loses_credential_at && *plan.loses_credential_at <= plan.arrival;
  for (std::size_t i = 0; i < acts.size(); ++i) {
    const bool is_chosen = std::binary_search(chosen_[i].begin(), chosen_[i].end(), device);
    if (is_certificate_gone(acts[i], is_chosen) && plan.loses_credential_at &&
        *plan.loses_credential_at <= acts[i].at) {
      locked_out = true;
    }
    if (!is_chosen) continue;
    if (acts[i].kind == ActKind::kDisableDevices || acts[i].disable) disabled = true;
    if (acts[i].kind == ActKind::kEnableDevices || acts[i].kind == ActKind::kDeleteDevices) disabled = false;
  }
  if (disabled || locked_out || plan.skew_ms < -kBackdatedMs) return false;
  const TimeUs last = acts.empty() ? 0 : acts.back().at;
  for (std::uint32_t number = 0;; ++number) {
    const auto nap = this->nap(device, number);
    if (!nap || nap->from > last) return true;
    if (nap->until >= scenario_.duration) return false;
  }
}

}  // namespace latchkey::boards::fleet::scenario
