// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/operations.h"

#include <nlohmann/json.hpp>

#include "hub/management/internal/envelope.h"
#include "hub/management/internal/text.h"
#include "hub/text/json.h"
#include "platform/base/percent.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr UnixMs kKeptMs = 24LL * 60 * 60 * 1000;
constexpr const char* kRetryAfterS = "1";
constexpr int kFailedStatus = 409;  // of a failed operation's result; clients take 5xx for a reason to ask again

std::string monitor(const Context& context, const std::string& location, const char* kind, const std::string& id) {
  return subscription_id(context.place) + "/providers/Microsoft.DeviceRegistry/locations/" + percent_encode(location) +
         "/" + kind + "/" + percent_encode(id);
}

std::string address(const Context& context, const std::string& location, const char* kind, const std::string& id) {
  const auto version = context.query_value("api-version").value_or("");
  return context.request->base + monitor(context, location, kind, id) + "?api-version=" + percent_encode(version);
}

json final_answer(Ends ends, const json& error) {
  if (ends == Ends::kWithResult) {
    json body = {{"result", error.is_null() ? "Succeeded" : "Failed"}};
    if (!error.is_null()) body["error"] = error;
    return {{"status", 200}, {"body", std::move(body)}};
  }
  if (!error.is_null()) return {{"status", kFailedStatus}, {"body", {{"error", error}}}};
  return {{"status", ends == Ends::kWithoutBody || ends == Ends::kWithResource ? 200 : 204}};
}

// The resource as it stands: what a PUT that was not confirmed in time would have shown.
json shown_now(const Context& context, const Located& located) {
  const auto match = find_route(Method::kGet, located.match.segments);
  if (!match.route) return json::object();
  const auto response = match.route->handler(context);
  return response ? json::parse(response->body, nullptr, false) : json::object();
}

Response accepted(const Context& context, const Located& located, const std::string& id, Ends ends,
                  const Answer<Response>& outcome) {
  const std::string location = located.location.empty() ? std::string(kUsualLocation) : located.location;
  Response response{202, {}};
  if (ends == Ends::kWithResource) {
    json body = outcome ? json::parse(outcome->body, nullptr, false) : shown_now(context, located);
    body["properties"]["provisioningState"] = "Accepted";
    response = answer(outcome ? outcome->status : 201, body);
    if (outcome) response.etag = outcome->etag;
    if (outcome) response.fields = outcome->fields;
  } else {
    response.fields.emplace_back("Location", address(context, location, "operationResults", id));
  }
  response.fields.emplace_back("Azure-AsyncOperation", address(context, location, "operationStatuses", id));
  response.fields.emplace_back("Retry-After", kRetryAfterS);
  return response;
}

json pace_of(const Context& context, const Located& located, const std::string& resource, json& error) {
  if (!context.parts.pace) return json::object();
  const auto pace = context.parts.pace->begin(located.match.route->needs.action().name, resource);
  if (pace.failure && error.is_null()) {
    error = {{"code", registry::faces(pace.failure->reason).arm_code}, {"message", pace.failure->detail}};
  }
  return {{"readyAt", context.call.now + pace.after_ms}, {"polls", pace.polls}};
}

struct Record {
  json document;
  bool running = false;
};

// Where it says that it still runs, one poll fewer is left from now on.
Answer<Record> asked_after(const Context& context) {
  const auto& id = context.names[0];
  LATCHKEY_TRY(act, context.registry().find_act(id, context.call.now));
  Record record{json::parse(act.body, nullptr, false), false};
  auto& document = record.document;
  if (!document.is_object()) return fault(Reason::kInternal, "the operation's record is damaged");
  const auto polls = document.value("polls", 0u);
  const auto* pace = context.parts.pace;
  const bool held = pace && context.parts.pace->held(document.value("action", ""), document.value("resource", ""));
  record.running = held || polls > 0 || document.value("readyAt", UnixMs{0}) > context.call.now;
  if (polls > 0) {
    document["polls"] = polls - 1;
    act.body = text::dump(document);
    LATCHKEY_TRY_VOID(context.registry().put_act(act, context.call.now));
  }
  return record;
}

}  // namespace

