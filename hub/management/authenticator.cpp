// SPDX-License-Identifier: Apache-2.0
#include "hub/management/authenticator.h"

#include "hub/management/internal/answer.h"
#include "hub/management/internal/token.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using registry::Reason;
using registry::Refusal;
using registry::refuse;

namespace {

// The token of "Bearer TOKEN": the scheme in any case, one or more spaces (RFC 9110 section 11.4). Empty when it is
// something else.
std::string_view token_in(std::string_view field) {
  constexpr std::string_view kScheme = "bearer";
  if (field.size() <= kScheme.size() || field[kScheme.size()] != ' ') return {};
  if (!registry::roles::same_text(field.substr(0, kScheme.size()), kScheme)) return {};
  field.remove_prefix(kScheme.size());
  while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
  while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
  return field;
}

// What Azure Resource Manager calls them; RFC 6750 section 3.1 knows one word for the last two.
struct Challenge {
  Reason reason;
  std::string_view code;
  std::string_view challenge;
};
constexpr Challenge kChallenges[] = {
    {Reason::kNoCredential, "AuthenticationFailed", R"(Bearer realm="latchkey")"},
    {Reason::kTokenInvalid, "InvalidAuthenticationToken", R"(Bearer realm="latchkey", error="invalid_token")"},
    {Reason::kTokenExpired, "ExpiredAuthenticationToken", R"(Bearer realm="latchkey", error="invalid_token")"},
};

}  // namespace

std::optional<Refusal> unusable_token(const registry::roles::Principal& principal, UnixMs now) {
  if (principal.revoked != 0) return Refusal{Reason::kTokenInvalid, "the access token was revoked"};
  if (!principal.usable(now)) return Refusal{Reason::kTokenExpired, "the access token has expired"};
  return std::nullopt;
}

registry::Outcome<Caller> Authenticator::authenticate(std::string_view field, const std::string& source) const {
  if (field.empty()) return refuse(Reason::kNoCredential, "the request has no Authorization field");
  const auto digest = token_digest(token_in(field));
  if (!digest) return refuse(Reason::kTokenInvalid, "the access token is malformed");
  LATCHKEY_TRY(principals, registry_.list_principals());
  const auto* bearer = registry::roles::bearer_of(principals, *digest);
  if (!bearer) return refuse(Reason::kTokenInvalid, "the access token is not one of this hub's");
  const auto caller = Caller::by_token(bearer->id, bearer->name, source);
  const auto now = clock_.now();
  if (const auto unusable = unusable_token(*bearer, now)) {
    registry::Call call{caller.actor(), now};
    call.source = source;
    (void)registry_.audit(call, "management.authenticate", "principals/" + bearer->name,
                          std::string(registry::to_string(unusable->reason)), unusable->detail);
    return tl::unexpected<Refusal>(*unusable);
  }
  return caller;
}

Response unauthenticated(const Refusal& refusal) {
  for (const auto& known : kChallenges) {
    if (known.reason != refusal.reason) continue;
    auto response = http_error(401, std::string(known.code), refusal.detail);
    response.challenge = std::string(known.challenge);
    return response;
  }
  return error_answer(Fault(refusal));
}

}  // namespace latchkey::hub::management
