// SPDX-License-Identifier: Apache-2.0
// Looking: CAs, registrations, decisions, status. Nothing here changes anything, but for the node key of keys that stay
// the same.
#include <nlohmann/json.hpp>
#include <ostream>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kCaColumns = {{"NAME", "/name"},
                            {"KIND", "/kind"},
                            {"STATUS", "/status"},
                            {"SUBJECT", "/subject"},
                            {"POLICY", "/policy/resourceId", As::kLastPart},
                            {"NOT AFTER", "/validityNotAfter", As::kTime},
                            {"CRL", "/crlNumber"}};
const Columns kCaCard = {{"NAME", "/name"},
                         {"KIND", "/kind"},
                         {"STATUS", "/status"},
                         {"SUBJECT", "/subject"},
                         {"ISSUER", "/issuer"},
                         {"POLICY", "/policy/resourceId", As::kLastPart},
                         {"SERIAL", "/serialNumber"},
                         {"NOT AFTER", "/validityNotAfter", As::kTime},
                         {"REVOKED", "/revokedAt", As::kTime},
                         {"CRL NUMBER", "/crlNumber"},
                         {"CRL FILE", "/crlFile"},
                         {"KEY", "/keyPresent"}};
const Columns kNodeKeyCard = {
    {"NODE KEY", "/nodeKey"}, {"SEALED ANEW", "/sealedAnew"}, {"SEALED BEFORE", "/sealedBefore"}};
const Columns kRegistrationColumns = {{"REGISTRATION", "/registrationId"},
                                      {"DEVICE", "/deviceId"},
                                      {"HUB", "/assignedHub"},
                                      {"NAMESPACE", "/namespace"},
                                      {"UPDATED", "/lastUpdatedDateTimeUtc", As::kTime}};
const Columns kDecisionColumns = {{"AT", "/at", As::kTime},   {"ENDPOINT", "/endpoint"},        {"DEVICE", "/clientId"},
                                  {"REASON", "/reason"},      {"FAILED CHECK", "/failedCheck"}, {"PEER", "/peer"},
                                  {"SERIAL", "/serialNumber"}};
const Columns kCountColumns = {{"REASON", "/reason"}, {"COUNT", "/count"}};
const Columns kStatusCard = {
    {"VERSION", "/version"},           {"DATA FOLDER", "/dataFolder"}, {"ID SCOPE", "/idScope"},
    {"KEY PROFILE", "/keyProfile"},    {"REHEARSAL", "/rehearsal"},    {"STARTED", "/startedAt", As::kTime},
    {"CLOCK", "/clock", As::kTime},    {"CHANGES", "/newestSequence"}, {"ROLES", "/roles"},
    {"SUBSCRIPTION", "/subscription"}, {"PARITY", "/parity"}};
const Columns kSigningCard = {{"SIGNING", "/signing"}, {"TIMESTAMPS AND LISTS", "/signingOpen"}};
const Columns kGateColumns = {
    {"ENDPOINT", "/endpoint"},       {"ADDRESS", "/address"},   {"READY", "/ready"},       {"BEHIND", "/behind"},
    {"CONNECTIONS", "/connections"}, {"MESSAGES", "/messages"}, {"RESTARTS", "/restarts"}, {"PID", "/brokerPid"}};

const Columns kFrontColumns = {
    {"HUB", "/hub"}, {"FRONT", "/address"}, {"READY", "/ready"}, {"RESTARTS", "/restarts"}, {"PID", "/pid"}};

const Columns kNodeColumns = {{"NODE", "/name"},         {"STATE", "/state"},     {"THIS", "/self"},
                              {"ON DUTY", "/onDuty"},    {"ADDRESS", "/address"}, {"LEASE MS", "/leaseMs"},
                              {"SESSIONS", "/sessions"}, {"BEHIND", "/behind"}};

int list_cas(Session& session, const Args&) { return session.list("/certificateAuthorities", kCaColumns); }
int show_ca(Session& session, const Args& args) {
  return session.show("/certificateAuthorities/" + percent_encode(args.text("name")), kCaCard);
}
int rotate_node_key(Session& session, const Args&) {
  return session.act("POST", "/nodeKeys/rotate", nlohmann::json(), kNodeKeyCard);
}
int list_registrations(Session& session, const Args&) { return session.list("/registrations", kRegistrationColumns); }
int show_registration(Session& session, const Args& args) {
  return session.show("/registrations/" + percent_encode(args.text("id")), kRegistrationColumns);
}
int list_decisions(Session& session, const Args& args) {
  const auto limit = args.count("limit");
  std::string target = "/decisions?" + top_query(limit);
  if (args.has("device")) target += "&device=" + percent_encode(args.text("device"));
  if (args.has("reason")) target += "&reason=" + percent_encode(args.text("reason"));
  return session.list(target, kDecisionColumns, limit);
}
int count_decisions(Session& session, const Args&) { return session.list("/decisions/counts", kCountColumns); }

int show_status(Session& session, const Args&) {
  const auto answer = call(session.api(), "GET", "/status", {});
  if (!answer) return session.failed(answer.error());
  if (session.json_wanted()) {
    session.print_json(*answer);
    return 0;
  }
  auto& out = session.terminal().out;
  print_card(out, *answer, kStatusCard);
  if (answer->contains("signing")) print_card(out, *answer, kSigningCard);
  out << '\n';
  print_table(out, answer->value("gates", json::array()), kGateColumns);
  const auto more = [&](const char* what, const Columns& columns) {
    if (!answer->contains(what)) return;
    out << '\n';
    print_table(out, answer->at(what), columns);
  };
  more("fronts", kFrontColumns);
  more("nodes", kNodeColumns);
  return 0;
}

}  // namespace

std::vector<Verb> insight_verbs() {
  const Option limit = {"--limit", "show this many at the most, newest first", Takes::kCount, false, "50"};
  const Option device = {"--device", "only those of this client id"};
  const Option reason = {"--reason", "only those with this reason, as counts shows it"};
  const Option registration = {"--id,--registration-id", "the registration id", Takes::kText, true};
  return {
      {"ca", "list", {}, "List root and issuing CAs", {}, list_cas},
      {"ca",
       "show",
       {},
       "Show a CA, and where its revocation list lies",
       {name_option("its name, as list shows it")},
       show_ca},
      {"keys",
       "rotate",
       {},
       "Seal every private key under the first node key that the hub was started with",
       {},
       rotate_node_key},
      {"registration", "list", {}, "List the registrations", {}, list_registrations},
      {"registration", "show", {}, "Show a registration", {registration}, show_registration},
      {"decisions",
       "list",
       {},
       "List what the gates decided about connections",
       {device, reason, limit},
       list_decisions},
      {"decisions", "counts", {"count"}, "Count the decisions by reason", {}, count_decisions},
      {"", "status", {}, "Show how the hub, its gates and, if it is one of several, its nodes stand", {}, show_status},
  };
}

}  // namespace latchkey::hub::cli
