// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string_view>

#include "boards/fleet/report/internal/life.h"
#include "boards/fleet/report/internal/words.h"

namespace latchkey::boards::fleet::report {
namespace {

struct Meaning {
  std::string_view reason;
  std::string_view meaning;
};
// Why connections end; CONNACK: MQTT 3.1.1 table 3.1; alerts: RFC 8446 section 6.
constexpr std::array<Meaning, 18> kMeanings{{
    {"connack 2", "CONNACK 2, client id refused"},
    {"connack 3", "CONNACK 3, server unavailable"},
    {"connack 4", "CONNACK 4, bad user name or password"},
    {"connack 5", "CONNACK 5, not authorised"},
    {"tls alert 42", "TLS alert 42, bad certificate"},
    {"tls alert 44", "TLS alert 44, certificate revoked"},
    {"tls alert 45", "TLS alert 45, certificate expired"},
    {"tls alert 48", "TLS alert 48, unknown CA"},
    {"dps 200", "DPS, disabled"},  // the only no that comes with this status
    {"own", "the device left"},
    {"unreachable", "no connection"},
    {"server-not-trusted", "the server is not trusted"},
    {"tls-alert", "TLS ended by the server"},
    {"no-connack", "closed before CONNACK"},
    {"refused", "refused"},
    {"lost", "session lost"},
    {"local", "a fault of the device"},
    {"cut", "the network was gone"},
}};
// The services' error codes begin with an HTTP status (RFC 9110 section 15).
constexpr std::array<Meaning, 8> kStatuses{{
    {"400", "bad request"},
    {"401", "unauthorised"},
    {"403", "forbidden"},
    {"404", "not found"},
    {"409", "conflict"},
    {"429", "too many requests"},
    {"500", "server error"},
    {"503", "unavailable"},
}};

// Of "dps 401002", what stands behind the blank.
std::string with_status(std::string_view service, std::string_view code) {
  std::string text = std::string(service) + " " + std::string(code);
  for (const auto& [status, meaning] : kStatuses) {
    if (code.starts_with(status)) text += ", " + std::string(meaning);
  }
  return text;
}

}  // namespace

std::string reason_of(const history::Refused& refused) {
  const std::string code = " " + std::to_string(refused.code);
  switch (refused.by) {
    case history::RefusedBy::kConnack: return "connack" + code;
    case history::RefusedBy::kTls: return "tls alert" + code;
    case history::RefusedBy::kDps: return "dps" + code;
    case history::RefusedBy::kRenewal: break;
  }
  return "renewal" + code;
}

std::string reason_of(const history::Ended& ended) { return std::string(to_string(ended.why)); }

std::string explained(const std::string& reason) {
  for (const auto& [name, meaning] : kMeanings) {
    if (reason == name) return std::string(meaning);
  }
  const auto code = std::string_view(reason).substr(reason.find(' ') + 1);
  if (reason.starts_with("dps ")) return with_status("DPS", code);
  if (reason.starts_with("renewal ")) return with_status("renewal", code);
  if (reason.starts_with("connack ")) return "CONNACK " + std::string(code);
  if (reason.starts_with("tls ")) return "TLS " + std::string(code);
  return reason;
}

std::string why_absent(const Life& life, const std::string& last_reason) {
  if (!life.known) return "never began";
  std::string why;
  if (life.disabled)
    why = "disabled";
  else if (life.asleep && life.asleep_until == kNever)
    why = "asleep";
  else if (life.asleep)
    why = "asleep until " + moment_text(life.asleep_until);
  else if (life.credential_lost)
    why = "has lost what it proves itself to DPS with";
  else if (life.connecting_since[0] != kNever)
    why = "is provisioning";
  else if (life.connecting_since[1] != kNever)
    why = "is connecting to the hub";
  else
    why = "waits for its next try";
  return last_reason.empty() ? why : why + "; last: " + explained(last_reason);
}

}  // namespace latchkey::boards::fleet::report
