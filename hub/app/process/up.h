// SPDX-License-Identifier: Apache-2.0
// `latchkey up`: a hub process with its two brokers, until a signal ends it.
#pragma once

#include "hub/cli/cli.h"

namespace latchkey::hub::app {

// SIGINT, SIGTERM and SIGHUP end it at any time, also while it starts up: brokers are stopped before it returns.
// Exit status: 0 after such an end, whether or not it had come up by then; 2 for bad options or a folder that cannot be
// used, 5 when another hub holds the folder, 1 when something failed.
cli::LocalVerb up_verb();

}  // namespace latchkey::hub::app
