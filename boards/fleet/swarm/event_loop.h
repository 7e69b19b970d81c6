// SPDX-License-Identifier: Apache-2.0
// One thread that waits for thousands of sockets, timers and for what other threads post to it. Level-triggered epoll
// and one binary heap; nothing is allocated per wake-up.
//
// Everything but post() and stop() belongs to the loop's thread. A socket or timer may be forgotten, and its owner
// destroyed, at any time, also from within its own call.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "platform/files/descriptor.h"
#include "platform/ports/clock.h"

namespace latchkey::boards::fleet::swarm {

class EventLoop {
 public:
  // Told of what its socket is ready for: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. Of one turn's sockets
  // those come first whose other end has gone: when thousands are cut, it is seen when it happens, and not after the
  // first of them have been through another handshake.
  class Socket {
   public:
    virtual ~Socket() = default;
    virtual void on_ready(std::uint32_t events) = 0;
  };

  // Rings once for each set(). Gone from the loop when it is destroyed.
  class Timer {
   public:
    Timer(EventLoop& loop, std::function<void()> ring) : loop_(loop), ring_(std::move(ring)) {}
    ~Timer() { cancel(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    // Replaces what it was set to. A time that has passed rings in the next turn.
    void set(ports::MonotonicMs due) { loop_.set(*this, due); }
    void cancel() { loop_.cancel(*this); }
    bool is_set() const { return place_ != kNowhere; }
    ports::MonotonicMs due() const { return due_; }

   private:
    friend class EventLoop;
    static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
    EventLoop& loop_;
    std::function<void()> ring_;
    ports::MonotonicMs due_ = 0;
    std::size_t place_ = kNowhere;
  };

  // `clock` times the timers. good() is false when the kernel has no descriptors left.
  explicit EventLoop(const ports::Clock& clock);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  bool good() const { return epoll_ && wake_; }

  // `who` has one socket at a time. False when the kernel refuses (out of memory, a descriptor that cannot be waited
  // for).
  bool watch(int descriptor, std::uint32_t events, Socket& who);
  bool change(int descriptor, std::uint32_t events, Socket& who);
  // Before the descriptor is closed. Nothing that was already reported of it reaches `who` any more.
  void forget(int descriptor, Socket& who);
  // The same for a descriptor that somebody has closed, which took it out of epoll.
  void forget_closed(Socket& who);

  // Until stop(). turn() waits once, `at_most_ms` at the longest, and does what is due; timers for some 10 ms at the
  // longest, the rest of them in the next turn.
  void run();
  void turn(int at_most_ms);
  // From any thread: `task` is done on the loop's, in the order of posting.
  void post(std::function<void()> task);
  void stop();

  ports::MonotonicMs now() const { return clock_.monotonic(); }

 private:
  void set(Timer& timer, ports::MonotonicMs due);
  void cancel(Timer& timer);
  void place(Timer* timer, std::size_t at);
  void settle(std::size_t at);
  int wait_for(int at_most_ms) const;
  void ring_timers();
  void do_posted();

  const ports::Clock& clock_;
  files::Descriptor epoll_;
  files::Descriptor wake_;
  std::vector<Timer*> timers_;  // a heap, soonest first
  std::array<epoll_event, 1024> ready_{};
  int ready_from_ = 0;  // the part of `ready_` that is still to be told
  int ready_to_ = 0;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  // guards the next
  std::vector<std::function<void()>> posted_;
};

}  // namespace latchkey::boards::fleet::swarm
