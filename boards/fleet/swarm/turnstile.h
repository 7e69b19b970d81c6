// SPDX-License-Identifier: Apache-2.0
// How many devices of a worker may be between their first packet and CONNACK at one time, for each endpoint.
//
// Real devices have a processor each; these share one. Whatever a worker cannot compute at once it must not begin
// either: the hub would see thousands of connections that say nothing, which no real fleet shows it, and rightly end
// them. Who waits here has asked to connect already, so that its latency counts the wait. First come, first served.
//
// How many can be served at once is measured: when somebody takes longer than kSlowMs to get through, fewer are let in,
// and more again, up to the limit, while it is quick. A broker that computes handshakes does nothing else meanwhile,
// the hub's feed included; so its gate hears of a revoke in time on a machine of any speed. One thread.
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
    ports::MonotonicMs since_ = 0;  // inside
    std::list<Guest*>::iterator at_;
  };

  static constexpr ports::MonotonicMs kSlowMs = 2'000;
  static constexpr ports::MonotonicMs kQuickMs = 1'000;
  static constexpr std::size_t kFewest = 8;

  // `most` inside at one time; 0: as many as like.
  Turnstile(EventLoop& loop, std::size_t most)
      : loop_(loop), most_(most), allowed_(most), timer_(loop, [this] { admit(); }) {}

  // True: it is inside. False: on_turn() comes when it is, in a turn of the loop of its own.
  bool enter(Guest& guest);
  // It is through, or gives up. Nothing for one that is outside.
  void leave(Guest& guest);
  std::size_t inside() const { return inside_; }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t allowed() const { return allowed_; }  // inside, now

 private:
  void admit();
  void go_in(Guest& guest);
  void learn(ports::MonotonicMs took);

  EventLoop& loop_;
  const std::size_t most_;
  std::size_t allowed_;
  ports::MonotonicMs narrowed_ = 0;  // when that was last lowered
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
