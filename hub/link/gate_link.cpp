// SPDX-License-Identifier: Apache-2.0
#include "hub/link/gate_link.h"

#include <mosquitto.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "hub/wire/feed.h"

namespace latchkey::hub::link {
namespace {

// Outside the registration pattern: no device can ask for it.
constexpr const char* kClientId = "latchkey/hub";
constexpr int kLoopMs = 100;
constexpr int kKeepAliveS = 60;
constexpr int kSendMaximum = 65535;
constexpr auto kDialFirst = std::chrono::milliseconds(20);
constexpr auto kDialMost = std::chrono::milliseconds(500);

void initialise_library() {
  static const int once = mosquitto_lib_init();
  (void)once;
}

}  // namespace

struct GateLink::Callbacks {
  static void connected(mosquitto* client, void*, int code) {
    if (code == 0) mosquitto_subscribe(client, nullptr, std::string(wire::kHubFilter).c_str(), 1);
  }
  static void subscribed(mosquitto*, void* self, int, int, const int*) {
    auto& link = *static_cast<GateLink*>(self);
    {
      const std::lock_guard lock(link.mutex_);
      link.subscribed_ = true;
    }
    link.events_.on_up();
  }
  static void message(mosquitto*, void* self, const mosquitto_message* message) {
    static_cast<GateLink*>(self)->events_.on_message(
        message->topic,
        ByteView(static_cast<const std::uint8_t*>(message->payload), static_cast<std::size_t>(message->payloadlen)));
  }
};

GateLink::GateLink(std::string socket, Events events) : socket_(std::move(socket)), events_(std::move(events)) {
  initialise_library();
}

GateLink::~GateLink() { stop(); }

void GateLink::start() {
  thread_ = std::thread([this] { run(); });
}

void GateLink::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stop_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool GateLink::publish(std::string_view topic, ByteView payload, int qos) {
  const std::lock_guard lock(mutex_);
  if (!subscribed_) return false;
  return mosquitto_publish(client_, nullptr, std::string(topic).c_str(), static_cast<int>(payload.size()),
                           payload.data(), qos, false) == MOSQ_ERR_SUCCESS;
}

bool GateLink::dial() {
  mosquitto* const client = mosquitto_new(kClientId, true, this);
  mosquitto_threaded_set(client, true);
  mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, kSendMaximum);
  mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, kSendMaximum);
  mosquitto_connect_callback_set(client, Callbacks::connected);
  mosquitto_subscribe_callback_set(client, Callbacks::subscribed);
  mosquitto_message_callback_set(client, Callbacks::message);
  {
    const std::lock_guard lock(mutex_);
    client_ = client;
  }
  return mosquitto_connect(client, socket_.c_str(), 0, kKeepAliveS) == MOSQ_ERR_SUCCESS;
}

void GateLink::hang_up() {
  bool was_up;
  mosquitto* client;
  {
    const std::lock_guard lock(mutex_);
    was_up = std::exchange(subscribed_, false);
    client = std::exchange(client_, nullptr);
  }
  mosquitto_destroy(client);
  if (was_up) events_.on_down();
}

void GateLink::run() {
  auto delay = kDialFirst;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (dial()) {
      delay = kDialFirst;
      bool stop = false;
      while (!stop && mosquitto_loop(client_, kLoopMs, 1) == MOSQ_ERR_SUCCESS) {
        const std::lock_guard guard(mutex_);
        stop = stopping_;
      }
      if (stop) mosquitto_disconnect(client_);
    }
    hang_up();
    lock.lock();
    stop_.wait_for(lock, delay, [this] { return stopping_; });
    delay = std::min(delay * 2, kDialMost);
  }
}

}  // namespace latchkey::hub::link
