// SPDX-License-Identifier: Apache-2.0
// Principals: callers that show a token. The token stands in the answer that makes it, and nowhere else.
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/role_shapes.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/token.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kUsualLifetime = 30 * 24 * 60 * kMinute;
constexpr std::int64_t kLongestLifetime = 2 * 365 * 24 * 60 * kMinute;  // as Azure's portal allows for client secrets

json shape(const Context& context, const registry::roles::Principal& principal) {
  return principal_json(principal, context.call.now);
}

Answer<std::int64_t> lifetime_of(const std::string& body) {
  LATCHKEY_TRY(reader, Reader::parse(body));
  auto properties = reader->root().object("properties");
  const auto seconds = properties.integer("lifetimeSeconds").value_or(kUsualLifetime);
  if (seconds < kMinute || seconds > kLongestLifetime) {
    properties.refuse(Reason::kInvalidArgument, "must be from 60 to " + std::to_string(kLongestLifetime),
                      "lifetimeSeconds");
  }
  LATCHKEY_TRY_VOID(reader->finish());
  return seconds;
}

}  // namespace

Answer<Response> list_principals(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_principals());
  json value = json::array();
  for (const auto& principal : list) value.push_back(shape(context, principal));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_principal(const Context& context) {
  LATCHKEY_TRY(principal, context.registry().find_principal(context.names[0]));
  return answer(200, shape(context, principal));
}

Answer<Response> create_principal(const Context& context) {
  LATCHKEY_TRY(lifetime, lifetime_of(context.body));
  const auto token = new_token();
  const auto digest = token_digest(token);
  if (!digest) return fault(Reason::kInternal, "the token could not be digested");
  LATCHKEY_TRY(made, context.registry().create_principal(
                         context.call, {context.names[0], *digest, context.call.now + lifetime * 1000}));
  auto body = shape(context, made.value);
  body["properties"]["token"] = token;
  return answer(201, body);
}

Answer<Response> revoke_principal(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(revoked, context.registry().revoke_principal(context.call, context.names[0]));
  return answer(200, shape(context, revoked.value));
}

Answer<Response> delete_principal(const Context& context) {
  LATCHKEY_TRY_VOID(context.registry().delete_principal(context.call, context.names[0]));
  return no_content();
}

}  // namespace latchkey::hub::management
