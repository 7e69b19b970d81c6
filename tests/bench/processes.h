// SPDX-License-Identifier: Apache-2.0
// What the processes of a hub use, by proc(5).
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/support/hub.h"

namespace latchkey::bench {

// CPU seconds of a process, all threads that live.
double cpu_seconds(pid_t process);
// Its resident memory in megabytes.
double rss_mb(pid_t process);

// The broker at the endpoint "hub" or "dps" of a hub that is up. Throws std::runtime_error when there is none.
pid_t broker_of(tests::Hub& hub, const std::string& endpoint);

}  // namespace latchkey::bench
