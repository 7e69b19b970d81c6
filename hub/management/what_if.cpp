// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/what_if.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "hub/management/internal/ca_acts.h"
#include "hub/management/internal/device_body.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/revocation.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"
#include "registry/operations/forecast.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::PlannedAct;
using registry::Reason;

namespace {

constexpr std::size_t kUsualPage = 50;
constexpr std::size_t kLargestPage = 1000;
constexpr UnixMs kDayMs = 86'400'000;
constexpr const char* kOnlyWithWhatIf[] = {"top", "skipToken", "notSeenDays", "perMinute"};

// A hub process that tells nobody who is connected.
class NobodyKnown final : public registry::Attendance {
 public:
  std::vector<std::string> connected(const std::string&) override { return {}; }
  bool connected(const std::string&, const std::string&) override { return false; }
  std::optional<UnixMs> last_seen(const std::string&, const std::string&) override { return std::nullopt; }
};

Answer<std::optional<std::int64_t>> number_in(const Context& context, const char* name, std::int64_t most) {
  const auto text = context.query_value(name);
  if (!text) return std::optional<std::int64_t>();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc() && end == text->data() + text->size() && number >= 1 && number <= most) return {number};
  return fault(Reason::kMalformedRequest,
               "'" + std::string(name) + "' must be a whole number from 1 to " + std::to_string(most), name);
}

struct Planned {
  PlannedAct act;
  registry::Call call;
  const char* name;  // in the answer
};

Answer<Planned> plan_policy_revoke(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  Planned planned{{PlannedAct::Kind::kRevokePolicy, context.names[0], context.names[1]}, context.call, "policy revoke"};
  planned.call = with_reason(planned.call, reader->root());
  planned.act.rotate = context.parts.own_root_revoke_rotates;
  LATCHKEY_TRY_VOID(reader->finish());
  return planned;
}

Answer<Planned> plan_device_revoke(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  Planned planned{{PlannedAct::Kind::kRevokeDevice, context.names[0], context.names[1]}, context.call, "device revoke"};
  planned.act.disable = reader->root().flag("disable").value_or(false);
  planned.call = with_reason(planned.call, reader->root());
  LATCHKEY_TRY_VOID(reader->finish());
  return planned;
}

Answer<Planned> plan_device_update(const Context& context) {
  LATCHKEY_TRY(body, read_device(context, DeviceAct::kPatch));
  if (body.update.enabled != false) {
    return fault(Reason::kInvalidArgument, "a forecast can be had of disabling a device only: properties.enabled false",
                 "properties.enabled");
  }
  return Planned{
      {PlannedAct::Kind::kDisableDevice, context.names[0], context.names[1]}, context.call, "device disable"};
}

Answer<Planned> plan(const Context& context, Handler act) {
  const auto& names = context.names;
  using Kind = PlannedAct::Kind;
  if (act == revoke_policy) return plan_policy_revoke(context);
  if (act == revoke_device) return plan_device_revoke(context);
  if (act == update_device) return plan_device_update(context);
  if (act == delete_policy) {
    return Planned{{Kind::kDeletePolicy, names[0], names[1]}, overriding_call(context), "policy delete"};
  }
  if (act == delete_credential) {
    return Planned{{Kind::kDeleteCredential, names[0], ""}, overriding_call(context), "credential delete"};
  }
  if (act == delete_device) {
    return Planned{{Kind::kDeleteDevice, names[0], names[1]}, context.call, "device delete"};
  }
  if (act == delete_hub_certificate) {
    Planned planned{{Kind::kDeleteHubCertificate, "", names[1]}, context.call, "hub certificate delete"};
    planned.act.hub = names[0];
    return planned;
  }
  return fault(Reason::kMalformedRequest, "of this act there is no forecast", "whatIf");
}

// How long `devices` take to come back, one registration and one certificate each.
json return_json(const Context& context, std::uint64_t devices, std::optional<std::int64_t> asked) {
  std::optional<double> per_minute;
  json basis;
  if (asked) {
    per_minute = static_cast<double>(*asked);
    basis = "asked";
  } else if (context.parts.pace_of_return != nullptr) {
    const auto limit = context.parts.pace_of_return->registrations_per_minute();
    const auto measured = context.parts.pace_of_return->measured_per_minute();
    per_minute = limit;
    if (limit) basis = "registrationThrottle";
    if (measured && (!limit || *measured < *limit)) {
      per_minute = measured;
      basis = "measuredIssuance";
    }
  }
  json seconds;
  if (devices == 0) {
    seconds = 0;
  } else if (per_minute && *per_minute > 0) {
    seconds = static_cast<std::uint64_t>(std::ceil(60.0 * static_cast<double>(devices) / *per_minute));
  }
  return {{"devices", devices},
          {"seconds", seconds},
          {"perMinute", per_minute ? json(std::round(*per_minute * 10) / 10) : json()},
          {"basis", basis}};
}

