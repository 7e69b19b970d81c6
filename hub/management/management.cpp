// SPDX-License-Identifier: Apache-2.0
// From a request to its handler and back: route, the caller's roles, query, api-version, error envelope, audit of what
// never got as far as the registry (which audits its own refusals).
#include "hub/management/management.h"

#include <charconv>
#include <mutex>

#include "hub/management/authenticator.h"
#include "hub/management/internal/authorization.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/router.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using registry::Reason;

namespace {

// The generations of the real service's API whose shapes these are; none given means the newer one.
constexpr std::string_view kApiVersions[] = {"2026-03-01-preview", "2025-11-01-preview"};
constexpr std::size_t kPathAudited = 200;

bool known_version(std::string_view text) {
  for (const auto version : kApiVersions) {
    if (text == version) return true;
  }
  return false;
}

}  // namespace

struct Management::State {
  Parts parts;
  Place place;
  std::mutex ca_acts;

  registry::Call call(const Caller& caller) const {
    registry::Call made{caller.actor(), parts.clock.now()};
    made.source = caller.source;
    return made;
  }
};

// Without a subscription, which a registry has from its first opening on, no scope but "/" covers anything.
Management::Management(const Parts& parts) : state_(new State{parts, {}, {}}) {
  const auto subscription = parts.registry.setting(std::string(registry::kSubscriptionSetting));
  if (subscription && *subscription) state_->place.subscription = **subscription;
}
Management::~Management() = default;

std::optional<std::string> Context::query_value(const std::string& name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Answer<std::size_t> Context::top(std::size_t usual, std::size_t most) const {
  const auto text = query_value("top");
  if (!text) return usual;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < 1 || number > most) {
    return fault(Reason::kMalformedRequest, "'top' must be a whole number from 1 to " + std::to_string(most), "top");
  }
  return number;
}

namespace {

std::string resource_of(const Place& place, const Match& match, const std::string& query) {
  switch (match.route->needs.over()) {
    case Over::kPath: return resource_id(place, match.segments);
    case Over::kSubscription: return subscription_id(place);
    case Over::kEverything: break;
    case Over::kScopeAsked: {
      const auto values = parse_query(query, match.route->queries);
      if (!values) break;  // refused in words later on, to those who may ask for everything
      for (const auto& [name, value] : *values) {
        if (name == "scope") return full_scope(place, value).value_or(std::string(registry::roles::kEverything));
      }
      break;
    }
  }
  return std::string(registry::roles::kEverything);
}

Answer<Response> run(const Route& route, Context& context, const Request& request) {
  LATCHKEY_TRY(query, parse_query(request.query, route.queries));
  context.query = std::move(query);
  const auto version = context.query_value("api-version");
  if (version && !known_version(*version)) {
    return fault(Reason::kUnsupportedApiVersion,
                 "the api-version '" + version->substr(0, 64) + "' is not supported; use " +
                     std::string(kApiVersions[0]) + " or " + std::string(kApiVersions[1]),
                 "api-version");
  }
  const bool takes_body = request.method != Method::kGet && request.method != Method::kDelete;
  if (!takes_body && !request.body.empty()) {
    return fault(Reason::kMalformedRequest, "this request takes no body");
  }
  return route.handler(context);
}

}  // namespace

Response Management::handle(const Request& request) {
  const registry::Call call = state_->call(request.caller);
  auto match = find_route(request.method, request.path);
  if (!match.path_known) return http_error(404, "ResourceNotFound", "there is no such path");
  if (!match.route) {
    return http_error(405, "MethodNotAllowed", "this path does not know that method; it knows " + match.allowed);
  }
  const Question question{match.route->needs, resource_of(state_->place, match, request.query)};
  const auto no = refused(state_->parts.registry, state_->parts.parity, request.caller, call.now, question);
  if (no) {
    (void)state_->parts.registry.audit(call, "request", request.path.substr(0, kPathAudited),
                                       std::string(registry::to_string(no->reason)), no->detail);
    return unauthenticated(*no);
  }
  Context context{state_->parts,    state_->ca_acts, call, request.body, std::move(match.names), {},
                  request.if_match, state_->place};
  auto response = run(*match.route, context, request);
  if (response) return std::move(*response);
  const auto& refusal = response.error().refusal;
  if (request.method != Method::kGet && registry::faces(refusal.reason).http_status == 400 &&
      (refusal.reason == Reason::kMalformedRequest || refusal.reason == Reason::kImmutableProperty ||
       refusal.reason == Reason::kUnsupportedApiVersion)) {
    // The registry never saw this attempt. Is the record not written, the answer is the same: nothing was done.
    (void)state_->parts.registry.audit(call, "request", request.path.substr(0, kPathAudited),
                                       std::string(registry::to_string(refusal.reason)), refusal.detail);
  }
  return error_answer(response.error());
}

void Management::peer_refused(const Caller& caller) {
  (void)state_->parts.registry.audit(state_->call(caller), "management.connect", "management",
                                     std::string(registry::to_string(Reason::kUnauthorized)),
                                     "only the owner of the data folder may manage it");
}

}  // namespace latchkey::hub::management
