// SPDX-License-Identifier: Apache-2.0
#include "tests/support/dps_conversation.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

namespace latchkey::tests {
namespace {

constexpr int kAnswerMs = kPatienceMs;
constexpr int kPolls = 1'500;
constexpr int kConnects = 300;
constexpr std::string_view kPrefix = "$dps/registrations/res/";

}  // namespace

nlohmann::json DpsConversation::Answer::json() const {
  return {{"topicStatus", status}, {"body", nlohmann::json::parse(body)}};
}

int DpsConversation::Answer::error_code() const {
  return nlohmann::json::parse(body, nullptr, false).value("errorCode", 0);
}

DpsConversation::DpsConversation(const DeviceClient::Options& options) {
  ConnectResult connected{Seen::kClosedWithoutConnack, -1, false};
  for (int i = 0; i < kConnects && connected.seen == Seen::kClosedWithoutConnack; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    client_ = std::make_unique<DeviceClient>(options);
    connected = client_->connect();
  }
  if (connected.seen != Seen::kAccepted) throw std::runtime_error("DPS: " + connected.text());
  if (client_->subscribe("$dps/registrations/res/#") != 1) throw std::runtime_error("DPS refuses the subscription");
}

DpsConversation::Answer DpsConversation::begin(const nlohmann::json& body) {
  return ask("PUT/iotdps-register/?$rid=" + std::to_string(++requests_), body.dump());
}

DpsConversation::Answer DpsConversation::finish(Answer begun) {
  for (int poll = 0; begun.status == 202 && poll < kPolls; ++poll) {
    const auto operation = nlohmann::json::parse(begun.body).at("operationId").get<std::string>();
    if (poll > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // what a device does between polls
    begun =
        ask("GET/iotdps-get-operationstatus/?$rid=" + std::to_string(++requests_) + "&operationId=" + operation, " ");
  }
  return begun;
}

DpsConversation::Answer DpsConversation::ask(const std::string& topic, const std::string& payload) {
  client_->publish("$dps/registrations/" + topic, payload);
  const auto answer = client_->wait_message([](const Message&) { return true; }, kAnswerMs);
  if (!answer) return {};
  return {std::stoi(answer->topic.substr(kPrefix.size())), answer->payload};
}

}  // namespace latchkey::tests
