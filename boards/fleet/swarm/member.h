// SPDX-License-Identifier: Apache-2.0
// One device of a fleet: the real agent core with storage, link, clock and dice of its own, and what its plan does to
// it: switched on, asleep, awake, crashed, cut off. What it keeps over sleep and crash is its storage alone. One
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/driver.h"
#include "boards/fleet/scenario/plan.h"
#include "boards/fleet/swarm/swarm_link.h"
#include "boards/fleet/swarm/watched_link.h"
#include "platform/sim/entropy.h"
#include "platform/sim/storage.h"

namespace latchkey::boards::fleet::swarm {

// What all devices of a worker share. Outlives them.
struct Household {
  EventLoop& loop;
  TlsContexts& tls;
  Turnstiles& turnstiles;
  const ports::Clock& clock;
  agent::KeyMaker& keys;
  agent::Workspace& room;
  Chronicle& chronicle;
  const scenario::Plan& plan;
  const agent::Config& config;  // without name and key
  ByteView group_key;           // of which each device's own is derived
  std::string prefix;
  ports::MonotonicMs started;  // time 0 of the plan, by the loop's clock
};

class Member final : private agent::Observer, private LinkOwner {
 public:
  Member(const Household& household, history::Device device);
  ~Member() override;

  // Its life begins when the plan says so.
  void begin();
  // The run is over: closes its session in order and does nothing any more.
  void end();
  void cut(bool gone);
  bool connected() const { return link_ && link_->watched.connected_to_hub(); }

 private:
  // Time as the device believes it is.
  class SkewedClock final : public ports::Clock {
   public:
    SkewedClock(const ports::Clock& clock, std::int64_t skew_ms) : clock_(clock), skew_ms_(skew_ms) {}
    UnixMs now() const override { return clock_.now() + skew_ms_ + ahead_ms_; }
    ports::MonotonicMs monotonic() const override { return clock_.monotonic(); }
    bool is_set() const override { return clock_.is_set(); }

    // Lets the device believe that it is later than that until told otherwise.
    void run_ahead(std::int64_t ms) { ahead_ms_ = ms; }
    UnixMs unhurried() const { return clock_.now() + skew_ms_; }

   private:
    const ports::Clock& clock_;
    const std::int64_t skew_ms_;
    std::int64_t ahead_ms_ = 0;
  };
  struct Links {
    Links(const Household& household, history::Device device, Member& member);
    WatchedLink watched;
    SwarmLink link;
  };

  ports::MonotonicMs at(scenario::TimeUs planned) const;
  void follow_plan();
  void arrive();
  void go_to_sleep();
  void wake();
  void lose_credential();
  void switch_on();
  void switch_off();
  void crash();
  void restart();
  void on_timer();
  void note();
  void count();
  void hurry();
  void tell_stored(std::uint32_t generation, bool renewed);

  void on_report(const agent::Report& report) override;
  void on_state(agent::State from, agent::State to) override;
  std::uint32_t generation_in_hand() const override;
  history::TimeUs due() const override { return due_; }
  bool has_power() const override { return storage_.has_power(); }
  void on_link_event() override { note(); }

  const Household& household_;
  const history::Device device_;
  const std::string name_;
  const scenario::DevicePlan plan_;
  const bool comes_back_;
  SkewedClock clock_;
  sim::SeededEntropy dice_;
  sim::SimStorage storage_;
  EventLoop::Timer core_timer_;
  EventLoop::Timer plan_timer_;
  std::unique_ptr<Links> link_;  // both: while it is switched on
  std::unique_ptr<agent::Driver> driver_;
  void (Member::*planned_)() = nullptr;  // what plan_timer_ is set for
  std::uint32_t nap_ = 0;                // the next one, or the one that it is in
  history::TimeUs due_ = 0;
  bool arrived_ = false;
  bool asleep_ = false;
  bool crashing_ = false;
  bool credential_lost_ = false;
  bool ended_ = false;
  bool cut_ = false;
  history::TimeUs connected_at_ = 0;
  bool counted_ = false;       // as connected
  bool counted_back_ = false;  // as one that is back
  bool rests_ = false;         // sleeps since a session that is newer than all acts, or wakes up and is on its way
};

}  // namespace latchkey::boards::fleet::swarm
