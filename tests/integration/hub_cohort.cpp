// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/hub_cohort.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace latchkey::tests {

using nlohmann::json;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

namespace {

constexpr int kAnswerMs = kPatienceMs;

// The hub's newest decision about that client id.
json newest_decision(Hub& hub, const std::string& id) {
  for (auto& decision : rows(hub.json({"decisions", "list", "--device", id, "--limit", "20"}))) {
    if (decision.at("endpoint") == "hub") return std::move(decision);
  }
  return json::object();
}

std::set<std::string> failed_checks(const json& decision) {
  std::set<std::string> failed;
  for (const auto& check : decision.value("checks", json::array())) {
    if (check.at("outcome") == "failed") failed.insert(check.at("check").get<std::string>());
  }
  return failed;
}

std::string list(const std::set<std::string>& names) {
  std::string text = "{";
  for (const auto& name : names) text += (text.size() > 1 ? ", " : "") + name;
  return text + "}";
}

bool same_serial(const json& decision, const Identity& identity) {
  const auto serial = decision.value("serialNumber", json());
  return serial.is_string() && plain_hex(serial.get<std::string>()) == plain_hex(serial_hex(identity.chain.front()));
}

AssertionResult decided(Hub& hub, const std::string& id, const Identity& identity, Seen seen, const Cause& cause) {
  if (identity.chain.empty()) return AssertionFailure() << id << " has no certificate";
  const auto probe = hub.probe(id, identity);
  const auto decision = newest_decision(hub, id);
  const bool connack = probe.seen.seen == seen && (seen != Seen::kRefused || probe.seen.connack == 5);
  if (connack && probe.reason == cause.reason && decision.value("reason", "") == cause.reason &&
      same_serial(decision, identity) && failed_checks(decision) == cause.failed_checks) {
    return AssertionSuccess();
  }
  return AssertionFailure() << id << ": wanted " << to_string(seen) << " (" << cause.reason << ", failed checks "
                            << list(cause.failed_checks) << "), saw " << probe.seen.text() << " (" << probe.reason
                            << "), on record: " << decision.dump();
}

}  // namespace

std::string plain_hex(std::string hex) {
  hex.erase(0, std::min(hex.find_first_not_of('0'), hex.size() - 1));
  std::transform(hex.begin(), hex.end(), hex.begin(), [](unsigned char c) { return std::tolower(c); });
  return hex;
}

std::vector<json> rows(const json& list) {
  const json& value = list.is_array() ? list : list.at("value");
  return {value.begin(), value.end()};
}

void operate(Hub& hub, const std::vector<std::string>& command) {
  const auto finished = hub.cli(command);
  if (finished.exit_status == 0) return;
  std::string line;
  for (const auto& word : command) line += word + " ";
  throw std::runtime_error(line + "ended with " + std::to_string(finished.exit_status) + ": " + finished.err);
}

std::string policy_subject(Hub& hub, const std::string& policy) {
  return hub.json({"policy", "show", "-n", policy})
      .at("properties")
      .at("certificate")
      .at("certificateAuthorityConfiguration")
      .at("subject");
}

json ca_with_subject(Hub& hub, const std::string& subject) {
  for (auto& ca : rows(hub.json({"ca", "list"}))) {
    if (ca.at("subject") == subject) return std::move(ca);
  }
  throw std::runtime_error("there is no CA " + subject);
}

json published_ca(Hub& hub, const std::string& subject) {
  json ca;
  const bool published = eventually([&] {
    ca = ca_with_subject(hub, subject);
    return !ca.at("crlFile").is_null();
  });
  if (!published) throw std::runtime_error(subject + " publishes no list");
  return ca;
}

std::vector<std::string> hub_certificates(Hub& hub, const std::string& subject) {
  std::vector<std::string> names;
  for (const auto& certificate : rows(hub.json({"hub", "certificate", "list", "--hub", kHubName}))) {
    if (certificate.at("properties").at("subject") == subject) names.push_back(certificate.at("name"));
  }
  return names;
}

