// SPDX-License-Identifier: Apache-2.0
// A machine's cores in virtual time, and the threads that share them.
//
// A Station is one program, or one kind of thread in it: jobs wait in a queue, and up to `threads` of them are worked
// on at a time. All stations of a machine share its cores as an operating system shares them among threads that want to
// run: with `cores` cores and b busy threads each of these goes on at the rate min(1, cores / b). Work is microseconds
// of processor time. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "boards/fleet/forecast/engine.h"

namespace latchkey::boards::fleet::forecast {

class Processors;

// Who has something done.
class Customer {
 public:
  virtual ~Customer() = default;
  // Asked when the job's turn has come: who has gone meanwhile costs nothing.
  virtual bool still_wants(std::uint32_t ticket, std::uint32_t step) const = 0;
  virtual void served(std::uint32_t ticket, std::uint32_t step) = 0;
};

class Station {
 public:
  struct Job {
    Customer* who = nullptr;  // null: nobody waits for it
    std::uint32_t ticket = 0;
    std::uint32_t step = 0;
    double work_us = 0;
  };
  // First come, first served; those of the first kind before any of the second, as a server hears the connections that
  // it has before it takes new ones.
  enum class Kind { kConversation, kNewcomer };

  Station(Processors& processors, unsigned threads) : processors_(processors), threads_(threads) {}
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  void post(const Job& job, Kind kind = Kind::kConversation);
  double worked_us() const { return worked_us_; }
  // Jobs in the queue of newcomers that nobody waits for.
  std::size_t idle_work() const { return idle_work_; }
  unsigned threads() const { return threads_; }

 private:
  friend class Processors;
  bool next(Job& job);

  Processors& processors_;
  const unsigned threads_;
  unsigned busy_ = 0;
  std::deque<Job> conversations_;
  std::deque<Job> newcomers_;
  std::size_t idle_work_ = 0;
  double worked_us_ = 0;
};

class Processors final : private Engine::Listener {
 public:
  // `cores` may be a part of one: what others leave.
  Processors(Engine& engine, double cores) : engine_(engine), cores_(cores) {}
  Processors(const Processors&) = delete;
  Processors& operator=(const Processors&) = delete;

  double cores() const { return cores_; }
  double worked_us() const { return worked_us_; }

 private:
  friend class Station;
  // Of the threads that run; `until`: by the common clock of all of them, which goes at their rate.
  struct Running {
    double until;
    Station* station;
    Station::Job job;
  };
  void begin(Station& station, const Station::Job& job);
  void pass_time();
  void plan();
  double rate() const;
  void on_event(std::uint64_t number) override;

  Engine& engine_;
  const double cores_;
  std::vector<Running> running_;
  double clock_ = 0;  // microseconds of work that each running thread has had
  TimeUs passed_ = 0;
  std::uint64_t planned_ = 0;
  double worked_us_ = 0;
};

}  // namespace latchkey::boards::fleet::forecast
