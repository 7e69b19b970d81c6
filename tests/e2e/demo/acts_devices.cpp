// SPDX-License-Identifier: Apache-2.0
// Acts about single devices: provision, revoke, revoke and disable, disable.
#include <nlohmann/json.hpp>

#include "tests/e2e/demo/stage.h"

namespace latchkey::demo {

using nlohmann::json;
using tests::DeviceClient;

namespace {

constexpr int kWitnesses = 20;

// Sessions of this very process, so that the moment of the cut is known to a fraction of a millisecond.
Sight cut_witnesses(Stage& stage, Story& story) {
  int cut = 0;
  for (int i = 0; i < kWitnesses; ++i) {
    const auto id = "witness-" + std::to_string(i);
    const auto identity = stage.hub().provision(id, stage.group_key("sensors"));
    DeviceClient client(stage.hub().hub_options(id, identity));
    if (client.connect().seen != tests::Seen::kAccepted) return {id + " could not connect", false};
    const auto asked = std::chrono::steady_clock::now();
    stage.operate({"device", "revoke", "-n", id, "-y"});
    const auto closed = client.wait_closed();
    if (!closed) return {id + " kept its session", false};
    story.cut_after(std::chrono::duration<double, std::milli>(*closed - asked).count());
    if (stage.hub().probe(id, identity).reason == "identifier mismatch") ++cut;
  }
  return {std::to_string(cut) + " cut and refused at once", cut == kWitnesses};
}

bool disabled_by_dps(Stage& stage, const std::string& id, const std::string& group) {
  const auto answer = stage.hub().try_provision(id, stage.hub().token(id, stage.group_key(group)), tests::make_key());
  return answer.at("topicStatus") == 200 && answer.at("body").value("status", "") == "disabled";
}

}  // namespace

void act_provision(Stage& stage, Story& story) {
  story.act("1. Provision",
            "Five devices know nothing but an id and a key. Each makes its own key pair, asks the "
            "provisioning endpoint for a certificate and connects to the hub with it.");
  stage.start_agents();
  story.step("all five provision", "5 certificates from 2 policies", [&] {
    int provisioned = 0;
    for (const auto& id : stage.ids()) {
      provisioned +=
          stage.agent(id).wait([](const json& now) { return now.value("provisioned_count", 0) > 0; }) ? 1 : 0;
    }
    return Sight{std::to_string(provisioned) + " provisioned", provisioned == 5};
  });
  story.step("all five connect by mutual TLS", "5 connected", [&] {
    int connected = 0;
    for (const auto& id : stage.ids()) connected += stage.agent(id).wait_connected() ? 1 : 0;
    return Sight{std::to_string(connected) + " connected", connected == 5};
  });
  story.step("telemetry flows", "acknowledged telemetry from all", [&] {
    int telling = 0;
    for (const auto& id : stage.ids()) {
      telling += stage.agent(id).wait([](const json& now) { return now.value("telemetry_acked", 0) >= 2; }) ? 1 : 0;
    }
    return Sight{"telemetry from " + std::to_string(telling), telling == 5};
  });
}

void act_revoke_device(Stage& stage, Story& story) {
  const std::string id = "sensor-1";
  story.act("2. Revoke one device",
            "The operator revokes sensor-1. Its identifier in the registry is replaced, so "
            "every certificate that it ever got stops matching at once.");
  const auto older = stage.hub().provision(id, stage.group_key("sensors"));
  const auto old = stage.agent(id).identity();
  const auto before = stage.mark(id);
  std::vector<std::string> bystanders;
  for (const auto& other : stage.ids()) {
    if (other != id) bystanders.push_back(other);
  }
  const auto others = stage.marks(bystanders);

  story.step("revoke sensor-1: its live session is cut", "cut, and refused when it comes again", [&] {
    stage.operate({"device", "revoke", "-n", id, "-y"});
    const bool told = stage.agent(id).wait([](const json& now) {
      return now.contains("last_refusal") && now["last_refusal"].is_object() &&
             now["last_refusal"].value("connack", 0) == 5;
    });
    return Sight{told ? "cut; its agent got CONNACK 5" : "no CONNACK 5 at the agent", told};
  });
  story.step("its certificate is refused", "CONNACK 5, identifier mismatch",
             [&] { return stage.refused_for(id, old, "identifier mismatch"); });
  story.step("every older certificate of it too", "CONNACK 5, identifier mismatch",
             [&] { return stage.refused_for(id, older, "identifier mismatch"); });
  story.step("it provisions again by itself", "back with a new certificate",
             [&] { return stage.back_with_new_certificate(id, before.serial); });
  story.step("the other four", "untouched", [&] { return stage.untouched(others); });
  story.step("twenty more revocations, timed", "each session cut, each old certificate refused",
             [&] { return cut_witnesses(stage, story); });
}

void act_revoke_and_disable(Stage& stage, Story& story) {
  const std::string id = "sensor-2";
  story.act("3. Revoke and disable", "sensor-2 was stolen: its certificates are revoked and it may not come back.");
  const auto old = stage.agent(id).identity();
  const auto before = stage.mark(id);
  story.step("revoke and disable sensor-2", "CONNACK 5, identifier mismatch", [&] {
    stage.operate({"device", "revoke", "-n", id, "--disable", "-y"});
    return stage.refused_for(id, old, "identifier mismatch");
  });
  story.step("provisioning refuses it", "DPS answers disabled", [&] {
    const bool disabled = disabled_by_dps(stage, id, "sensors");
    return Sight{disabled ? "disabled" : "something else", disabled};
  });
  story.step("enable it", "back after provisioning", [&] {
    stage.operate({"device", "update", "-n", id, "--enabled", "true"});
    return stage.back_with_new_certificate(id, before.serial);
  });
  story.step("its old certificate stays dead", "CONNACK 5, identifier mismatch",
             [&] { return stage.refused_for(id, old, "identifier mismatch"); });
}

void act_disable(Stage& stage, Story& story) {
  const std::string id = "gateway-1";
  story.act("4. Only disable", "gateway-1 is switched off and on again. Nothing is revoked.");
  const auto identity = stage.agent(id).identity();
  const auto serial = stage.mark(id).serial;
  story.step("disable gateway-1", "CONNACK 5, device disabled", [&] {
    stage.operate({"device", "update", "-n", id, "--enabled", "false"});
    return stage.refused_for(id, identity, "device disabled");
  });
  story.step("enable it: the same certificate works again", "connected with the same serial", [&] {
    stage.operate({"device", "update", "-n", id, "--enabled", "true"});
    const bool back = stage.agent(id).wait_connected();
    const bool same = stage.mark(id).serial == serial;
    return Sight{back ? (same ? "connected, same serial" : "connected, another serial") : "not back", back && same};
  });
}

}  // namespace latchkey::demo
