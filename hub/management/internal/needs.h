// SPDX-License-Identifier: Apache-2.0
// What a caller has to be allowed before a route's handler runs.
#pragma once

#include <cstdint>
#include <string_view>

#include "registry/roles/action.h"

namespace latchkey::hub::management {

// Over which resource the action has to be allowed.
enum class Over : std::uint8_t {
  kPath,          // what the path names (internal/resource_id.h)
  kScopeAsked,    // the query's `scope`; everything when it names none
  kSubscription,  // roles are defined for a whole subscription
  kEverything,    // principals are not of one subscription, and whoever deletes one deletes its roles everywhere
};

// There is no default, and no way to make one without an action: a route that names none does not compile, so nothing
// is open because somebody forgot.
class Needs {
 public:
  consteval Needs(registry::roles::Plane plane, std::string_view action, Over over = Over::kPath)
      : action_{action, plane}, over_(over) {
    if (!registry::roles::names_action(action)) throw "a route needs a whole action, without wildcards";
  }
  const registry::roles::Action& action() const { return action_; }
  Over over() const { return over_; }

 private:
  registry::roles::Action action_;
  Over over_;
};

consteval Needs control(std::string_view action, Over over = Over::kPath) {
  return {registry::roles::Plane::kControl, action, over};
}
consteval Needs data(std::string_view action) { return {registry::roles::Plane::kData, action}; }

}  // namespace latchkey::hub::management
