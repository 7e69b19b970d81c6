// SPDX-License-Identifier: Apache-2.0
// What a registry holds no more of. By itself it has no such limits: they would only get in the way. Those of the real
// service's preview are put on by `latchkey up --parity azure-preview` (docs/parity.md).
#pragma once

#include <cstdint>
#include <optional>

namespace latchkey::registry {

struct Limits {
  std::optional<std::uint64_t> policies_a_credential = {};  // kPolicyLimitReached; nothing: without limit
  std::optional<std::uint64_t> devices_a_namespace = {};    // kDeviceLimitReached; nothing: without limit
  bool usual_validity = false;                              // leaves live 7 to 90 days in rehearsals as well
};

}  // namespace latchkey::registry
