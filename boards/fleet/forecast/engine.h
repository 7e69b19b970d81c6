// SPDX-License-Identifier: Apache-2.0
// Virtual time: events happen in the order of their times, and nothing else passes time. One thread.
//
// Events are small and owned by nobody: who is gone before its event comes has to leave a number behind by which its
// successor knows that the event is not meant for it.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

namespace latchkey::boards::fleet::forecast {

using TimeUs = std::int64_t;

class Engine {
 public:
  // Whom something happens to. `number` is what it gave when it asked.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_event(std::uint64_t number) = 0;
  };

  TimeUs now() const { return now_; }
  // At `time`, or now if that is past; those of the same time in the order of asking.
  void at(TimeUs time, Listener& who, std::uint64_t number);
  // Does the next one; false when there is none, or when it comes after `until` (time then stands at `until`).
  bool step(TimeUs until);
  std::uint64_t done() const { return done_; }

 private:
  struct Event {
    TimeUs time;
    std::uint64_t order;
    Listener* who;
    std::uint64_t number;
    bool operator<(const Event& other) const { return time != other.time ? time > other.time : order > other.order; }
  };
  std::priority_queue<Event> events_;
  TimeUs now_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace latchkey::boards::fleet::forecast
