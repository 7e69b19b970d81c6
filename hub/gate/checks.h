// SPDX-License-Identifier: Apache-2.0
// What is checked of a CONNECT before it gets a place: wire::Check in its order. Pure: no state is changed.
//
// The first failed check gives the reason. Checks that do not depend on a failed one are made all the same, so that the
// decision record answers "what else is wrong with it?"; the others stay skipped.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "hub/gate/feed_state.h"
#include "hub/gate/host.h"
#include "hub/gate/leaf.h"
#include "hub/wire/decision.h"

namespace latchkey::hub::gate {

struct ConnectRequest {
  ClientHandle client = nullptr;
  std::string_view client_id;
  std::string_view username;
  std::string_view password;
  std::string_view peer;
  int protocol_version = 0;  // 4: MQTT 3.1.1
  bool clean = true;
  const Leaf* leaf = nullptr;  // null: no certificate was shown
};

class Checklist {
 public:
  // Returns `passed`.
  bool note(wire::Check check, bool passed, registry::Reason reason_if_not) {
    outcomes_[static_cast<std::size_t>(check)] = passed ? wire::CheckOutcome::kPassed : wire::CheckOutcome::kFailed;
    if (!passed && good()) reason_ = reason_if_not;
    return passed;
  }
  bool good() const { return reason_ == registry::Reason::kNone; }
  registry::Reason reason() const { return reason_; }
  const std::array<wire::CheckOutcome, wire::kCheckCount>& outcomes() const { return outcomes_; }

 private:
  registry::Reason reason_ = registry::Reason::kNone;
  std::array<wire::CheckOutcome, wire::kCheckCount> outcomes_{};
};

// Hub endpoint: everything up to kCurrent. `ready` is the caller's, see FeedState::ready.
void check_hub_connect(const ConnectRequest& request, bool ready, const FeedState& feed, Checklist& list);
// DPS endpoint: form only. The hub process judges the proof.
void check_dps_connect(const ConnectRequest& request, bool ready, Checklist& list);

}  // namespace latchkey::hub::gate
