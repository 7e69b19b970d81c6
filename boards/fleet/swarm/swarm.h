// SPDX-License-Identifier: Apache-2.0
// A worker's share of a fleet: its devices on one loop, until somebody ends the run.
//
//   auto swarm = Swarm::create(std::move(share), problem);
//   swarm->run([](const Counters& counters) { ... });   // this thread; the function is called once a second
//   swarm->end(history::Ending::kAllBack, "");          // from any thread
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "boards/fleet/swarm/key_pool.h"
#include "boards/fleet/swarm/member.h"
#include "platform/posix/clock.h"

namespace latchkey::boards::fleet::swarm {

// What a worker is told.
struct Share {
  scenario::Scenario scenario;
  std::string prefix = "fleet-";
  history::Device first = 0;
  std::uint32_t count = 0;
  history::TimeUs start_us = 0;  // time 0 of the run by CLOCK_MONOTONIC

  std::string dps;  // host:port
  std::string id_scope;
  std::string trust_store;              // PEM file
  std::string clock_document;           // of a rehearsal; empty: the machine's time
  std::vector<std::uint8_t> group_key;  // the enrollment group's; wiped when the swarm goes
  std::size_t handshakes = 192;         // that may be under way with each endpoint at one time; 0: no limit
  std::uint32_t retry_max_ms = 60'000;
  std::uint32_t slow_retry_ms = 900'000;
};

class Swarm {
 public:
  // Null when it cannot begin: `problem` then says why, in one sentence.
  static std::unique_ptr<Swarm> create(Share share, history::Writer writer, std::string& problem);
  ~Swarm();
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // Until end(), or until the history cannot be written any more, which ends it as failed. Sessions are closed in
  // order, and the history is complete when this returns.
  void run(const std::function<void(const Counters&)>& each_second);
  void end(history::Ending why, std::string text);
  const Counters& counters() const { return chronicle_.counters; }

 private:
  Swarm(Share share, history::Writer writer, TlsContexts tls);
  void begin();
  void plan_cuts();
  void cut(std::size_t number, bool gone);
  void each_second(const std::function<void(const Counters&)>& look);

  Share share_;
  const scenario::Plan plan_;
  const posix::PosixClock clock_;
  EventLoop loop_;
  TlsContexts tls_;
  Turnstiles turnstiles_;
  Chronicle chronicle_;
  KeyPool keys_;
  const std::unique_ptr<agent::Workspace> room_;
  agent::Config config_;
  std::unique_ptr<Household> household_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::unique_ptr<EventLoop::Timer>> cuts_;
  std::mutex mutex_;  // guards the next
  history::RunEnded ending_;
};

}  // namespace latchkey::boards::fleet::swarm
