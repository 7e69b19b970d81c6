// SPDX-License-Identifier: Apache-2.0
// Certificates that are nobody's own, and whose end stops many: root and issuing CAs, the roots of customers' CAs,
// those that devices prove themselves with to provisioning, and the hub's own server certificate.
#pragma once

#include <string>
#include <vector>

#include "hub/management/internal/handlers.h"
#include "registry/operations/expiry.h"

namespace latchkey::hub::management {

struct Authority {
  // "root", "issuing", "customerRoot" (of a policy with a root of its own), "enrollmentGroup", "enrollment", "server"
  const char* kind = "";
  std::string name;  // of the CA, the enrollment or the file
  std::string subject;
  std::string ns = {};
  std::string policy = {};
  std::string hub = {};  // that trusts a CA whose policy is gone
  UnixMs not_after = 0;
};

// Those that end at `until` or before, also those that have; of the scope, where they are of a namespace, a policy or a
// hub. CAs that sign nothing any more count as long as a hub trusts them.
Answer<std::vector<Authority>> authorities_ending(const Context& context, const registry::ExpiryScope& scope,
                                                  UnixMs until);

}  // namespace latchkey::hub::management
