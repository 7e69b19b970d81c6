// SPDX-License-Identifier: Apache-2.0
// latchkey-agent, composed: options, ports of this machine, the loop. One thread drives; see event_queue.h.
#pragma once

#include "boards/host/options.h"

namespace latchkey::boards::host {

// It is to be started again: a new image runs from then on. main() does so; an exit status only if that fails.
inline constexpr int kStartAgain = 75;

// Runs until SIGINT or SIGTERM. Returns the exit status: 0 after a clean stop, 2 for a mistake of configuration, or
// kStartAgain.
int run_agent(const Options& options);

}  // namespace latchkey::boards::host
