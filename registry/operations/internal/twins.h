// SPDX-License-Identifier: Apache-2.0
// The rule of every write to a twin.
#pragma once

#include "registry/operations/registry.h"
#include "registry/store/sql.h"

namespace latchkey::registry {

// kPreconditionFailed unless device and version are those that `before` was read with.
Outcome<Nothing> store_twin(store::Database& db, const Device& device, const Twin& before, const Twin& twin,
                            UnixMs now);

}  // namespace latchkey::registry
