// SPDX-License-Identifier: Apache-2.0
// Costs from what was seen: in each stretch of time so much processor time was used by each part, and so often each
// step happened. Pure; any thread.
#pragma once

#include <array>
#include <vector>

#include "boards/fleet/forecast/calibration.h"

namespace latchkey::boards::fleet::forecast {

struct Stretch {
  double seconds = 0;
  std::array<double, kParts> used_us{};
  std::array<double, kSteps> happened{};
};

// The costs, none below zero, that explain the stretches best, in the sense of least squares weighted by the inverse of
// what was used. Each part is charged for the steps that it has to do with; what it takes for its mere being there goes
// to telemetry, which is as steady.
Costs fit(const std::vector<Stretch>& stretches);

}  // namespace latchkey::boards::fleet::forecast
