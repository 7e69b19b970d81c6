// SPDX-License-Identifier: Apache-2.0
// The act about time: renewal in its window, and what expiry means. The clock is moved, nobody waits.
#include <nlohmann/json.hpp>

#include "tests/e2e/demo/stage.h"

namespace latchkey::demo {

using nlohmann::json;

namespace {

constexpr double kDay = 86400;
constexpr double kRenewalWindow = 26 * kDay;  // of 30: later than the last renewal point, 85 %
constexpr double kPastFirst = 31 * kDay;      // the first certificates are over, renewed ones are not
constexpr double kPastAll = 100 * kDay;

}  // namespace

void act_renew_and_expire(Stage& stage, Story& story) {
  story.act("8. Time", "Certificates live 30 days. The clock of this rehearsal is moved to day 26, then past the end.");
  const std::string id = "sensor-1";
  const auto old = stage.agent(id).identity();
  const auto before = stage.mark(id);
  story.step("day 26: renewal over the live session", "a new certificate without provisioning", [&] {
    stage.hub().set_clock(kRenewalWindow);
    const bool renewed = stage.agent(id).wait([&](const json& now) {
      return now.value("connected", false) && now.value("renewed_count", 0) > 0 &&
             now.value("serial", "") != before.serial;
    });
    const bool without = stage.mark(id).provisioned == before.provisioned;
    return Sight{renewed ? (without ? "renewed" : "provisioned again") : "not renewed", renewed && without};
  });
  story.step("the old certificate until it expires", "still accepted", [&] {
    const auto probe = stage.hub().probe(id, old);
    return Sight{probe.text(), probe.seen.seen == tests::Seen::kAccepted};
  });
  story.step("day 31: the old certificate", "CONNACK 5, expired", [&] {
    stage.hub().set_clock(kPastFirst);
    return stage.refused_for(id, old, "expired");
  });
  story.step("day 100: an agent whose certificates have all expired", "back through provisioning", [&] {
    stage.agent(id).stop();  // switched off on day 31, on the shelf until day 100
    const auto shelved = stage.mark(id);
    stage.hub().set_clock(kPastAll);
    stage.agent(id).start();
    const auto sight = stage.back_with_new_certificate(id, shelved.serial);
    return Sight{sight.seen, sight.ok && stage.agent(id).status().value("provisioned_count", 0) > 0};
  });
}

}  // namespace latchkey::demo
