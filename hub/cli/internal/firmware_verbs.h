// SPDX-License-Identifier: Apache-2.0
// The verbs of firmware campaigns: rows of the table of verbs. Options of theirs have a name without a dash, too, which
// lets the value stand without any.
#pragma once

#include <vector>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

std::vector<Verb> firmware_verbs();

}  // namespace latchkey::hub::cli
