// SPDX-License-Identifier: Apache-2.0
// `latchkey fleet ...`: hands over to the program latchkey-fleet, which lies beside this one and knows what follows.
#pragma once

#include "hub/cli/cli.h"

namespace latchkey::hub::app {

cli::LocalVerb fleet_verb();

}  // namespace latchkey::hub::app
