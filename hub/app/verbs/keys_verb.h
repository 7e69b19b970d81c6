// SPDX-License-Identifier: Apache-2.0
// `latchkey keys new FILE`: makes a node key.
#pragma once

#include "hub/cli/cli.h"

namespace latchkey::hub::app {

cli::LocalVerb keys_new_verb();

}  // namespace latchkey::hub::app
