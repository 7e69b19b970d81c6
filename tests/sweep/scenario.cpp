// SPDX-License-Identifier: Apache-2.0
#include "tests/sweep/scenario.h"

namespace latchkey::sweep {
namespace {

void switched_off(Rig&) {}

void live(Rig& rig) {
  rig.start();
  test::require(rig.run_until_live(), "the device does not come to life");
}

bool provision(Rig& rig) {
  rig.start();
  return rig.run_until_live();
}

// Up to the end of the renewal that is due now, whatever came of it.
bool renew(Rig& rig) {
  rig.clock.advance(rig.hub.lifetime_ms * 9 / 10);
  const std::uint64_t before = rig.board().link.traffic.renewals;
  return rig.run_until(
      [&] { return rig.board().link.traffic.renewals > before && rig.state() == agent::State::kLive; });
}

void live_and_renewed(Rig& rig) {
  live(rig);
  test::require(renew(rig) && rig.summary().renewed == 1, "the renewal does not succeed");
}

bool come_back(Rig& rig) {
  rig.revoke();
  return rig.run_until_live();
}

bool renew_in_vain(Rig& rig) {
  rig.hub.spoil_next();
  return renew(rig) && rig.board().watcher.count(agent::Occurrence::kFellBack) == 1;
}

bool be_revoked_while_renewing(Rig& rig) {
  rig.hub.manners.renewal = [](SimHub&, const std::string&) { return Answer{200, "", -1, 0, 0}; };
  rig.clock.advance(rig.hub.lifetime_ms * 9 / 10);
  if (!rig.run_until([&] { return rig.state() == agent::State::kRenewAccepted; })) return false;
  rig.hub.manners = {};
  return come_back(rig);
}

bool be_disabled_for_a_while(Rig& rig) {
  rig.hub.set_enabled(false);
  rig.board().link.cut();
  if (!rig.run_until([&] { return rig.state() == agent::State::kSlowWait; })) return false;
  rig.hub.set_enabled(true);
  return rig.run_until_live();
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {"first provisioning", switched_off, provision},
      {"provisioning after a revocation", live, come_back},
      {"renewal", live, renew},
      {"renewal over an older credential", live_and_renewed, renew},
      {"fallback to the older credential", live, renew_in_vain},
      {"revocation during a renewal", live, be_revoked_while_renewing},
      {"disabled and enabled again", live, be_disabled_for_a_while},
  };
  return all;
}

}  // namespace latchkey::sweep
