// SPDX-License-Identifier: Apache-2.0
// What expires when, and who should have renewed and did not.
#include <nlohmann/json.hpp>
#include <ostream>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kGroups = {{"POLICY", "/policy"},     {"HUB", "/hub"},
                         {"EXPIRING", "/expiring"}, {"DUE", "/due"},
                         {"OVERDUE", "/overdue"},   {"EXPIRED", "/expiredUnrenewed"},
                         {"DISABLED", "/disabled"}, {"NEXT", "/nextExpiry", As::kTime}};
const Columns kEnds = {{"WITHIN DAYS", "/withinDays"}, {"DEVICES", "/devices"}};
const Columns kAuthorities = {{"NOT AFTER", "/validityNotAfter", As::kTime},
                              {"EXPIRED", "/expired"},
                              {"KIND", "/kind"},
                              {"NAME", "/name"},
                              {"POLICY", "/policy"},
                              {"SUBJECT", "/subject"}};
const Columns kDevices = {{"DEVICE", "/device"},
                          {"POLICY", "/policy"},
                          {"HUB", "/hub"},
                          {"STATE", "/state"},
                          {"ENABLED", "/enabled"},
                          {"CONNECTED", "/connected"},
                          {"NOT AFTER", "/validityNotAfter", As::kTime}};

// What was given of the options that narrow both questions down.
std::string query_of(const Args& args) {
  std::string query;
  for (const char* name : {"within", "expired", "namespace", "policy", "hub"}) {
    if (args.has(name))
      query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encode(args.text(name));
  }
  return query;
}

int report(Session& session, const Args& args) {
  const auto answer = call(session.api(), "GET", "/expiry" + query_of(args), {});
  if (!answer) return session.failed(answer.error());
  if (session.json_wanted()) {
    session.print_json(*answer);
    return 0;
  }
  auto& out = session.terminal().out;
  out << "Certificates that devices stand with, by their end:\n\n";
  print_table(out, (*answer)["devices"]["ends"], kEnds);
  out << "\nBy policy and hub; due, overdue and expired are those that were not renewed in time:\n\n";
  print_table(out, (*answer)["groups"], kGroups);
  out << "\nOther certificates that end within " << args.text("within") << " days:\n\n";
  print_table(out, (*answer)["certificateAuthorities"], kAuthorities);
  return 0;
}

int list(Session& session, const Args& args) {
  const auto limit = args.count("limit");
  return session.list(
      "/expiry/devices" + query_of(args) + "&state=" + args.text("state") + "&" + top_query(limit == 0 ? 1000 : limit),
      kDevices, limit);
}

}  // namespace

std::vector<Verb> expiry_verbs() {
  const Option within = {"--within", "days from now by the hub's clock", Takes::kCount, false, "30"};
  const Option expired = {"--expired", "days back for those that expired unrenewed", Takes::kCount, false, "30"};
  const Option ns = {"--namespace,--ns", "of this namespace only"};
  const Option policy = {"--policy", "of this policy only"};
  const Option hub = {"--hub", "of devices that are assigned to this hub only"};
  const Option state = {"--state",
                        "expiring: whatever ends within; due: in the renewal window, from 70 % of the lifetime on; "
                        "overdue: beyond 85 %; expired: unrenewed",
                        Takes::kText,
                        false,
                        "expiring",
                        {"expiring", "due", "overdue", "expired"}};
  const Option limit = {"--limit", "show this many at the most", Takes::kCount};
  return {
      {"expiry",
       "report",
       {},
       "Count what expires: devices by policy and hub, CAs, enrollments' certificates, the server's",
       {within, expired, ns, policy, hub},
       report},
      {"expiry",
       "list",
       {},
       "List devices whose certificates end soon, or that should have renewed and did not",
       {state, within, expired, ns, policy, hub, limit},
       list},
  };
}

}  // namespace latchkey::hub::cli
