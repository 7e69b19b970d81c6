// SPDX-License-Identifier: Apache-2.0
// A plain MQTT client that follows the contract of firmware updates as a device does (docs/firmware-update.md): it
// subscribes, says hello, and asks for pieces. What it makes of them is the test's.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/hub.h"

namespace latchkey::tests {

class FirmwareDevice {
 public:
  FirmwareDevice(const Hub& hub, std::string id, const Identity& identity);

  // Connected, and subscribed to the one filter.
  bool connect();
  bool connected() const { return client_.connected(); }
  void disconnect() { client_.disconnect(); }
  // What it says of itself in every report.
  nlohmann::json self = {{"version", "1.0.0"}, {"board", "pump"}, {"pins", 0}, {"revocations", 0}};
  bool report(const std::string& event, const nlohmann::json& more = nlohmann::json::object());

  // The next of this kind ("statement", "offer", "withdraw") that was not taken yet; empty after long patience.
  std::string next(const std::string& kind);
  nlohmann::json next_json(const std::string& kind) { return nlohmann::json::parse(next(kind), nullptr, false); }
  // How many of this kind came up to now, and are not taken yet: everything that the hub said before it answers a
  // request is here when the answer is.
  std::size_t waiting(const std::string& kind);

  struct Answer {
    int status = 0;  // 0: none came
    std::string body;
  };
  Answer ask(const std::string& id, std::size_t at, std::size_t length);
  // The whole bundle, piece by piece, coming again when it is told to; empty when something else is answered.
  std::string fetch(const std::string& id, std::size_t size);

 private:
  DeviceClient client_;
  int requests_ = 0;
  std::vector<Message> seen_;  // taken from the client while something else was waited for
};

}  // namespace latchkey::tests
