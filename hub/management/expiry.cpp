// SPDX-License-Identifier: Apache-2.0
// What expires when, and who should have renewed and did not (docs/expiry.md): counts, and pages of names.
#include "registry/operations/expiry.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "hub/management/internal/authorities.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::RenewalState;

namespace {

constexpr std::size_t kUsualPage = 100;
constexpr std::size_t kLargestPage = 1000;
constexpr int kUsualDays = 30;
constexpr int kMostDays = 3650;
constexpr UnixMs kDayMs = 86'400'000;

Answer<int> days_in(const Context& context, const char* name) {
  const auto text = context.query_value(name);
  if (!text) return kUsualDays;
  int number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc() && end == text->data() + text->size() && number >= 1 && number <= kMostDays) return number;
  return fault(Reason::kMalformedRequest,
               "'" + std::string(name) + "' must be a whole number of days from 1 to " + std::to_string(kMostDays),
               name);
}

Answer<registry::ExpiryQuery> query_of(const Context& context) {
  registry::ExpiryQuery query;
  query.now = context.call.now;
  LATCHKEY_TRY(within, days_in(context, "within"));
  LATCHKEY_TRY(expired, days_in(context, "expired"));
  query.within_days = within;
  query.expired_days = expired;
  query.scope.ns = context.query_value("namespace").value_or("");
  query.scope.policy = context.query_value("policy").value_or("");
  query.scope.hub = context.query_value("hub").value_or("");
  return query;
}

json counts_json(const registry::ExpiryGroup& group, int within_days) {
  json ends = json::array();
  std::uint64_t counted = 0;
  for (std::size_t i = 0; i < group.ends.size() && registry::kExpiryDays[i] < within_days; ++i) {
    ends.push_back({{"withinDays", registry::kExpiryDays[i]}, {"devices", group.ends[i]}});
    counted += group.ends[i];
  }
  ends.push_back({{"withinDays", within_days}, {"devices", group.expiring - counted}});
  return {{"expiring", group.expiring},
          {"ends", std::move(ends)},
          {"nextExpiry", group.first_end > 0 ? json(iso8601(group.first_end)) : json()},
          {"due", group.due},
          {"overdue", group.overdue},
          {"expiredUnrenewed", group.expired},
          {"disabled", group.disabled}};
}

void add_to(registry::ExpiryGroup& total, const registry::ExpiryGroup& group) {
  for (std::size_t i = 0; i < total.ends.size(); ++i) total.ends[i] += group.ends[i];
  total.expiring += group.expiring;
  total.due += group.due;
  total.overdue += group.overdue;
  total.expired += group.expired;
  total.disabled += group.disabled;
  if (total.first_end == 0 || (group.first_end > 0 && group.first_end < total.first_end)) {
    total.first_end = group.first_end;
  }
}

json groups_json(const registry::ExpiryReport& report, int within_days) {
  json groups = json::array();
  for (const auto& group : report.groups) {
    json one = counts_json(group, within_days);
    one.update({{"namespace", group.ns},
                {"policy", group.policy},
                {"policyDeleted", group.policy_deleted},
                {"hub", group.hub.empty() ? json() : json(group.hub)}});
    groups.push_back(std::move(one));
  }
  return groups;
}

// Soonest first, at most as many as a page: there are few, unless enrollments with certificates are counted in
// thousands.
json authorities_json(std::vector<Authority> authorities, UnixMs now) {
  std::stable_sort(authorities.begin(), authorities.end(),
                   [](const Authority& a, const Authority& b) { return a.not_after < b.not_after; });
  if (authorities.size() > kLargestPage) authorities.resize(kLargestPage);
  json list = json::array();
  for (const auto& one : authorities) {
    const auto text = [](const std::string& name) { return name.empty() ? json() : json(name); };
    list.push_back({{"kind", one.kind},
                    {"name", one.name},
                    {"subject", one.subject},
                    {"namespace", text(one.ns)},
                    {"policy", text(one.policy)},
                    {"hub", text(one.hub)},
                    {"validityNotAfter", iso8601(one.not_after)},
                    {"expired", one.not_after <= now}});
  }
  return list;
}

Answer<std::optional<RenewalState>> state_in(const Context& context) {
  const auto text = context.query_value("state").value_or("expiring");
  if (text == "expiring") return std::optional<RenewalState>();
  const auto state = registry::parse_renewal_state(text);
  if (state && *state != RenewalState::kFresh) return state;
  return fault(Reason::kInvalidArgument,
               "there is no list of '" + text.substr(0, 64) + "'; there are expiring, due, overdue and expired",
               "state");
}

json device_row(const Context& context, const registry::ExpiringDevice& device) {
  const auto connected = context.parts.insight.connected(device.ns, device.id);
  return {{"device", device.id},
          {"namespace", device.ns},
          {"policy", device.policy},
          {"hub", device.hub.empty() ? json() : json(device.hub)},
          {"state", registry::to_string(device.state)},
          {"enabled", device.enabled},
          {"connected", connected ? json(*connected) : json()},
          {"serialNumber", hex(device.serial)},
          {"validityNotBefore", iso8601(device.not_before)},
          {"validityNotAfter", iso8601(device.not_after)}};
}

}  // namespace

Answer<Response> show_expiry(const Context& context) {
  LATCHKEY_TRY(query, query_of(context));
  LATCHKEY_TRY(report, context.registry().expiry_report(query));
  registry::ExpiryGroup total;
  for (const auto& group : report.groups) add_to(total, group);
  const UnixMs until = query.now + query.within_days * kDayMs;
  LATCHKEY_TRY(authorities, authorities_ending(context, query.scope, until));
  return answer(200, {{"at", iso8601(query.now)},
                      {"withinDays", query.within_days},
                      {"expiredDays", query.expired_days},
                      {"devices", counts_json(total, query.within_days)},
                      {"groups", groups_json(report, query.within_days)},
                      {"certificateAuthorities", authorities_json(std::move(authorities), query.now)}});
}

Answer<Response> list_expiring(const Context& context) {
  registry::ExpiringPageQuery wanted;
  LATCHKEY_TRY(query, query_of(context));
  LATCHKEY_TRY(state, state_in(context));
  LATCHKEY_TRY(top, context.top(kUsualPage, kLargestPage));
  wanted.query = std::move(query);
  wanted.state = state;
  wanted.limit = top;
  wanted.after = context.query_value("skipToken").value_or("");
  auto page = context.registry().expiring_devices(wanted);
  if (!page && page.error().reason == Reason::kInvalidArgument) {
    return fault(Reason::kInvalidArgument, page.error().detail, "skipToken");
  }
  if (!page) return tl::unexpected<Fault>(page.error());
  json value = json::array();
  for (const auto& device : page->devices) value.push_back(device_row(context, device));
  std::string next;
  if (!page->next.empty()) {
    std::string more;
    for (const auto& [name, text] : context.query) {
      if (name != "skipToken" && name != "api-version") more += percent_encode(name) + "=" + percent_encode(text) + "&";
    }
    next = context.link(more + "skipToken=" + page->next);
  }
  return answer(200, list_json(std::move(value), next));
}

}  // namespace latchkey::hub::management
