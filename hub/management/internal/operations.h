// SPDX-License-Identifier: Apache-2.0
// Long-running operations, on the face of Azure Resource Manager. An act runs to its end before it is answered, so that
// a refusal is told at once; its answer all the same says "accepted", and what came of it is kept for a day, for
// whoever asks after it.
//
//   PUT               201 or 200 with the resource, provisioningState Accepted; Azure-AsyncOperation, Retry-After
//   DELETE            202, Location; finally 204. 204 at once when there was nothing
//   POST synchronize  202, Location; finally 200 without content
//   POST revokeIssuer, activateBringYourOwnRoot   202, Location; finally 204
//   POST revoke       202, Location; finally 200 {"result":"Succeeded"} or {"result":"Failed","error"}
//
// An act that was committed but not confirmed by every gate in time is an operation that failed, with the code
// EnforcementTimeout.
#pragma once

#include <string>

#include "hub/management/internal/face.h"
#include "hub/management/internal/handlers.h"

namespace latchkey::hub::management {

enum class Ends : std::uint8_t {
  kAtOnce,        // no operation
  kWithResource,  // PUT
  kWithNothing,   // 204
  kWithoutBody,   // 200
  kWithResult,
};
Ends ends_of(const Route& route);

// What the face says to that outcome of the handler. `resource`: its id.
Response as_operation(const Context& context, const Located& located, const std::string& resource,
                      Answer<Response> outcome);

// Whose operation it is: the route that began it, and over which resource. Nothing when nobody knows it.
struct Begun {
  const Route* route = nullptr;
  std::string resource;
};
std::optional<Begun> begun(registry::Registry& registry, const std::string& id, UnixMs now);

}  // namespace latchkey::hub::management
