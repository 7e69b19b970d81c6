// SPDX-License-Identifier: Apache-2.0
// Profiles whose certificates are to be renewed, over all accounts and subscriptions: for the signing service.
#pragma once

#include <vector>

#include "registry/signing/accounts.h"

namespace latchkey::registry::signing {

// Those with the status Active; whether account and validation allow it is the caller's to see.
Outcome<std::vector<PlacedProfile>> active_profiles(RowKeeper& rows);

}  // namespace latchkey::registry::signing
