// SPDX-License-Identifier: Apache-2.0
// The second act: whose firmware five devices run, what happens when the trust in a signature ends on a date, and the
// way back.
#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>

#include "tests/e2e/demo/vendor.h"

namespace latchkey::demo {

using nlohmann::json;

namespace {

constexpr int kHour = 3600;
constexpr int kUpdateMs = 60'000;

std::string joined(const std::vector<std::string>& ids) {
  std::string all;
  for (const auto& id : ids) all += (all.empty() ? "" : ",") + id;
  return all;
}

std::string utc(std::time_t at) {
  std::tm parts{};
  gmtime_r(&at, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// What devices are onboarded with to judge firmware.
std::vector<std::string> trust(Stage& stage, const std::string& eku) {
  const auto key = (stage.hub().work() / "statements.pem").string();
  stage.operate({"firmware", "statement-key", "--out", key});
  const auto roots = stage.hub().data() / "signing";
  return {"--firmware-board",
          "demo-board",
          "--firmware-roots",
          (roots / "roots.pem").string(),
          "--firmware-timestamp-roots",
          (roots / "timestamp-roots.pem").string(),
          "--firmware-statement-key",
          key,
          "--firmware-pins",
          eku,
          "--firmware-slot-size",
          "262144"};
}

Sight all_of(Stage& stage, const std::vector<std::string>& ids, const std::string& words,
             const std::function<bool(const json& firmware)>& is) {
  std::size_t so_far = 0;
  std::string other;
  for (const auto& id : ids) {
    const bool good = stage.agent(id).wait(
        [&](const json& now) { return now.value("connected", false) && is(now.value("firmware", json::object())); },
        kUpdateMs);
    so_far += good ? 1 : 0;
    if (!good) other = "; " + id + ": " + stage.agent(id).status().value("firmware", json::object()).dump();
  }
  return {std::to_string(so_far) + " " + words + other, so_far == ids.size()};
}

// Confirmed, and nothing under way.
Sight all_run(Stage& stage, const std::vector<std::string>& ids, const std::string& version) {
  return all_of(stage, ids, "run " + version, [&](const json& firmware) {
    return firmware.value("version", "") == version && firmware.value("state", "") == "idle";
  });
}

Sight all_refuse(Stage& stage, const std::vector<std::string>& ids, const std::string& reason) {
  return all_of(stage, ids, "refused it: " + reason, [&](const json& firmware) {
    const auto last = firmware.value("last", json());
    return last.is_object() && last.value("report", "") == "refused" && last.value("reason", "") == reason;
  });
}

}  // namespace

void act_firmware(const std::string& key_profile, Story& story) {
  story.act(
      "9. Firmware",
      "A second stage, with a signing service. Devices are given its roots, the profile whose firmware they may run "
      "(by its durable EKU) and the key that signs the hub's statements.");
  Stage stage(key_profile, {"--signing-listen", "127.0.0.1:0", "--signing-open-listen", "127.0.0.1:0"});
  stage.set_up();
  Vendor vendor(stage);
  std::string first, second, third;
  story.step("an account, an identity, a profile; sign 1.1.0", "signed and stamped", [&] {
    vendor.open_account();
    vendor.make_profile("release");
    first = vendor.release("release", "1.1.0");
    return Sight{"signed and stamped", true};
  });
  story.step("offer 1.1.0 to all five", "fetched, judged, tried, confirmed", [&] {
    stage.add_agents(trust(stage, vendor.durable_eku("release")));
    stage.start_agents();
    for (const auto& id : stage.ids()) stage.agent(id).wait_connected();
    stage.operate({"firmware", "publish", first, "--devices", joined(stage.ids())});
    return all_run(stage, stage.ids(), "1.1.0");
  });
  const auto start = std::time(nullptr);
  story.step("two hours later: 1.2.0 for the gateways", "both run it", [&] {
    stage.hub().set_clock(2 * kHour);
    second = vendor.release("release", "1.2.0");
    stage.operate({"firmware", "publish", second, "--devices", joined(kGateways)});
    return all_run(stage, kGateways, "1.2.0");
  });
  story.step("revoke the certificate from an hour before", "the gateways go back to 1.1.0", [&] {
    vendor.revoke("release", utc(start + kHour));
    return all_run(stage, kGateways, "1.1.0");
  });
  story.step("1.1.0 was signed before", "stays valid: the sensors keep it",
             [&] { return all_run(stage, kSensors, "1.1.0"); });
  story.step("offer 1.2.0 to the sensors, too", "refused by each: revoked", [&] {
    const std::string campaign = stage.ask({"firmware", "status"}).at("value").at(0).at("name");
    stage.operate({"firmware", "withdraw", campaign});
    stage.operate({"firmware", "publish", second, "--devices", joined(kSensors)});
    return all_refuse(stage, kSensors, "revoked");
  });
  story.step("the way back: a new identity, previewed, and a new profile", "signs 1.3.0", [&] {
    const auto preview = vendor.make_profile("release-2");
    third = vendor.release("release-2", "1.3.0");
    return Sight{"signed as " + preview, preview.find("CN=Contoso Inc") != std::string::npos};
  });
  story.step("offer 1.3.0 to all five", "refused by each: not a profile that they know", [&] {
    stage.operate({"firmware", "publish", third, "--devices", joined(stage.ids())});
    return all_refuse(stage, stage.ids(), "wrongProfile");
  });
  story.step("a statement pins the new profile", "all five run 1.3.0", [&] {
    stage.operate({"firmware", "pin", vendor.durable_eku("release-2")});
    return all_run(stage, stage.ids(), "1.3.0");
  });
}

}  // namespace latchkey::demo
