// SPDX-License-Identifier: Apache-2.0
// `latchkey up`: a hub process with its two brokers, until a signal ends it.
#pragma once

#include "hub/cli/cli.h"

namespace latchkey::hub::app {

// Exit status: 0 after a clean stop, 2 for bad options or a folder that cannot be used, 5 when another hub holds the
// folder, 1 when something failed.
cli::LocalVerb up_verb();

}  // namespace latchkey::hub::app
