// SPDX-License-Identifier: Apache-2.0
// How many devices of a worker may be between their first packet and CONNACK at one time, for each endpoint.
//
// Real devices have a processor each; these share one. Whatever a worker cannot compute at once it must not begin
// either: the hub would see thousands of connections that say nothing, which no real fleet shows it, and rightly end
// them. Who waits here has asked to connect already, so that its latency counts the wait. First come, first served; one
// thread.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <string>

#include "boards/fleet/swarm/event_loop.h"

namespace latchkey::boards::fleet::swarm {

class Turnstile {
 public:
  class Guest {
   public:
    virtual ~Guest() = default;
    virtual void on_turn() = 0;

   private:
    friend class Turnstile;
    enum class Place { kOutside, kWaiting, kInside };
    Place place_ = Place::kOutside;
    std::list<Guest*>::iterator at_;
  };

  // `most` inside at one time; 0: as many as like.
  Turnstile(EventLoop& loop, std::size_t most) : most_(most), timer_(loop, [this] { admit(); }) {}

  // True: it is inside. False: on_turn() comes when it is, in a turn of the loop of its own.
  bool enter(Guest& guest);
  // It is through, or gives up. Nothing for one that is outside.
  void leave(Guest& guest);
  std::size_t inside() const { return inside_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  void admit();

  const std::size_t most_;
  EventLoop::Timer timer_;
  std::size_t inside_ = 0;
  std::list<Guest*> waiting_;
};

// One for each endpoint: a hub that does not answer is not to keep devices from provisioning.
class Turnstiles {
 public:
  Turnstiles(EventLoop& loop, std::size_t most) : loop_(loop), most_(most) {}
  Turnstile& of(const std::string& endpoint) { return all_.try_emplace(endpoint, loop_, most_).first->second; }

 private:
  EventLoop& loop_;
  const std::size_t most_;
  std::map<std::string, Turnstile> all_;
};

}  // namespace latchkey::boards::fleet::swarm
