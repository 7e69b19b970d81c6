// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/turnstile.h"

namespace latchkey::boards::fleet::swarm {

bool Turnstile::enter(Guest& guest) {
  if (most_ == 0 || (inside_ < most_ && waiting_.empty())) {
    guest.place_ = Guest::Place::kInside;
    ++inside_;
    return true;
  }
  guest.place_ = Guest::Place::kWaiting;
  guest.at_ = waiting_.insert(waiting_.end(), &guest);
  return false;
}

void Turnstile::leave(Guest& guest) {
  if (guest.place_ == Guest::Place::kInside) --inside_;
  if (guest.place_ == Guest::Place::kWaiting) waiting_.erase(guest.at_);
  guest.place_ = Guest::Place::kOutside;
  // Later: whoever leaves may be in the middle of a step of its core, and the next one's would get in its way.
  if (!waiting_.empty() && inside_ < most_) timer_.set(0);
}

void Turnstile::admit() {
  while (!waiting_.empty() && inside_ < most_) {
    Guest& guest = *waiting_.front();
    waiting_.pop_front();
    guest.place_ = Guest::Place::kInside;
    ++inside_;
    guest.on_turn();
  }
}

}  // namespace latchkey::boards::fleet::swarm
