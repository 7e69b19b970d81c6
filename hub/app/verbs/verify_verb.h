// SPDX-License-Identifier: Apache-2.0
// `latchkey verify FILE`: is this signed file valid, since when not, and why (docs/signing.md). Needs no hub.
#pragma once

#include "hub/cli/cli.h"

namespace latchkey::hub::app {

cli::LocalVerb verify_verb();

}  // namespace latchkey::hub::app