Ends ends_of(const Route& route) {
  const auto& pattern = route.pattern;
  if (pattern == "/resourceGroups/{}") return route.method == Method::kDelete ? Ends::kWithNothing : Ends::kAtOnce;
  if (pattern.ends_with("/codeSigningAccounts/{}") || pattern.ends_with("/certificateProfiles/{}")) {
    if (route.method == Method::kPut) return Ends::kWithResource;
    return route.method == Method::kDelete ? Ends::kWithNothing : Ends::kAtOnce;
  }
  if (!pattern.starts_with("/namespaces/")) return Ends::kAtOnce;
  if (route.method == Method::kPut) return Ends::kWithResource;
  if (route.method == Method::kDelete) return Ends::kWithNothing;
  if (route.method != Method::kPost) return Ends::kAtOnce;
  if (pattern.ends_with("/synchronize")) return Ends::kWithoutBody;
  if (pattern.ends_with("/revokeIssuer") || pattern.ends_with("/activateBringYourOwnRoot")) return Ends::kWithNothing;
  return pattern.ends_with("/revoke") ? Ends::kWithResult : Ends::kAtOnce;
}

Response as_operation(const Context& context, const Located& located, const std::string& resource,
                      Answer<Response> outcome) {
  const Route& route = *located.match.route;
  const bool forecast = context.query_value("whatIf") == "true";  // which is no act
  const auto ends = forecast ? Ends::kAtOnce : ends_of(route);
  const bool late = !outcome && outcome.error().refusal.reason == Reason::kEnforcementTimeout;
  if (ends == Ends::kAtOnce || (!outcome && !late)) {
    if (outcome) return *std::move(outcome);
    const bool nothing_there = route.method == Method::kDelete && outcome.error().refusal.reason == Reason::kNotFound;
    if (ends != Ends::kAtOnce && nothing_there) return no_content();
    return worded(context.face, route, outcome.error(), context.place, resource, context.call.now);
  }
  json error;
  if (late) {
    const auto& refusal = outcome.error().refusal;
    error = {{"code", registry::faces(refusal.reason).arm_code}, {"message", refusal.detail}};
  }
  json record = pace_of(context, located, resource, error);
  record.update({{"action", route.needs.action().name},
                 {"method", to_string(route.method)},
                 {"pattern", route.pattern},
                 {"resource", resource},
                 {"started", context.call.now},
                 {"ended", context.parts.clock.now()},
                 {"error", error},
                 {"final", final_answer(ends, error)}});
  const auto id = text::random_uuid();
  const auto kept = context.registry().put_act({id, text::dump(record), context.call.now + kKeptMs}, context.call.now);
  if (!kept) return worded(context.face, route, Fault(kept.error()), context.place, resource, context.call.now);
  return accepted(context, located, id, ends, outcome);
}

std::optional<Begun> begun(registry::Registry& registry, const std::string& id, UnixMs now) {
  const auto act = registry.find_act(id, now);
  if (!act) return std::nullopt;
  const auto record = json::parse(act->body, nullptr, false);
  if (!record.is_object()) return std::nullopt;
  const auto method = record.value("method", "");
  const auto pattern = record.value("pattern", "");
  for (const auto& route : routes()) {
    if (to_string(route.method) == method && route.pattern == pattern)
      return Begun{&route, record.value("resource", "")};
  }
  return std::nullopt;
}

Answer<Response> show_operation_status(const Context& context) {
  LATCHKEY_TRY(record, asked_after(context));
  const auto& document = record.document;
  const auto& id = context.names[0];
  const bool failed = !document["error"].is_null();
  json body = {{"id", monitor(context, std::string(kUsualLocation), "operationStatuses", id)},
               {"name", id},
               {"resourceId", document["resource"]},
               {"status", record.running ? "InProgress"
                          : failed       ? "Failed"
                                         : "Succeeded"},
               {"startTime", iso8601(document.value("started", UnixMs{0}))},
               {"percentComplete", record.running ? 50 : 100}};
  if (!record.running) body["endTime"] = iso8601(document.value("ended", UnixMs{0}));
  if (!record.running && failed) body["error"] = document["error"];
  auto response = answer(200, body);
  if (record.running) response.fields.emplace_back("Retry-After", kRetryAfterS);
  return response;
}

Answer<Response> show_operation_result(const Context& context) {
  LATCHKEY_TRY(record, asked_after(context));
  if (record.running) {
    Response response{202, {}};
    response.fields.emplace_back("Location",
                                 address(context, std::string(kUsualLocation), "operationResults", context.names[0]));
    response.fields.emplace_back("Retry-After", kRetryAfterS);
    return response;
  }
  const auto& final = record.document["final"];
  const int status = final.value("status", 200);
  return final.contains("body") ? answer(status, final["body"]) : Response{status, {}};
}

}  // namespace latchkey::hub::management
