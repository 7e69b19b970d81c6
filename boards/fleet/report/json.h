// SPDX-License-Identifier: Apache-2.0
// A run's figures as JSON (docs/schemas/fleet-report.schema.json); names never change their meaning. Times are seconds.
// Pure; any thread.
#pragma once

#include <string>

#include "boards/fleet/report/figures.h"

namespace latchkey::boards::fleet::report {

std::string json_of(const Figures& figures);

}  // namespace latchkey::boards::fleet::report
