// SPDX-License-Identifier: Apache-2.0
// Principals, role definitions and role assignments: who, may do what, where. They follow Azure's role-based access
// control; a principal is a caller that shows a token, as a service principal shows one in Azure.
#pragma once

#include <string>
#include <vector>

#include "platform/base/ids.h"
#include "platform/ports/digest.h"

namespace latchkey::registry::roles {

struct RoleDefinition {
  Uuid id;
  std::string name;  // compares without regard to case
  std::string description;
  bool built_in = false;
  // Patterns (action.h). What the second and fourth name is taken from the first and third of this role alone: another
  // role may still allow it.
  std::vector<std::string> actions;
  std::vector<std::string> not_actions;
  std::vector<std::string> data_actions;
  std::vector<std::string> not_data_actions;
  std::vector<std::string> assignable_scopes;  // it can be assigned at these and below
  UnixMs created = 0;                          // 0: built in
};

// A name and the digest of the one token that proves it. The token itself is nowhere.
struct Principal {
  Uuid id;
  std::string name;  // compares without regard to case
  ports::Sha256 digest{};
  UnixMs created = 0;
  UnixMs expires = 0;  // from then on the token proves nothing
  UnixMs revoked = 0;  // 0: it was not

  bool usable(UnixMs now) const { return revoked == 0 && now < expires; }
};

struct RoleAssignment {
  Uuid id;
  Uuid principal;
  Uuid role;
  std::string scope;  // scope.h
  UnixMs created = 0;
};

// Whose token has that digest; nullptr when nobody's. Compares with every one of them, each in constant time, so that
// how long it takes says nothing of how near a guess came.
const Principal* bearer_of(const std::vector<Principal>& principals, const ports::Sha256& digest);

}  // namespace latchkey::registry::roles
