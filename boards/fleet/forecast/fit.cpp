// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/fit.h"

#include <algorithm>
#include <cmath>

namespace latchkey::boards::fleet::forecast {
namespace {

constexpr int kRounds = 20'000;
constexpr double kStill = 1e-7;
constexpr double kRefusedOverAccepted = 0.9;
constexpr double kHintWeight = 0.05;  // of stretches that have a weight of 0.1 to 0.3 for each of hundreds of devices
constexpr double kRegistrationShare = 0.25;  // of what registration and issuance take together where they are one

// Which part has to do with which step, by the order of Part.
bool concerns(Step step, Part part) {
  switch (part) {
    case Part::kDpsBroker: return step == Step::kProvisioningConnect || step == Step::kRegistration;
    case Part::kHubBroker:
      return step == Step::kHubConnect || step == Step::kRefusedConnect || step == Step::kCut || step == Step::kMessage;
    case Part::kFleetKeys: return step == Step::kIssuance;
    // Who registers is given a certificate: from outside the two are one.
    default: return step != Step::kRegistration;
  }
}

// min |Ax - b| with x >= 0, by turns of one unknown at a time: few unknowns, few rows.
std::vector<double> solve(const std::vector<std::vector<double>>& rows, const std::vector<double>& wanted,
                          std::size_t unknowns) {
  std::vector<double> x(unknowns, 0);
  std::vector<double> rest = wanted;
  std::vector<double> norm(unknowns, 0);
  for (const auto& row : rows) {
    for (std::size_t j = 0; j < unknowns; ++j) norm[j] += row[j] * row[j];
  }
  for (int round = 0; round < kRounds; ++round) {
    double moved = 0;
    for (std::size_t j = 0; j < unknowns; ++j) {
      if (norm[j] == 0) continue;
      double slope = 0;
      for (std::size_t i = 0; i < rows.size(); ++i) slope += rows[i][j] * rest[i];
      const double next = std::max(0.0, x[j] + slope / norm[j]);
      const double change = next - x[j];
      if (change == 0) continue;
      for (std::size_t i = 0; i < rows.size(); ++i) rest[i] -= rows[i][j] * change;
      x[j] = next;
      moved = std::max(moved, std::abs(change) / (1 + next));
    }
    if (moved < kStill) break;
  }
  return x;
}

}  // namespace

Costs fit(const std::vector<Stretch>& stretches) {
  Costs costs;
  for (std::size_t p = 0; p < kParts; ++p) {
    std::vector<Step> steps;
    for (std::size_t s = 0; s < kSteps; ++s) {
      if (concerns(static_cast<Step>(s), static_cast<Part>(p))) steps.push_back(static_cast<Step>(s));
    }
    std::vector<std::vector<double>> rows;
    std::vector<double> wanted;
    for (const auto& stretch : stretches) {
      // A part's noise grows with its work.
      const double weight = 1 / std::sqrt(stretch.used_us[p] + 1e4);
      std::vector<double> row;
      for (const auto step : steps) row.push_back(weight * stretch.happened[static_cast<std::size_t>(step)]);
      rows.push_back(std::move(row));
      wanted.push_back(weight * stretch.used_us[p]);
    }
    // Refused connects of devices and their first ones at DPS come together as well. A device's own handshake with the
    // hub is the same work whoever says what afterwards, but for two subscriptions: a hint, where nothing else tells.
    if (static_cast<Part>(p) == Part::kFleetLoop) {
      std::vector<double> hint(steps.size(), 0);
      for (std::size_t j = 0; j < steps.size(); ++j) {
        if (steps[j] == Step::kHubConnect) hint[j] = -kRefusedOverAccepted * kHintWeight;
        if (steps[j] == Step::kRefusedConnect) hint[j] = kHintWeight;
      }
      rows.push_back(std::move(hint));
      wanted.push_back(0);
    }
    const auto found = solve(rows, wanted, steps.size());
    for (std::size_t j = 0; j < steps.size(); ++j) costs.of(steps[j], static_cast<Part>(p)) = found[j];
  }
  for (const auto part : {Part::kHubProcess, Part::kFleetLoop}) {
    const double both = costs.of(Step::kIssuance, part);
    costs.of(Step::kRegistration, part) = both * kRegistrationShare;
    costs.of(Step::kIssuance, part) = both * (1 - kRegistrationShare);
  }
  return costs;
}

}  // namespace latchkey::boards::fleet::forecast
