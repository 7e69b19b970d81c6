// SPDX-License-Identifier: Apache-2.0
// A run's figures as one HTML page that needs nothing beside itself: no network, no script. Light, dark and printed.
// Pure; any thread.
#pragma once

#include <string>

#include "boards/fleet/report/figures.h"

namespace latchkey::boards::fleet::report {

std::string page_of(const Figures& figures);

// What the page says first, as plain sentences: also for a terminal.
std::vector<std::string> summary_of(const Figures& figures);
// What a reader has to know before believing the figures: damaged histories, a run that broke off. Empty: all is well.
std::vector<std::string> warnings_of(const Figures& figures);

}  // namespace latchkey::boards::fleet::report
