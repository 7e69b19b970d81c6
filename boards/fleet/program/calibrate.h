// SPDX-License-Identifier: Apache-2.0
// `latchkey-fleet calibrate`: a short real run against a real hub, whose processor time is read meanwhile.
#pragma once

#include <array>
#include <vector>

#include "boards/fleet/forecast/fit.h"
#include "boards/fleet/program/meter.h"
#include "boards/fleet/program/options.h"

namespace latchkey::boards::fleet::program {

// The scenario of the run.
std::string calibration_scenario(std::uint32_t devices);
// What was used and what happened between the moments that the scenario has for it. `folder`: the run's histories.
std::vector<forecast::Stretch> stretches_of(const std::vector<Reading>& readings, const std::string& folder);

// 0; 1 when something broke on the way, 2 for bad input, 5 when there is no hub.
int calibrate(const CalibrateOptions& options);

}  // namespace latchkey::boards::fleet::program
