// SPDX-License-Identifier: Apache-2.0
// From a request to its handler and back: route, the caller's roles, query, api-version, error envelope, audit of what
// never got as far as the registry (which audits its own refusals).
#include "hub/management/management.h"

#include <charconv>
#include <mutex>

#include "hub/management/authenticator.h"
#include "hub/management/internal/actions.h"
#include "hub/management/internal/authorization.h"
#include "hub/management/internal/etags.h"
#include "hub/management/internal/face.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/operations.h"
#include "hub/management/internal/router.h"
#include "hub/management/internal/throttles.h"
#include "hub/management/internal/what_if.h"
#include "platform/base/percent.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using registry::Reason;

namespace {

constexpr std::size_t kPathAudited = 200;

}  // namespace

struct Management::State {
  Parts parts;
  Place place;
  std::mutex ca_acts;
  Throttles throttles{parts.quotas};

  registry::Call call(const Caller& caller) const {
    registry::Call made{caller.actor(), parts.clock.now()};
    made.source = caller.source;
    return made;
  }
  Question question_of(const Match& match, const Request& request, UnixMs now) const;
  void audit_unseen(const Request& request, const registry::Call& call, const registry::Refusal& refusal) const;
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
  auto text = query_value("$top");
  if (!text) text = query_value("top");
  if (!text) return usual;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < 1 || number > most) {
    return fault(Reason::kMalformedRequest, "'top' must be a whole number from 1 to " + std::to_string(most), "top");
  }
  return number;
}

std::string Context::link(const std::string& more) const {
  const auto version = query_value("api-version");
  std::string link = (request ? request->base + request->path : std::string()) + "?";
  if (version) link += "api-version=" + percent_encode(*version) + "&";
  return link + more;
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
  LATCHKEY_TRY_VOID(check_api_version(context.face, route, context.query_value("api-version")));
  LATCHKEY_TRY_VOID(admit_route(context, route));
  LATCHKEY_TRY(etags, etags_in(request.if_match));
  context.call.if_match = std::move(etags);
  if (request.method != Method::kGet) context.call.labels.emplace();  // who did it, for systemData
  const bool takes_body = request.method != Method::kGet && request.method != Method::kDelete;
  if (!takes_body && !request.body.empty()) {
    return fault(Reason::kMalformedRequest, "this request takes no body");
  }
  LATCHKEY_TRY(forecast, what_if_wanted(context, route));
  return forecast ? what_if(context, route.handler) : route.handler(context);
}

}  // namespace

// Who may do what an operation did may ask after it.
Question Management::State::question_of(const Match& match, const Request& request, UnixMs now) const {
  const auto handler = match.route->handler;
  if (handler == show_operation_status || handler == show_operation_result) {
    if (auto it = begun(parts.registry, match.names[0], now)) return {it->route->needs, std::move(it->resource)};
  }
  return {match.route->needs, resource_of(place, match, request.query)};
}

// What the registry never saw, and so did not audit. Is the record not written, the answer is the same: nothing was
// done.
void Management::State::audit_unseen(const Request& request, const registry::Call& call,
                                     const registry::Refusal& refusal) const {
  if (request.method == Method::kGet || registry::faces(refusal.reason).http_status != 400) return;
  if (refusal.reason != Reason::kMalformedRequest && refusal.reason != Reason::kImmutableProperty &&
      refusal.reason != Reason::kUnsupportedApiVersion && refusal.reason != Reason::kNotSupported) {
    return;
  }
  (void)parts.registry.audit(call, "request", request.path.substr(0, kPathAudited),
                             std::string(registry::to_string(refusal.reason)), refusal.detail);
}

Response Management::handle(const Request& request) {
  const registry::Call call = state_->call(request.caller);
  auto located = locate(state_->place, request);
  if (located.nowhere) return std::move(*located.nowhere);
  auto& match = located.match;
  if (!match.route) {
    auto response =
        http_error(405, "MethodNotAllowed", "this path does not know that method; it knows " + match.allowed);
    response.fields.emplace_back("Allow", match.allowed);
    return response;
  }
  const auto question = state_->question_of(match, request, call.now);
  const bool forecast = asks_what_if(*match.route, request.query);
  auto no = refused(state_->parts.registry, state_->parts.parity, request.caller, call.now, question);
  if (!no && forecast) {  // it names devices
    no = refused(state_->parts.registry, state_->parts.parity, request.caller, call.now,
                 {kReadDevice, question.resource});
  }
  if (no) {
    (void)state_->parts.registry.audit(call, "request", request.path.substr(0, kPathAudited),
                                       std::string(registry::to_string(no->reason)), no->detail);
    return unauthenticated(*no);
  }
  const auto place = place_of(state_->place, match.segments);
  Context context{state_->parts,    state_->ca_acts, call,         request.body, match.names,       {},
                  request.if_match, place,           located.face, &request,     &state_->throttles};
  auto outcome = run(*match.route, context, request);
  if (!outcome) state_->audit_unseen(request, call, outcome.error().refusal);
  if (located.face == Face::kArm && !forecast)
    return as_operation(context, located, question.resource, std::move(outcome));
  if (outcome) return std::move(*outcome);
  return worded(located.face, *match.route, outcome.error(), place, question.resource, call.now);
}

void Management::peer_refused(const Caller& caller) {
  (void)state_->parts.registry.audit(state_->call(caller), "management.connect", "management",
                                     std::string(registry::to_string(Reason::kUnauthorized)),
                                     "only the owner of the data folder may manage it");
}

}  // namespace latchkey::hub::management
