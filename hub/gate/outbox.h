// SPDX-License-Identifier: Apache-2.0
// What the gate has to send, in order, until the tick event. The broker serves its queue right behind that event and
// before any other, so what is checked when the outbox is emptied (does the connection still live?) still holds when
// the message goes out, and nobody inherits an answer by taking over a client id in between.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hub/wire/envelope.h"

namespace latchkey::hub::gate {

class Outbox {
 public:
  enum class To : std::uint8_t { kHub, kDevice };
  struct Item {
    To to = To::kHub;
    wire::ConnectionId connection = 0;  // kDevice; kHub: the connection that this message announces, or 0
    std::uint64_t link = 0;             // kHub: the hub's connection that it was meant for
    std::string topic;
    wire::Bytes payload;
    int qos = 1;
    std::uint64_t tag = 0;  // kDevice: not 0, the hub process wants to hear that the broker has it
  };

  void to_hub(std::uint64_t link, std::string_view topic, wire::Bytes payload, int qos = 1,
              wire::ConnectionId announces = 0) {
    items_.push_back({To::kHub, announces, link, std::string(topic), std::move(payload), qos});
  }
  void to_device(wire::ConnectionId connection, std::string topic, wire::Bytes payload, int qos,
                 std::uint64_t tag = 0) {
    items_.push_back({To::kDevice, connection, 0, std::move(topic), std::move(payload), qos, tag});
  }
  bool empty() const { return items_.empty(); }
  std::vector<Item> take() { return std::exchange(items_, {}); }

 private:
  std::vector<Item> items_;
};

}  // namespace latchkey::hub::gate
