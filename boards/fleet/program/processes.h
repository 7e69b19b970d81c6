// SPDX-License-Identifier: Apache-2.0
// The processes that take part in a run, as /proc tells of them: the hub's and its brokers', which the hub's data
// folder names, and the fleet's own. Looked for anew each time, since a broker may be replaced. Any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "boards/fleet/history/record.h"

namespace latchkey::boards::fleet::program {

using Named = std::pair<std::string, pid_t>;

// "hub process" and "NAME broker" for each of its brokers. Whoever cannot be found is left out.
std::vector<Named> processes_of_hub(const std::filesystem::path& data);

// Those of them that live, in that order.
std::vector<history::Process> look_at(const std::vector<Named>& processes);

}  // namespace latchkey::boards::fleet::program
