// SPDX-License-Identifier: Apache-2.0
// A worker process: takes its job from standard input, lives its devices' lives, tells its counters on standard output.
#pragma once

namespace latchkey::boards::fleet::program {

// The exit status: 0 when the run was ended by word, 1 when it could not begin or broke.
int run_worker();

}  // namespace latchkey::boards::fleet::program
