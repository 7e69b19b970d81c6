// SPDX-License-Identifier: Apache-2.0
// A listening socket in the file system that only its owner can reach.
#pragma once

#include <string>

#include "registry/model/refusal.h"

namespace latchkey::hub::http::internal {

// The descriptor; refusals as in Server::listen_unix.
registry::Outcome<int> listen_at(const std::string& path);

}  // namespace latchkey::hub::http::internal
