// SPDX-License-Identifier: Apache-2.0
// `latchkey db status|migrate|copy`: the database of a registry itself, with no hub in between (docs/postgresql.md).
#pragma once

#include "hub/cli/cli.h"

namespace latchkey::hub::app {

cli::LocalVerb db_verb();

}  // namespace latchkey::hub::app
