// SPDX-License-Identifier: Apache-2.0
// A provisioning conversation that a test can hold up between its steps: register, then poll until there is a result.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tests/support/device_client.h"

namespace latchkey::tests {

class DpsConversation {
 public:
  struct Answer {
    int status = -1;  // in the topic; -1: none came
    std::string body;
    nlohmann::json json() const;  // {"topicStatus": ..., "body": ...}, as Hub gives it
    int error_code() const;       // of an error body; 0: there is none
  };
  // Connects and subscribes; throws when that is refused. Comes again, as devices do, while it is closed without
  // CONNACK: an earlier session of the same device may not be gone yet.
  explicit DpsConversation(const DeviceClient::Options& options);
  // Sends a register; the first answer.
  Answer begin(const nlohmann::json& body);
  // Polls an operation that is under way; the last answer.
  Answer finish(Answer begun);
  void close() { client_.reset(); }

 private:
  Answer ask(const std::string& topic, const std::string& payload);

  std::unique_ptr<DeviceClient> client_;
  int requests_ = 0;
};

}  // namespace latchkey::tests
