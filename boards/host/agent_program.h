// SPDX-License-Identifier: Apache-2.0
// latchkey-agent, composed: options, ports of this machine, the loop. One thread drives; see event_queue.h.
#pragma once

#include "boards/host/options.h"

namespace latchkey::boards::host {

// Runs until SIGINT or SIGTERM. Returns the exit status: 0 after a clean stop, 2 for a mistake of configuration.
int run_agent(const Options& options);

}  // namespace latchkey::boards::host
