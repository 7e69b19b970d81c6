// SPDX-License-Identifier: Apache-2.0
// Operators' acts: which members each has, and what they may say.
#include <algorithm>
#include <array>

#include "boards/fleet/scenario/internal/parts.h"

namespace latchkey::boards::fleet::scenario {
namespace {

// In the order of ActKind.
constexpr std::array<std::string_view, 9> kNames{"revokeDevices", "revokePolicy",  "disableDevices",
                                                 "enableDevices", "deleteDevices", "sync",
                                                 "setFaults",     "clearFaults",   "advanceClock"};

bool is_about_devices(ActKind kind) {
  return kind == ActKind::kRevokeDevices || kind == ActKind::kDisableDevices || kind == ActKind::kEnableDevices ||
         kind == ActKind::kDeleteDevices;
}

// {"count": 3}, {"share": 0.1} or {"as": "the name of an earlier act"}
void read_choice(Members& members, const Scenario& scenario, Choice& choice) {
  const int given = int{members.has("count")} + int{members.has("share")} + int{members.has("as")};
  if (given != 1) members.fault("must have one of count, share and as");
  if (const auto count = members.whole("count", 1, kMostDevices)) {
    choice.count = static_cast<std::uint32_t>(*count);
    if (choice.count > scenario.devices) members.fault("count", "is more than there are devices");
  }
  choice.share = members.share("share");
  choice.as = members.text("as", 64).value_or("");
  const auto earlier = [&](const Act& act) { return act.name == choice.as && is_about_devices(act.kind); };
  if (!choice.as.empty() && std::none_of(scenario.acts.begin(), scenario.acts.end(), earlier)) {
    members.fault("as", "no earlier act on devices has that name");
  }
}

void read_target(Members& members, Scenario& scenario, std::vector<Fault>& faults, Act& act) {
  if (is_about_devices(act.kind)) {
    members.require("devices");
    if (const auto* choice = members.object("devices")) {
      Members inner(*choice, members.pointer("devices"), faults);
      read_choice(inner, scenario, act.devices);
      inner.finish();
    }
  }
  if (act.kind == ActKind::kRevokeDevices) act.disable = members.flag("disable").value_or(false);
  if (act.kind == ActKind::kRevokePolicy) act.policy = members.text("policy", 128).value_or("");
  if (act.kind == ActKind::kSetFaults) {
    members.require("faults");
    if (const auto* document = members.object("faults")) act.faults = document->dump();
  }
  if (act.kind == ActKind::kAdvanceClock) {
    members.require("bySeconds");
    act.advance = members.seconds("bySeconds", 1'000'000, TimeUs{10} * 365 * 86'400 * 1'000'000).value_or(0);
  }
}

}  // namespace

std::string_view to_string(ActKind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

void read_act(Members& members, Scenario& scenario, std::vector<Fault>& faults) {
  Act act;
  members.require("atSeconds");
  members.require("act");
  act.at = members.seconds("atSeconds").value_or(0);
  if (act.at >= scenario.duration) members.fault("atSeconds", std::string(kAfterTheEnd));
  if (!scenario.acts.empty() && act.at < scenario.acts.back().at) {
    members.fault("atSeconds", "is before the act in front of it");
  }
  act.name = members.text("name", 64).value_or("");
  const auto same = [&](const Act& other) { return !act.name.empty() && other.name == act.name; };
  if (std::any_of(scenario.acts.begin(), scenario.acts.end(), same)) members.fault("name", "is given twice");
  const auto kind = members.word("act", {kNames.begin(), kNames.end()});
  if (kind) {
    act.kind = static_cast<ActKind>(*kind);
    read_target(members, scenario, faults, act);
  } else {
    members.leave_the_rest();
  }
  scenario.acts.push_back(std::move(act));
}

}  // namespace latchkey::boards::fleet::scenario
