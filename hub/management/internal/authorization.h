// SPDX-License-Identifier: Apache-2.0
// Whether a caller may take a route. The owner of the data folder, on the Unix socket, may take every one; a principal
// those that its roles allow over the resource at hand; anybody else none.
#pragma once

#include <optional>

#include "hub/management/internal/needs.h"
#include "hub/management/internal/resource_id.h"
#include "hub/management/request.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::management {

struct Question {
  const Needs& needs;
  std::string resource;
};

// Nothing: go on. kUnauthorized: its roles do not allow it; the detail names principal, action and scope, as Azure
// Resource Manager does. kNoCredential, kTokenInvalid, kTokenExpired: the caller is nobody (any more).
std::optional<registry::Refusal> refused(registry::Registry& registry, registry::roles::Parity parity,
                                         const Caller& caller, UnixMs now, const Question& question);

}  // namespace latchkey::hub::management
