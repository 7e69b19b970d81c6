// SPDX-License-Identifier: Apache-2.0
// A store as it is named on the command line.
#pragma once

#include <string>

#include "registry/model/refusal.h"

namespace latchkey::hub::app {

inline constexpr const char* kStoreVariable = "LATCHKEY_STORE";

// kInvalidArgument: a URL with a password in it, which everybody on the machine can read in the list of processes. In
// the environment variable it may stand.
registry::Outcome<registry::Nothing> check_store_argument(const std::string& location);

}  // namespace latchkey::hub::app
