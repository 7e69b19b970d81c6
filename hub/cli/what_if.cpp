// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/internal/what_if.h"

#include <algorithm>
#include <ostream>

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

constexpr std::size_t kUsualNames = 20;

const Columns kCard = {{"LOSE ACCESS NOW", "/losingAccess/devices"},
                       {"OF THEM CONNECTED", "/losingAccess/connected"},
                       {"ALREADY DISABLED", "/alreadyDisabled/devices"},
                       {"KEEP ANOTHER CERTIFICATE", "/keepingAnotherCertificate/devices"},
                       {"COME BACK BY THEMSELVES", "/returning/devices"},
                       {"WITHIN SECONDS", "/returning/seconds"},
                       {"AT PER MINUTE", "/returning/perMinute"},
                       {"DO NOT COME BACK", "/notReturning/devices"},
                       {"END LATER", "/endingLater/devices"},
                       {"THE LAST OF THEM", "/endingLater/last", As::kTime}};
const Columns kReasons = {{"REASON", "/reason"}, {"DEVICES", "/devices"}};
const Columns kHubs = {{"HUB", "/hub"}, {"LOSE ACCESS", "/devices"}, {"CONNECTED", "/connected"}};
const Columns kDevices = {{"DEVICE", "/device"},
                          {"FATE", "/fate"},
                          {"CONNECTED", "/connected"},
                          {"OBSTACLE", "/obstacle"},
                          {"LAST SEEN", "/lastSeenAt", As::kTime},
                          {"NOT AFTER", "/validityNotAfter", As::kTime}};

void print_part(std::ostream& out, const json& items, const Columns& columns) {
  if (items.empty()) return;
  out << '\n';
  print_table(out, items, columns);
}

std::size_t names_wanted(const Args& args) { return args.has("limit") ? args.count("limit") : kUsualNames; }

std::string query_of(const Args& args) {
  std::string query = "whatIf=true&" + top_query(names_wanted(args));
  if (args.has("not-seen-days")) query += "&notSeenDays=" + args.text("not-seen-days");
  if (args.has("per-minute")) query += "&perMinute=" + args.text("per-minute");
  return query;
}

void print_forecast(std::ostream& out, const json& forecast) {
  print_card(out, forecast, kCard);
  json reasons = forecast["notReturning"]["reasons"];
  for (const auto& one : forecast["endingLater"]["reasons"]) reasons.push_back(one);
  print_part(out, reasons, kReasons);
  if (forecast["losingAccess"]["hubs"].size() > 1) print_part(out, forecast["losingAccess"]["hubs"], kHubs);
  print_part(out, forecast["value"], kDevices);
  if (forecast.contains("nextLink")) out << "... and more; --limit shows them\n";
}

}  // namespace

std::vector<Option> with_what_if(std::vector<Option> options) {
  options.push_back({"--what-if", "change nothing; show who would lose access, and who could not come back by itself",
                     Takes::kNothing});
  options.push_back({"--not-seen-days", "with --what-if: who was silent for so many days does not come back by itself",
                     Takes::kCount});
  options.push_back({"--per-minute",
                     "with --what-if: reckon with so many registrations a minute instead of the hub's own limit",
                     Takes::kCount});
  const auto has_limit = [](const Option& option) { return option.names == "--limit"; };
  if (std::none_of(options.begin(), options.end(), has_limit)) {
    options.push_back({"--limit", "with --what-if: show so many devices by name; 20 when not given", Takes::kCount});
  }
  return options;
}

bool what_if_asked(const Args& args) { return args.has("what-if"); }

int what_if(Session& session, const Args& args, const std::string& method, const std::string& target,
            const json& body) {
  const char joint = target.find('?') == std::string::npos ? '?' : '&';
  std::string next = target + joint + query_of(args);
  json forecast;
  while (!next.empty()) {
    const auto page = call(session.api(), method, next, body);
    if (!page) return session.failed(page.error());
    if (forecast.is_null()) {
      forecast = *page;
    } else {
      for (const auto& device : page->value("value", json::array())) forecast["value"].push_back(device);
    }
    next = page->value("nextLink", "");
    if (forecast.value("value", json::array()).size() >= names_wanted(args)) break;
  }
  if (next.empty()) forecast.erase("nextLink");
  if (session.json_wanted()) session.print_json(forecast);
  if (const auto& refused = forecast["refused"]; !refused.is_null()) {
    return session.failed({refused.value("exitStatus", kExitRefused),
                           "it would be refused: " + refused.value("code", "") + ": " + refused.value("message", "")});
  }
  if (!session.json_wanted()) print_forecast(session.terminal().out, forecast);
  return 0;
}

}  // namespace latchkey::hub::cli
