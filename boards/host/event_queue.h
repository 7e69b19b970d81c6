// SPDX-License-Identifier: Apache-2.0
// The one queue of the agent's loop: what Paho's threads and the signal thread have to say, for the loop's thread.
// Posting: any thread. Waiting: the loop's thread only.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "platform/ports/mqtt_link.h"

namespace latchkey::boards::host {

struct Connected {
  bool session_present;
};
struct Ended {
  ports::LinkFailure why;
  int detail;
};
struct Subscribed {
  bool granted;
};
struct Published {};
struct Arrived {
  std::string topic;
  std::vector<std::uint8_t> payload;
};
struct StopAsked {};

using QueuedEvent = std::variant<Connected, Ended, Subscribed, Published, Arrived, StopAsked>;

class EventQueue final : public ports::MqttLinkEvents {
 public:
  // A peer may send faster than the loop takes: messages beyond this many wait nowhere, they are dropped (as the
  // device's side of QoS 0 and 1 without a session may). Everything else is always kept.
  static constexpr std::size_t kMostMessages = 64;
  // Larger messages are nothing that the agent asks for.
  static constexpr std::size_t kLargestPayload = 65'536;

  void on_connected(bool session_present) override { post(Connected{session_present}); }
  void on_ended(ports::LinkFailure why, int detail) override { post(Ended{why, detail}); }
  void on_subscribed(bool granted) override { post(Subscribed{granted}); }
  void on_published() override { post(Published{}); }
  void on_message(std::string_view topic, ByteView payload) override;
  void ask_to_stop() { post(StopAsked{}); }

  // The next event, or nothing after that time.
  std::optional<QueuedEvent> wait(std::chrono::milliseconds longest);
  // Messages dropped so far.
  std::uint64_t dropped() const;

 private:
  void post(QueuedEvent event);

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable arrived_;
  std::deque<QueuedEvent> events_;
  std::size_t messages_ = 0;
  std::uint64_t dropped_ = 0;
};

// Hands one event to whoever drives the core; StopAsked is the caller's business.
void deliver(const QueuedEvent& event, ports::MqttLinkEvents& to);

}  // namespace latchkey::boards::host
