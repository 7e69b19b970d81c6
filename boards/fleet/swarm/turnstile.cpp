// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/turnstile.h"

#include <algorithm>

namespace latchkey::boards::fleet::swarm {

bool Turnstile::enter(Guest& guest) {
  if (most_ == 0 || (inside_ < allowed_ && waiting_.empty())) {
    go_in(guest);
    return true;
  }
  guest.place_ = Guest::Place::kWaiting;
  guest.at_ = waiting_.insert(waiting_.end(), &guest);
  return false;
}

void Turnstile::leave(Guest& guest) {
  if (guest.place_ == Guest::Place::kInside) {
    --inside_;
    learn(loop_.now() - guest.since_);
  }
  if (guest.place_ == Guest::Place::kWaiting) waiting_.erase(guest.at_);
  guest.place_ = Guest::Place::kOutside;
  // Later: whoever leaves may be in the middle of a step of its core, and the next one's would get in its way.
  if (!waiting_.empty() && inside_ < allowed_) timer_.set(0);
}

void Turnstile::admit() {
  while (!waiting_.empty() && inside_ < allowed_) {
    Guest& guest = *waiting_.front();
    waiting_.pop_front();
    go_in(guest);
    guest.on_turn();
  }
}

void Turnstile::go_in(Guest& guest) {
  guest.place_ = Guest::Place::kInside;
  guest.since_ = loop_.now();
  ++inside_;
}

// Those who were inside together have seen the same crowd: it counts once.
void Turnstile::learn(ports::MonotonicMs took) {
  const auto now = loop_.now();
  if (took > kSlowMs && now - took >= narrowed_) {
    allowed_ = std::min(allowed_, std::max(kFewest, allowed_ * 3 / 4));
    narrowed_ = now;
  } else if (took < kQuickMs && !waiting_.empty()) {
    allowed_ = std::min(allowed_ + 1, most_);
  }
}

}  // namespace latchkey::boards::fleet::swarm
