// SPDX-License-Identifier: Apache-2.0
// Why something is revoked, as a member of a request's body.
#pragma once

#include <string>

#include "hub/management/internal/reader.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::management {

// `call`, with the reason in the body's member "reason" if there is one: a name of RFC 5280 section 5.3.1,
// "keyCompromise". Another is refused by the reader.
inline registry::Call with_reason(registry::Call call, Fields body) {
  const auto text = body.text("reason");
  if (!text) return call;
  call.reason = registry::parse_revocation_reason(*text);
  if (!call.reason) {
    body.refuse(registry::Reason::kInvalidArgument,
                "is not a reason; there are unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, "
                "cessationOfOperation and privilegeWithdrawn",
                "reason");
  }
  return call;
}

}  // namespace latchkey::hub::management
