// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/engine.h"

#include <algorithm>

namespace latchkey::boards::fleet::forecast {

void Engine::at(TimeUs time, Listener& who, std::uint64_t number) {
  events_.push({std::max(time, now_), order_++, &who, number});
}

bool Engine::step(TimeUs until) {
  if (events_.empty() || events_.top().time > until) {
    now_ = std::max(now_, until);
    return false;
  }
  const Event event = events_.top();
  events_.pop();
  now_ = event.time;
  ++done_;
  event.who->on_event(event.number);
  return true;
}

}  // namespace latchkey::boards::fleet::forecast
