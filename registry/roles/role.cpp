// SPDX-License-Identifier: Apache-2.0
#include "registry/roles/role.h"

#include "platform/base/bytes.h"

namespace latchkey::registry::roles {

const Principal* bearer_of(const std::vector<Principal>& principals, const ports::Sha256& digest) {
  const Principal* found = nullptr;
  for (const auto& principal : principals) {
    if (constant_time_equal(principal.digest, digest)) found = &principal;
  }
  return found;
}

}  // namespace latchkey::registry::roles
