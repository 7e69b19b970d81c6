// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/authorization.h"

#include "hub/management/authenticator.h"
#include "hub/management/internal/text.h"

namespace latchkey::hub::management {

using registry::Reason;
using registry::Refusal;

namespace {

// In Azure Resource Manager's words: scripts look for the action in them.
Refusal not_allowed(const registry::roles::Principal& principal, const Question& question) {
  return {Reason::kUnauthorized, "The client '" + principal.name + "' with object id '" + uuid_text(principal.id) +
                                     "' does not have authorization to perform action '" +
                                     std::string(question.needs.action().name) + "' over scope '" + question.resource +
                                     "' or the scope is invalid."};
}

}  // namespace

std::optional<Refusal> refused(registry::Registry& registry, registry::roles::Parity parity, const Caller& caller,
                               UnixMs now, const Question& question) {
  if (caller.kind == Caller::Kind::kOwner) return std::nullopt;
  if (caller.kind != Caller::Kind::kPrincipal) {
    return Refusal{Reason::kNoCredential, "this request names nobody who may make it"};
  }
  // Read for each request: what was revoked or taken away a moment ago counts.
  const auto rights = registry.rights_of(caller.principal);
  if (!rights && rights.error().reason != Reason::kNotFound) return rights.error();
  if (!rights) return Refusal{Reason::kTokenInvalid, "the principal of this token is gone"};
  if (auto unusable = unusable_token(rights->principal, now)) return unusable;
  if (registry::roles::allowed(rights->grants, question.needs.action(), question.resource, parity)) {
    return std::nullopt;
  }
  return not_allowed(rights->principal, question);
}

}  // namespace latchkey::hub::management
