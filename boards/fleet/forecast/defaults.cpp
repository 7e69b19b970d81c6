// SPDX-License-Identifier: Apache-2.0
// The middle of some calibrations on one machine, rounded; replaced as a whole.
#include "boards/fleet/forecast/calibration.h"

namespace latchkey::boards::fleet::forecast {

const Calibration& default_calibration() {
  static const Calibration kDefaults = [] {
    struct Row {
      Step step;
      double dps_broker, hub_broker, hub_process, fleet_loop, fleet_keys;
    };
    constexpr Row kRows[] = {
        {Step::kProvisioningConnect, 560, 0, 150, 1100, 0},
        {Step::kRegistration, 400, 0, 700, 200, 0},
        {Step::kIssuance, 0, 0, 2100, 700, 300},
        {Step::kHubConnect, 0, 1000, 150, 870, 0},
        {Step::kRefusedConnect, 0, 850, 30, 700, 0},
        {Step::kCut, 0, 60, 20, 40, 0},
        {Step::kMessage, 0, 20, 10, 20, 0},
    };
    Calibration result;
    result.processor = "Intel(R) Xeon(R) Processor";
    result.cores = 2;
    result.measured_at = "November 2026, beside other work (the defaults)";
    result.devices = 300;
    result.commit_ms = 4;
    for (const auto& row : kRows) {
      result.costs.of(row.step, Part::kDpsBroker) = row.dps_broker;
      result.costs.of(row.step, Part::kHubBroker) = row.hub_broker;
      result.costs.of(row.step, Part::kHubProcess) = row.hub_process;
      result.costs.of(row.step, Part::kFleetLoop) = row.fleet_loop;
      result.costs.of(row.step, Part::kFleetKeys) = row.fleet_keys;
    }
    return result;
  }();
  return kDefaults;
}

}  // namespace latchkey::boards::fleet::forecast
