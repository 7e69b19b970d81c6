// SPDX-License-Identifier: Apache-2.0
// What the quotas leave of this minute.
#pragma once

#include <cstdint>

#include "hub/management/internal/answer.h"
#include "hub/management/internal/router.h"
#include "hub/management/quotas.h"
#include "hub/throttle/throttle.h"

namespace latchkey::hub::management {

enum class Counted : std::uint8_t { kDeviceCreation, kDeviceEnable, kDeviceDisable, kIdentityAct };

class Throttles {
 public:
  explicit Throttles(const Quotas& quotas);

  // kThrottled, with the time to wait, unless there is room for `count` of these; then they are counted.
  Answer<registry::Nothing> admit(Counted act, std::uint64_t now_ms, std::uint32_t count = 1);

 private:
  throttle::Throttle& of(Counted act);

  throttle::Throttle creations_;
  throttle::Throttle enables_;
  throttle::Throttle disables_;
  throttle::Throttle identity_acts_;
};

// For handlers, by the clock that nobody sets.
Answer<registry::Nothing> admit(const Context& context, Counted act, std::uint32_t count = 1);
// What a route counts as, whatever it is asked for.
Answer<registry::Nothing> admit_route(const Context& context, const Route& route);

}  // namespace latchkey::hub::management
