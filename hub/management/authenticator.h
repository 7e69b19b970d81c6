// SPDX-License-Identifier: Apache-2.0
// Who shows a bearer token (RFC 6750), for listeners whose peers are not known otherwise.
//
//   const auto caller = authenticator.authenticate(request.field("authorization"), request.peer.address);
//   if (!caller) return unauthenticated(caller.error());          // 401 with WWW-Authenticate
//   return management.handle({..., *caller});
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/management/request.h"
#include "platform/ports/clock.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::management {

// Threads: any. Registry and clock outlive it.
class Authenticator {
 public:
  Authenticator(registry::Registry& registry, const ports::Clock& clock) : registry_(registry), clock_(clock) {}

  // `field`: the value of the Authorization field, empty when there is none. `source`: from where, for the audit.
  // kNoCredential: no field. kTokenInvalid: not a bearer token, or none of this hub's, or revoked. kTokenExpired. What
  // a known principal shows in vain is audited; unknown tokens are not: anybody could fill the audit with them.
  registry::Outcome<Caller> authenticate(std::string_view field, const std::string& source) const;

 private:
  registry::Registry& registry_;
  const ports::Clock& clock_;
};

// Why a principal's token proves nothing now; nothing when it does.
std::optional<registry::Refusal> unusable_token(const registry::roles::Principal& principal, UnixMs now);

// 401 for one of authenticate()'s refusals, with the challenge that belongs to it; the usual answer for any other.
Response unauthenticated(const registry::Refusal& refusal);

}  // namespace latchkey::hub::management