void delete_from_hub(Hub& hub, const std::string& subject) {
  const auto names = hub_certificates(hub, subject);
  if (names.size() != 1) throw std::runtime_error("the hub does not have " + subject + " exactly once");
  operate(hub, {"hub", "certificate", "delete", "--hub", kHubName, "-n", names.front(), "-y"});
}

std::string enrollment_key(Hub& hub, const std::string& id, bool group, bool secondary) {
  std::vector<std::string> command{"enrollment", "key", "--id", id, "--out", "-"};
  if (group) command.emplace_back("--group");
  if (secondary) command.emplace_back("--secondary");
  const auto finished = hub.cli(command);
  if (finished.exit_status != 0) throw std::runtime_error("no key of " + id + ": " + finished.err);
  return finished.out.substr(0, finished.out.find('\n'));
}

std::string individual_token(const Hub& hub, const std::string& id, const std::string& key) {
  return sas_token(hub.id_scope() + "/registrations/" + id, key, static_cast<long>(std::time(nullptr)) + 3600);
}

Cohort::Cohort(Hub& hub, std::string name) : hub_(hub), name_(std::move(name)) {
  operate(hub_, {"policy", "create", "-n", name_});
  operate(hub_, {"enrollment", "create", "--id", name_, "--group", "--policy", name_});
  key_ = enrollment_key(hub_, name_, true);
}

json Cohort::try_provision(const std::string& id) { return hub_.try_provision(id, token(id), make_key()).at("body"); }

void Cohort::revoke_policy() { operate(hub_, {"policy", "revoke", "-n", name_, "-y"}); }

void Cohort::delete_policy() { operate(hub_, {"policy", "delete", "-n", name_, "-y"}); }

AssertionResult accepted(Hub& hub, const std::string& id, const Identity& identity) {
  return decided(hub, id, identity, Seen::kAccepted, {"accepted", {}});
}

AssertionResult refused(Hub& hub, const std::string& id, const Identity& identity, const Cause& cause) {
  return decided(hub, id, identity, Seen::kRefused, cause);
}

AssertionResult answers(const json& body, const std::string& status, int error_code) {
  const auto state = body.value("registrationState", json::object());
  if (body.value("status", "") == status && state.value("errorCode", 0) == error_code) return AssertionSuccess();
  return AssertionFailure() << "wanted " << status << " " << error_code << ", heard " << body.dump();
}

std::unique_ptr<DeviceClient> open_session(Hub& hub, const std::string& id, const Identity& identity) {
  const auto before = hub.last_decision(id).first;
  auto client = std::make_unique<DeviceClient>(hub.hub_options(id, identity));
  if (const auto seen = client->connect(); seen.seen != Seen::kAccepted)
    throw std::runtime_error(id + ": " + seen.text());
  // Else it could be taken for the record of the next attempt.
  if (!eventually([&] { return hub.last_decision(id).first > before; })) throw std::runtime_error(id + ": no decision");
  return client;
}

Renewal renew(Hub& hub, const std::string& id, const Identity& identity) {
  const auto session = open_session(hub, id, identity);
  DeviceClient& client = *session;
  if (client.subscribe("$iothub/credentials/res/#") != 1) throw std::runtime_error("renewals cannot be subscribed to");
  Renewal renewal;
  renewal.identity.key = make_key();
  renewal.identity.hub = identity.hub;
  client.publish("$iothub/credentials/POST/issueCertificate/?$rid=renew1",
                 json{{"id", id}, {"csr", make_csr(renewal.identity.key, id)}}.dump());
  constexpr std::string_view kPrefix = "$iothub/credentials/res/";
  const auto last = [&](const Message& message) { return message.topic.rfind(std::string(kPrefix) + "202/", 0) != 0; };
  if (const auto answer = client.wait_message(last, kAnswerMs)) {
    renewal.status = std::stoi(answer->topic.substr(kPrefix.size()));
    const auto body = json::parse(answer->payload);
    for (const auto& one : body.value("certificates", json::array())) {
      renewal.identity.chain.push_back(certificate_from_base64(one.get<std::string>()));
    }
  }
  return renewal;
}

}  // namespace latchkey::tests
