// SPDX-License-Identifier: Apache-2.0
// An MqttLink without a network: it writes down what it was asked, and the test plays the broker by firing the events.
// It obeys the port's physics: no second connect before the end of the first, no publish without a session, nothing
// arrives without one. Not thread-safe; events are called from within the firing functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/ports/mqtt_link.h"

namespace latchkey::sim {

class ScriptedLink final : public ports::MqttLink {
 public:
  // ports::LinkRequest with its strings owned.
  struct Connect {
    std::string host;
    std::uint16_t port;
    std::string client_id;
    std::string username;
    std::string password;
    ports::LinkIdentity identity;
    std::uint16_t keep_alive_s;
    bool clean_session;
  };
  struct Subscribe {
    std::string filter;
    int qos;
  };
  struct Publish {
    std::string topic;
    std::string payload;
    int qos;
  };

  // Has to be set before anything is fired, and to live as long as the link.
  void set_events(ports::MqttLinkEvents* events) { events_ = events; }

  Result<void> connect(const ports::LinkRequest& request) override;
  Result<void> subscribe(std::string_view filter, int qos) override;
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override;
  void disconnect() override;

  // The broker's side. Each answers whether it was possible; if not, nothing was fired.
  bool accept(bool session_present = false);               // CONNACK 0
  bool end(ports::LinkFailure why, int detail = 0);        // of an attempt or a session
  bool refuse(int connack);                                // CONNACK 1 to 5
  bool grant(bool granted = true);                         // SUBACK for the oldest open subscribe
  bool acknowledge();                                      // PUBACK for the oldest open QoS 1 publish
  bool deliver(std::string_view topic, ByteView payload);  // a message for a subscription
  bool deliver(std::string_view topic, std::string_view payload);
  bool finish_disconnect();  // the end that disconnect() asked for

  bool connecting() const { return state_ == State::kConnecting; }
  bool connected() const { return state_ == State::kConnected; }
  bool disconnecting() const { return disconnecting_; }
  // The status of the next calls of connect(), as a fault; kOk: none.
  void set_connect_status(Status status) { connect_status_ = status; }

  // Everything ever asked, oldest first.
  std::vector<Connect> connects;
  std::vector<Subscribe> subscribes;
  std::vector<Publish> publishes;
  unsigned disconnects = 0;

 private:
  enum class State : std::uint8_t { kIdle, kConnecting, kConnected };

  ports::MqttLinkEvents* events_ = nullptr;
  State state_ = State::kIdle;
  bool disconnecting_ = false;
  unsigned open_subscribes_ = 0;
  unsigned open_publishes_ = 0;
  Status connect_status_ = Status::kOk;
};

}  // namespace latchkey::sim
