// SPDX-License-Identifier: Apache-2.0
#include "boards/host/event_queue.h"

namespace latchkey::boards::host {

void EventQueue::post(QueuedEvent event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  arrived_.notify_one();
}

void EventQueue::on_message(std::string_view topic, ByteView payload) {
  const std::lock_guard lock(mutex_);
  if (messages_ == kMostMessages || payload.size() > kLargestPayload) {
    ++dropped_;
    return;
  }
  ++messages_;
  events_.push_back(Arrived{std::string(topic), {payload.begin(), payload.end()}});
  arrived_.notify_one();
}

std::optional<QueuedEvent> EventQueue::wait(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, longest, [this] { return !events_.empty(); })) return std::nullopt;
  QueuedEvent event = std::move(events_.front());
  events_.pop_front();
  if (std::holds_alternative<Arrived>(event)) --messages_;
  return event;
}

std::uint64_t EventQueue::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void deliver(const QueuedEvent& event, ports::MqttLinkEvents& to) {
  struct Deliverer {
    ports::MqttLinkEvents& to;
    void operator()(const Connected& e) { to.on_connected(e.session_present); }
    void operator()(const Ended& e) { to.on_ended(e.why, e.detail); }
    void operator()(const Subscribed& e) { to.on_subscribed(e.granted); }
    void operator()(const Published&) { to.on_published(); }
    void operator()(const Arrived& e) { to.on_message(e.topic, ByteView(e.payload)); }
    void operator()(const StopAsked&) {}
  };
  std::visit(Deliverer{to}, event);
}

}  // namespace latchkey::boards::host
