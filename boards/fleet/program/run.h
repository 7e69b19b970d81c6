// SPDX-License-Identifier: Apache-2.0
// `latchkey-fleet run`: everything that can be wrong is looked for before anything starts; then workers, the operator's
// acts at their times, one line of progress, and in the end a report, also of a run that was broken off.
#pragma once

#include "boards/fleet/program/options.h"

namespace latchkey::boards::fleet::program {

// The exit status: 0 when the run came to its end (time up, all back) or was ended by Ctrl-C, 1 when something broke on
// the way, 2 for bad input, 5 when there is no hub.
int run_fleet(const RunOptions& options);

// Makes the report of a run's folder anew. 0, 1 when it cannot be written, 3 when there are no histories.
int report_on(const std::string& folder);

}  // namespace latchkey::boards::fleet::program
