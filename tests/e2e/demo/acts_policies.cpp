// SPDX-License-Identifier: Apache-2.0
// Acts about issuing CAs and the root: revoke a policy, delete a policy, delete the credential.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/e2e/demo/stage.h"
#include "tests/support/subprocess.h"

namespace latchkey::demo {

using nlohmann::json;
using tests::DeviceClient;
using tests::Message;

namespace {

const json& rows(const json& list) { return list.is_array() ? list : list.at("value"); }

json policy_of(Stage& stage, const std::string& name) { return stage.ask({"policy", "show", "-n", name}); }

std::string subject_of(const json& policy) {
  return policy.at("properties").at("certificate").at("certificateAuthorityConfiguration").at("subject");
}

// Names of the hub's CA certificates with that subject.
std::vector<std::string> hub_certificates(Stage& stage, const std::string& subject) {
  std::vector<std::string> names;
  const auto list = stage.ask({"hub", "certificate", "list", "--hub", "hub"});
  for (const auto& row : rows(list)) {
    if (row.at("properties").at("subject") == subject) names.push_back(row.at("name"));
  }
  return names;
}

json ca_with(Stage& stage, const std::string& subject) {
  const auto list = stage.ask({"ca", "list"});
  for (const auto& row : rows(list)) {
    if (row.at("subject") == subject) return row;
  }
  return {};
}

// What `openssl crl` reads in the root's list.
bool on_roots_crl(Stage& stage, const json& ca) {
  const auto list = stage.ask({"ca", "list"});
  for (const auto& row : rows(list)) {
    if (row.at("name") != ca.at("issuer")) continue;
    const auto shown = tests::run(
        {"/usr/bin/openssl", "crl", "-inform", "DER", "-noout", "-text", "-in", row.at("crlFile").get<std::string>()});
    auto serial = ca.at("serialNumber").get<std::string>();
    std::transform(serial.begin(), serial.end(), serial.begin(), [](unsigned char c) { return std::toupper(c); });
    return shown.out.find(serial) != std::string::npos;
  }
  return false;
}

// A renewal over a live session: the status in the topic of the answer.
int renew(Stage& stage, const std::string& id, const tests::Identity& identity) {
  DeviceClient client(stage.hub().hub_options(id, identity));
  if (client.connect().seen != tests::Seen::kAccepted) return -1;
  client.subscribe("$iothub/credentials/res/#");
  client.publish("$iothub/credentials/POST/issueCertificate/?$rid=demo1",
                 json{{"id", id}, {"csr", tests::make_csr(tests::make_key(), id)}}.dump());
  const auto answer =
      client.wait_message([](const Message& message) { return message.topic.find("/res/202/") == std::string::npos; });
  constexpr std::string_view kPrefix = "$iothub/credentials/res/";
  return answer ? std::stoi(answer->topic.substr(kPrefix.size())) : -1;
}

json provision_answer(Stage& stage, const std::string& id, const std::string& group) {
  return stage.hub().try_provision(id, stage.hub().token(id, stage.group_key(group)), tests::make_key()).at("body");
}

Sight all_back(Stage& stage, const std::map<std::string, Stage::Mark>& before) {
  for (const auto& [id, mark] : before) {
    if (auto sight = stage.back_with_new_certificate(id, mark.serial); !sight.ok)
      return {id + " is " + sight.seen, false};
  }
  return {"all " + std::to_string(before.size()) + " back with new certificates", true};
}

}  // namespace

void act_revoke_policy(Stage& stage, Story& story) {
  story.act("5. Revoke a policy",
            "The issuing CA of policy 'sensors' may have leaked. It is replaced; every "
            "certificate below the old one is worthless, the other cohort is not concerned.");
  const auto old_subject = subject_of(policy_of(stage, "sensors"));
  const auto old = stage.agent("sensor-3").identity();
  const auto sensors = stage.marks(kSensors);
  const auto gateways = stage.marks(kGateways);
  story.step("revoke policy sensors", "a new issuing CA under a new subject", [&] {
    stage.operate({"policy", "revoke", "-n", "sensors", "-y"});
    const auto subject = subject_of(policy_of(stage, "sensors"));
    return Sight{subject == old_subject ? "the same subject" : "new subject " + subject.substr(0, 16) + "...",
                 subject != old_subject};
  });
  story.step("the hub trusts the new CA instead", "old one off the hub, new one on it", [&] {
    const bool off = hub_certificates(stage, old_subject).empty();
    const bool on = !hub_certificates(stage, subject_of(policy_of(stage, "sensors"))).empty();
    return Sight{std::string(off ? "old off" : "old still there") + (on ? ", new on" : ", new missing"), off && on};
  });
  story.step("a certificate of the old CA", "CONNACK 5, issuer not trusted",
             [&] { return stage.refused_for("sensor-3", old, "issuer not trusted"); });
  story.step("the old CA is on the root's CRL", "listed, as openssl crl reads it", [&] {
    const auto ca = ca_with(stage, old_subject);
    bool listed = false;  // lists are fresh within a second of a revocation
    for (int i = 0; i < 50 && !listed; ++i) listed = !ca.is_null() && on_roots_crl(stage, ca);
    return Sight{listed ? "listed" : "not listed", listed};
  });
  story.step("every device of that policy", "back with a certificate of the new CA",
             [&] { return all_back(stage, sensors); });
  story.step("the other policy's devices", "never noticed", [&] { return stage.untouched(gateways); });
}

void act_delete_policy(Stage& stage, Story& story) {
  story.act("6. Delete a policy",
            "Policy 'gateways' is deleted: it issues nothing more. What it issued goes on working "
            "until its CA certificate is deleted from the hub.");
  const auto subject = subject_of(policy_of(stage, "gateways"));
  const auto spare = stage.hub().provision("gateway-spare", stage.group_key("gateways"));
  const auto gateways = stage.marks(kGateways);
  const auto old = stage.agent("gateway-2").identity();
  story.step("delete policy gateways", "existing certificates still work", [&] {
    stage.operate({"policy", "delete", "-n", "gateways", "-y"});
    const auto probe = stage.hub().probe("gateway-spare", spare);
    const auto rest = stage.untouched(gateways);
    return Sight{probe.text() + "; " + rest.seen, probe.seen.seen == tests::Seen::kAccepted && rest.ok};
  });
  story.step("an enrollment that names it", "provisioning fails clearly (404204)", [&] {
    const auto body = provision_answer(stage, "gateway-3", "gateways");
    const auto state = body.value("registrationState", json::object());
    const int code = state.value("errorCode", 0);
    return Sight{body.value("status", "") + ", " + std::to_string(code) + ": " + state.value("errorMessage", ""),
                 body.value("status", "") == "failed" && code == 404204};
  });
  story.step("renewal under it", "refused, 403", [&] {
    const int status = renew(stage, "gateway-spare", spare);
    return Sight{"status " + std::to_string(status), status == 403};
  });
  story.step("delete its CA certificate from the hub", "CONNACK 5, issuer not trusted", [&] {
    for (const auto& name : hub_certificates(stage, subject)) {
      stage.operate({"hub", "certificate", "delete", "--hub", "hub", "-n", name, "-y"});
    }
    return stage.refused_for("gateway-2", old, "issuer not trusted");
  });
  story.step("disable the enrollment", "DPS answers disabled", [&] {
    stage.operate({"enrollment", "update", "--id", "gateways", "--group", "--status", "disabled"});
    const auto status = provision_answer(stage, "gateway-spare", "gateways").value("status", "");
    return Sight{status, status == "disabled"};
  });
  story.step("point the enrollment at policy sensors", "its devices are back", [&] {
    stage.operate(
        {"enrollment", "update", "--id", "gateways", "--group", "--status", "enabled", "--policy", "sensors"});
    return all_back(stage, gateways);
  });
}

void act_delete_credential(Stage& stage, Story& story) {
  story.act("7. Delete the credential", "The root CA of the namespace is given up, and everything starts again.");
  story.step("delete it while policies exist", "refused", [&] {
    const auto message = stage.refused({"credential", "delete", "-y"});
    return Sight{message, message.find("polic") != std::string::npos};
  });
  story.step("delete the policies, then the credential", "done", [&] {
    for (const std::string name : {"sensors", "default"}) stage.operate({"policy", "delete", "-n", name, "-y"});
    stage.operate({"credential", "delete", "-y"});
    const auto message = stage.refused({"credential", "show"});
    return Sight{"gone: " + message, message != "accepted"};
  });
  story.step("undo it", "impossible: no policy without a credential", [&] {
    const auto message = stage.refused({"policy", "create", "-n", "sensors"});
    return Sight{message, message != "accepted"};
  });
  const auto before = stage.marks(stage.ids());
  story.step("start again: new credential, policy, certificates", "all five back under the new root", [&] {
    stage.operate({"credential", "create"});
    stage.operate({"policy", "create", "-n", "sensors", "--validity-days", "30"});
    const auto subject = subject_of(policy_of(stage, "sensors"));
    const auto list = stage.ask({"hub", "certificate", "list", "--hub", "hub"});
    for (const auto& row : rows(list)) {
      if (row.at("properties").at("subject") == subject) continue;
      stage.operate({"hub", "certificate", "delete", "--hub", "hub", "-n", row.at("name"), "-y"});
    }
    for (const std::string group : {"sensors", "gateways"}) {
      stage.operate({"enrollment", "update", "--id", group, "--group", "--policy", "sensors"});
    }
    return all_back(stage, before);
  });
}

}  // namespace latchkey::demo