json reasons_json(const registry::Obstacles& obstacles) {
  json reasons = json::array();
  for (const auto& [obstacle, devices] : obstacles) {
    reasons.push_back({{"reason", registry::to_string(obstacle)}, {"devices", devices}});
  }
  return reasons;
}

std::uint64_t sum(const registry::Obstacles& obstacles) {
  std::uint64_t all = 0;
  for (const auto& [obstacle, devices] : obstacles) all += devices;
  return all;
}

json time_or_null(std::optional<UnixMs> at) { return at && *at > 0 ? json(iso8601(*at)) : json(); }

json device_row(const registry::AffectedDevice& device) {
  const bool free = device.obstacle == registry::Obstacle::kNone;
  return {{"device", device.id},
          {"fate", registry::to_string(device.fate)},
          {"connected", device.connected},
          {"hubs", device.hubs},
          {"obstacle", free ? json() : json(registry::to_string(device.obstacle))},
          {"lastSeenAt", time_or_null(device.last_seen)},
          {"validityNotAfter", time_or_null(device.not_after)}};
}

// The same question, for the devices after `last`.
std::string next_of(const Context& context, const std::string& last) {
  std::string query;
  for (const auto& [name, value] : context.query) {
    if (name == "skipToken" || name == "api-version") continue;
    query += percent_encode(name) + "=" + percent_encode(value) + "&";
  }
  return context.link(query + "skipToken=" + percent_encode(last));
}

json forecast_json(const Context& context, const registry::Forecast& forecast, std::optional<std::int64_t> per_minute) {
  json hubs = json::array();
  for (const auto& hub : forecast.hubs) {
    hubs.push_back({{"hub", hub.name}, {"devices", hub.losing}, {"connected", hub.connected}});
  }
  json value = json::array();
  for (const auto& device : forecast.devices) value.push_back(device_row(device));
  json body = list_json(std::move(value), forecast.next.empty() ? "" : next_of(context, forecast.next));
  body["losingAccess"] = {{"devices", forecast.losing}, {"connected", forecast.connected}, {"hubs", std::move(hubs)}};
  body["alreadyDisabled"] = {{"devices", forecast.disabled}};
  body["keepingAnotherCertificate"] = {{"devices", forecast.spared}};
  body["returning"] = return_json(context, forecast.returning, per_minute);
  body["notReturning"] = {{"devices", sum(forecast.not_returning)}, {"reasons", reasons_json(forecast.not_returning)}};
  body["endingLater"] = {{"devices", forecast.ending},
                         {"first", time_or_null(forecast.first_end)},
                         {"last", time_or_null(forecast.last_end)},
                         {"reasons", reasons_json(forecast.not_renewing)}};
  return body;
}

json refusal_json(const registry::Refusal& refusal) {
  const auto& face = registry::faces(refusal.reason);
  return {{"code", face.arm_code},
          {"message", refusal.detail},
          {"httpStatus", face.http_status},
          {"exitStatus", face.exit_status}};
}

}  // namespace

bool asks_what_if(const Route& route, std::string_view query) {
  const auto values = parse_query(query, route.queries);
  return values && std::find(values->begin(), values->end(), std::pair<std::string, std::string>("whatIf", "true")) !=
                       values->end();
}

Answer<bool> what_if_wanted(const Context& context, const Route& route) {
  if (route.queries.find("whatIf") == std::string_view::npos) return false;
  const auto wanted = context.query_value("whatIf");
  if (wanted && *wanted != "true" && *wanted != "false") {
    return fault(Reason::kMalformedRequest, "'whatIf' is true or false", "whatIf");
  }
  if (wanted == "true") return true;
  for (const char* name : kOnlyWithWhatIf) {
    if (context.query_value(name)) {
      return fault(Reason::kMalformedRequest, "'" + std::string(name) + "' goes with whatIf=true only", name);
    }
  }
  return false;
}

Answer<Response> what_if(const Context& context, Handler act) {
  LATCHKEY_TRY(planned, plan(context, act));
  registry::ForecastOptions options;
  LATCHKEY_TRY(top, context.top(kUsualPage, kLargestPage));
  options.limit = top;
  options.after = context.query_value("skipToken").value_or("");
  LATCHKEY_TRY(silent_days, number_in(context, "notSeenDays", 3650));
  options.not_seen_ms = silent_days.value_or(0) * kDayMs;
  LATCHKEY_TRY(per_minute, number_in(context, "perMinute", 1'000'000'000));
  planned.call.labels.reset();
  NobodyKnown nobody;
  registry::Attendance& attendance = context.parts.attendance != nullptr ? *context.parts.attendance : nobody;
  LATCHKEY_TRY(forecast, context.registry().forecast(planned.call, planned.act, attendance, options));
  json body = {{"act", planned.name},
               {"at", iso8601(context.call.now)},
               {"refused", forecast.refusal ? refusal_json(*forecast.refusal) : json()}};
  if (!forecast.refusal) body.update(forecast_json(context, forecast, per_minute));
  return answer(200, body);
}

}  // namespace latchkey::hub::management
