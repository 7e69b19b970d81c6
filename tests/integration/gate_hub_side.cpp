// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/gate_hub_side.h"

#include <mosquitto.h>

#include <chrono>
#include <random>
#include <stdexcept>

namespace latchkey::tests {
namespace {

namespace wire = hub::wire;
constexpr auto kPatience = std::chrono::seconds(60);  // reached only by a failure

}  // namespace

HubSide::HubSide(const std::string& socket, const std::string& client_id) {
  static const int initialised = mosquitto_lib_init();
  (void)initialised;
  client_ = mosquitto_new(client_id.c_str(), true, this);
  mosquitto_message_callback_set(client_, on_message);
  mosquitto_connect_callback_set(client_, [](mosquitto* client, void*, int code) {
    if (code == 0) mosquitto_subscribe(client, nullptr, std::string(wire::kHubFilter).c_str(), 1);
  });
  mosquitto_subscribe_callback_set(client_, [](mosquitto*, void* self, int, int, const int* granted) {
    auto* side = static_cast<HubSide*>(self);
    const std::lock_guard lock(side->mutex_);
    side->subscribed_ = granted[0] == 1;
    side->arrived_.notify_all();
  });
  if (mosquitto_connect(client_, socket.c_str(), 0, 60) != MOSQ_ERR_SUCCESS) throw std::runtime_error("hub: connect");
  mosquitto_loop_start(client_);
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, kPatience, [this] { return subscribed_; })) throw std::runtime_error("hub: subscribe");
}

HubSide::~HubSide() {
  leave();
  mosquitto_destroy(client_);
}

void HubSide::leave() {
  if (left_) return;
  left_ = true;
  mosquitto_disconnect(client_);
  mosquitto_loop_stop(client_, false);
}

void HubSide::send_raw(std::string_view topic, const wire::Bytes& payload) {
  if (mosquitto_publish(client_, nullptr, std::string(topic).c_str(), static_cast<int>(payload.size()), payload.data(),
                        1, false) != MOSQ_ERR_SUCCESS) {
    throw std::runtime_error("hub: publish");
  }
}

void HubSide::send(const wire::Batch& batch) { send_raw(wire::kFeedTopic, encode(batch)); }
void HubSide::send(const wire::Deliver& deliver) { send_raw(wire::kDeliverTopic, encode(deliver)); }
void HubSide::send(const wire::Attest& attest) { send_raw(wire::kAttestTopic, encode(attest)); }

wire::Ack HubSide::snapshot(std::vector<wire::FeedChange> changes, std::uint64_t lease_end_ms) {
  std::random_device random;
  generation_ = std::uint64_t{random()} << 32 | random();
  number_ = 1;
  send(wire::Batch{generation_, number_, true, lease_end_ms, std::move(changes)});
  return next_ack();
}

wire::Ack HubSide::change(std::vector<wire::FeedChange> changes) {
  send(wire::Batch{generation_, ++number_, false, wire::kEndless, std::move(changes)});
  return next_ack();
}

wire::Ack HubSide::change_and_cut(std::vector<wire::FeedChange> changes) {
  wire::Ack ack = change(std::move(changes));
  while (ack.cut < number_) ack = next_ack();
  return ack;
}

template <class T>
T HubSide::next(std::deque<T>& queue, const char* what) {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, kPatience, [&queue] { return !queue.empty(); })) {
    throw std::runtime_error(std::string("nothing came: ") + what);
  }
  T first = std::move(queue.front());
  queue.pop_front();
  return first;
}

wire::Ack HubSide::next_ack() { return next(acks_, "ack"); }
wire::Opened HubSide::next_opened() { return next(opened_, "opened"); }
wire::ConnectionId HubSide::next_closed() { return next(closed_, "closed"); }
HubSide::Request HubSide::next_request() { return next(requests_, "request"); }
wire::Subscribed HubSide::next_subscribed() { return next(subscriptions_, "subscribed"); }
wire::Resumed HubSide::next_resumed() { return next(resumed_, "resumed"); }
wire::Delivered HubSide::next_delivered() { return next(delivered_, "delivered"); }
wire::Decision HubSide::next_decision() { return next(decisions_, "decision"); }

wire::Decisions HubSide::totals() {
  const std::lock_guard lock(mutex_);
  return totals_;
}

std::size_t HubSide::waiting_opened() {
  const std::lock_guard lock(mutex_);
  return opened_.size();
}

std::size_t HubSide::waiting_requests() {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

// A batch delivered twice is answered like the first time, and messages keep their order.
void HubSide::settle() {
  send(wire::Batch{generation_, number_, false, wire::kEndless, {}});
  const wire::Ack ack = next_ack();
  if (ack.need_snapshot) throw std::runtime_error("the gate lost its state");
}

void HubSide::on_message(mosquitto*, void* self, const mosquitto_message* message) {
  const auto* payload = static_cast<const std::uint8_t*>(message->payload);
  static_cast<HubSide*>(self)->receive(message->topic, wire::Bytes(payload, payload + message->payloadlen));
}

void HubSide::receive(std::string_view topic, wire::Bytes payload) {
  const std::lock_guard lock(mutex_);
  if (topic == wire::kAckTopic) {
    acks_.push_back(wire::decode_ack(payload).value());
  } else if (topic == wire::kOpenedTopic) {
    opened_.push_back(wire::decode_opened(payload).value());
  } else if (topic == wire::kClosedTopic) {
    const auto closed = wire::decode_closed(payload).value();
    closed_.insert(closed_.end(), closed.connections.begin(), closed.connections.end());
  } else if (topic == wire::kSubscribedTopic) {
    subscriptions_.push_back(wire::decode_subscribed(payload).value());
  } else if (topic == wire::kResumedTopic) {
    resumed_.push_back(wire::decode_resumed(payload).value());
  } else if (topic == wire::kDeliveredTopic) {
    delivered_.push_back(wire::decode_delivered(payload).value());
  } else if (topic == wire::kDecisionsTopic) {
    totals_ = wire::decode_decisions(payload).value();
    for (const auto& decision : totals_.decisions) decisions_.push_back(decision);
  } else {
    const auto request = wire::parse_request_topic(topic).value();
    requests_.push_back(
        {request.connection, std::string(request.device_topic), std::string(payload.begin(), payload.end())});
  }
  arrived_.notify_all();
}

}  // namespace latchkey::tests
