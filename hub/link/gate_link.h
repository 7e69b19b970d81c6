// SPDX-License-Identifier: Apache-2.0
// The hub process's connection to one gate: MQTT over the broker's Unix socket (libmosquitto; Paho refuses unix://).
//
// Threads: publish() from any thread. Events are called on the link's own thread, one at a time; they must not block
// for long and must not call stop(). After a lost connection it dials again every 20 to 500 ms with a fresh client,
// so that nothing meant for the old broker process is resent to the new one.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "platform/base/bytes.h"

struct mosquitto;

namespace latchkey::hub::link {

class GateLink {
 public:
  struct Events {
    std::function<void()> on_up;    // subscribed: whatever the gate says from now on arrives
    std::function<void()> on_down;  // what was published may be lost
    std::function<void(std::string_view topic, ByteView payload)> on_message;
  };

  GateLink(std::string socket, Events events);
  ~GateLink();
  void start();
  void stop();
  // False when there is no connection. QoS 1 promises nothing more: only the gate's own Ack does.
  bool publish(std::string_view topic, ByteView payload, int qos = 1);

 private:
  struct Callbacks;
  void run();
  bool dial();
  void hang_up();

  const std::string socket_;
  const Events events_;
  std::thread thread_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable stop_;
  bool stopping_ = false;
  bool subscribed_ = false;
  mosquitto* client_ = nullptr;  // made and destroyed by thread_ alone
};

}  // namespace latchkey::hub::link
