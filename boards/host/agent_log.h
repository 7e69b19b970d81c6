// SPDX-License-Identifier: Apache-2.0
// The agent's story on standard error: one plain line for each life-cycle event. No keys, no tokens.
#pragma once

#include <string>

#include "agent/core/report.h"

namespace latchkey::boards::host {

// The line for a report, without time and device. Texts of peers are made printable.
std::string describe(const agent::Report& report);

// Time, device, line; whole lines, so that several agents may share a terminal.
void log_line(UnixMs now, const std::string& registration_id, const std::string& line);

}  // namespace latchkey::boards::host
