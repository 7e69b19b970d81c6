// SPDX-License-Identifier: Apache-2.0
// The hub process as the gate sees it: a libmosquitto client on the Unix socket that feeds it and hears what it says.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "hub/wire/decision.h"
#include "hub/wire/envelope.h"
#include "hub/wire/feed.h"

struct mosquitto;
struct mosquitto_message;

namespace latchkey::tests {

class HubSide {
 public:
  struct Request {
    hub::wire::ConnectionId connection = 0;
    std::string topic;
    std::string payload;
  };

  // Connected and subscribed when this returns.
  explicit HubSide(const std::string& socket, const std::string& client_id = "latchkey-hub");
  ~HubSide();
  HubSide(const HubSide&) = delete;
  HubSide& operator=(const HubSide&) = delete;

  // Disconnects for good: the library would connect again by itself.
  void leave();

  // A whole state in one batch of a new generation; returns its acknowledgement.
  hub::wire::Ack snapshot(std::vector<hub::wire::FeedChange> changes, std::uint64_t lease_end_ms = hub::wire::kEndless);
  // The next increment; returns its acknowledgement, waiting for `cut` when asked to.
  hub::wire::Ack change(std::vector<hub::wire::FeedChange> changes);
  hub::wire::Ack change_and_cut(std::vector<hub::wire::FeedChange> changes);
  void send(const hub::wire::Batch& batch);
  void send(const hub::wire::Deliver& deliver);
  void send(const hub::wire::Attest& attest);
  void send_raw(std::string_view topic, const hub::wire::Bytes& payload);
  std::uint64_t generation() const { return generation_; }
  std::uint64_t number() const { return number_; }

  // Each waits for the next one of its kind that has not been taken; throws after a minute.
  hub::wire::Ack next_ack();
  hub::wire::Opened next_opened();
  hub::wire::ConnectionId next_closed();
  hub::wire::Subscribed next_subscribed();
  hub::wire::Resumed next_resumed();
  hub::wire::Delivered next_delivered();
  Request next_request();
  hub::wire::Decision next_decision();
  // The totals that came last.
  hub::wire::Decisions totals();
  // What has come and was not taken.
  std::size_t waiting_opened();
  std::size_t waiting_requests();
  // Returns when the broker has served everything that was sent to it before, and its answers have come.
  void settle();

 private:
  template <class T>
  T next(std::deque<T>& queue, const char* what);
  static void on_message(mosquitto*, void* self, const mosquitto_message* message);
  void receive(std::string_view topic, hub::wire::Bytes payload);

  mosquitto* client_ = nullptr;
  bool left_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t number_ = 0;

  std::mutex mutex_;
  std::condition_variable arrived_;
  bool subscribed_ = false;
  std::deque<hub::wire::Ack> acks_;
  std::deque<hub::wire::Opened> opened_;
  std::deque<hub::wire::ConnectionId> closed_;
  std::deque<hub::wire::Subscribed> subscriptions_;
  std::deque<hub::wire::Resumed> resumed_;
  std::deque<hub::wire::Delivered> delivered_;
  std::deque<Request> requests_;
  std::deque<hub::wire::Decision> decisions_;
  hub::wire::Decisions totals_;
};

}  // namespace latchkey::tests
