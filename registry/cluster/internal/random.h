// SPDX-License-Identifier: Apache-2.0
// Ids that nobody else makes.
#pragma once

#include "platform/base/ids.h"

namespace latchkey::registry::cluster {

// As registry/operations does: a kernel without randomness is not one that we run on.
Uuid random_uuid();

}  // namespace latchkey::registry::cluster
