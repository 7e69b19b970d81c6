// SPDX-License-Identifier: Apache-2.0
// `latchkey node list|drain|remove`: the nodes on a registry, seen and told from anywhere that reaches it, whether or
// not one of them answers.
#pragma once

#include "hub/cli/cli.h"

namespace latchkey::hub::app {

cli::LocalVerb node_verb();

}  // namespace latchkey::hub::app
