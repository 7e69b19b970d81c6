// SPDX-License-Identifier: Apache-2.0
// `latchkey-fleet plan`: a forecast, printed.
#pragma once

#include "boards/fleet/program/options.h"

namespace latchkey::boards::fleet::program {

// 0, 1 when it cannot be made, 2 for bad input.
int make_forecast(const PlanOptions& options);

}  // namespace latchkey::boards::fleet::program
