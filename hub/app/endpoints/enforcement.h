// SPDX-License-Identifier: Apache-2.0
// hub/link's enforcement as the rooms ask for it: of all gates of this process, and of other nodes'.
#pragma once

#include <functional>
#include <utility>

#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/link/enforcement.h"
#include "hub/ports/enforcement.h"

namespace latchkey::hub::app {

class Enforcement final : public hub::Enforcement {
 public:
  // `hubs` outlives this object. `others`: how to wait for the gates of other nodes, once those here have it; empty
  // when there are none.
  using Others = std::function<registry::Outcome<registry::Nothing>(registry::Sequence, link::Progress)>;
  Enforcement(const HubEndpoints& hubs, int timeout_ms, Others others = {})
      : hubs_(hubs), timeout_ms_(timeout_ms), others_(std::move(others)) {}

  registry::Outcome<registry::Nothing> wait_applied(registry::Sequence sequence) override {
    return wait(sequence, link::Progress::kApplied);
  }
  registry::Outcome<registry::Nothing> wait_cut(registry::Sequence sequence) override {
    return wait(sequence, link::Progress::kCut);
  }
  // The clock is the DPS endpoint's, too.
  registry::Outcome<registry::Nothing> wait_clock(Gate& dps, const std::stop_token& end) const {
    const auto hubs = hubs_.all();
    auto all = members(hubs);
    all.push_back({&dps.feeder(), [&dps] { dps.fence(); }});
    return link::Enforcement(std::move(all), timeout_ms_).wait_clock(end);
  }

  // The gates of this process alone.
  registry::Outcome<registry::Nothing> wait_here(registry::Sequence sequence, link::Progress progress) const {
    const auto hubs = hubs_.all();
    return link::Enforcement(members(hubs), timeout_ms_).wait(sequence, progress);
  }

 private:
  // A hub that is added after the list was taken starts from a snapshot that has the change already.
  registry::Outcome<registry::Nothing> wait(registry::Sequence sequence, link::Progress progress) const {
    LATCHKEY_TRY_VOID(wait_here(sequence, progress));
    return others_ ? others_(sequence, progress) : registry::Nothing{};
  }
  // As long as the list lives.
  static std::vector<link::Enforcement::Member> members(const HubEndpoints::List& hubs) {
    std::vector<link::Enforcement::Member> members;
    for (const auto& hub : hubs) {
      for (const auto& gate : hub->gates()) members.push_back({&gate->feeder(), [&gate] { gate->fence(); }});
    }
    return members;
  }

  const HubEndpoints& hubs_;
  const int timeout_ms_;
  const Others others_;
};

}  // namespace latchkey::hub::app
