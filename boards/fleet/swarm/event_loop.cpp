// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace latchkey::boards::fleet::swarm {
namespace {

constexpr ports::MonotonicMs kSliceMs = 10;

}  // namespace

EventLoop::EventLoop(const ports::Clock& clock)
    : clock_(clock), epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // nobody's: it only wakes
  if (good()) ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
}

bool EventLoop::watch(int descriptor, std::uint32_t events, Socket& who) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool EventLoop::change(int descriptor, std::uint32_t events, Socket& who) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0;
}

void EventLoop::forget(int descriptor, Socket& who) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
  forget_closed(who);
}

// What was reported in this turn and not told yet is about a descriptor that may soon be another's.
void EventLoop::forget_closed(Socket& who) {
  for (int i = ready_from_; i < ready_to_; ++i) {
    auto& event = ready_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &who) event.data.ptr = nullptr;
  }
}

void EventLoop::run() {
  while (!stopped_) turn(60'000);
}

void EventLoop::turn(int at_most_ms) {
  const int count = ::epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), wait_for(at_most_ms));
  ready_to_ = std::max(count, 0);
  std::partition(ready_.begin(), ready_.begin() + ready_to_,
                 [](const epoll_event& event) { return (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0; });
  for (ready_from_ = 0; ready_from_ < ready_to_;) {
    const epoll_event event = ready_[static_cast<std::size_t>(ready_from_++)];
    if (event.data.ptr != nullptr) static_cast<Socket*>(event.data.ptr)->on_ready(event.events);
  }
  do_posted();
  ring_timers();
}

int EventLoop::wait_for(int at_most_ms) const {
  if (timers_.empty()) return at_most_ms;
  const auto current = now();
  const auto due = timers_.front()->due_;
  if (due <= current) return 0;
  return static_cast<int>(std::min<ports::MonotonicMs>(due - current, static_cast<unsigned>(at_most_ms)));
}

void EventLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto woken = ::write(wake_.get(), &one, sizeof one);  // full only if it wakes anyway
}

void EventLoop::stop() {
  stopped_ = true;
  post([] {});
}

void EventLoop::do_posted() {
  std::uint64_t times = 0;
  if (::read(wake_.get(), &times, sizeof times) < 0) return;
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

// Those due by now, and not what they set anew: sockets have their turn in between, after each slice. When thousands
// are cut at once, the first of them are due again before the last are told of it.
void EventLoop::ring_timers() {
  const auto current = now();
  std::size_t most = timers_.size();
  while (most-- > 0 && !timers_.empty() && timers_.front()->due_ <= current && now() - current < kSliceMs) {
    Timer& timer = *timers_.front();
    cancel(timer);
    timer.ring_();
  }
}

void EventLoop::place(Timer* timer, std::size_t at) {
  timers_[at] = timer;
  timer->place_ = at;
}

// Moves what stands there to where it belongs.
void EventLoop::settle(std::size_t at) {
  Timer* const timer = timers_[at];
  while (at > 0 && timer->due_ < timers_[(at - 1) / 2]->due_) {
    place(timers_[(at - 1) / 2], at);
    at = (at - 1) / 2;
  }
  for (;;) {
    std::size_t child = 2 * at + 1;
    if (child >= timers_.size()) break;
    if (child + 1 < timers_.size() && timers_[child + 1]->due_ < timers_[child]->due_) ++child;
    if (timers_[child]->due_ >= timer->due_) break;
    place(timers_[child], at);
    at = child;
  }
  place(timer, at);
}

void EventLoop::set(Timer& timer, ports::MonotonicMs due) {
  timer.due_ = due;
  if (!timer.is_set()) {
    timers_.push_back(&timer);
    timer.place_ = timers_.size() - 1;
  }
  settle(timer.place_);
}

void EventLoop::cancel(Timer& timer) {
  if (!timer.is_set()) return;
  const std::size_t at = timer.place_;
  timer.place_ = Timer::kNowhere;
  Timer* const last = timers_.back();
  timers_.pop_back();
  if (last == &timer) return;
  place(last, at);
  settle(at);
}

}  // namespace latchkey::boards::fleet::swarm
