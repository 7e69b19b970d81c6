// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/firmware_device.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace latchkey::tests {
namespace {

using nlohmann::json;

const std::string kPrefix = "$iothub/latchkey/firmware/";
constexpr std::size_t kPiece = 4096;

}  // namespace

FirmwareDevice::FirmwareDevice(const Hub& hub, std::string id, const Identity& identity)
    : client_(hub.hub_options(id, identity)) {}

bool FirmwareDevice::connect() {
  return client_.connect().seen == Seen::kAccepted && client_.subscribe(kPrefix + "#") == 1;
}

bool FirmwareDevice::report(const std::string& event, const json& more) {
  json body = self;
  body["report"] = event;
  body.update(more);
  return client_.publish(kPrefix + "report", body.dump());
}

std::string FirmwareDevice::next(const std::string& kind) {
  const auto is_it = [&](const Message& message) { return message.topic == kPrefix + kind; };
  const auto kept = std::find_if(seen_.begin(), seen_.end(), is_it);
  if (kept != seen_.end()) {
    const auto body = kept->payload;
    seen_.erase(kept);
    return body;
  }
  const auto message = client_.wait_message(is_it);
  return message ? message->payload : std::string();
}

FirmwareDevice::Answer FirmwareDevice::ask(const std::string& id, std::size_t at, std::size_t length) {
  const auto rid = "r" + std::to_string(++requests_);
  const auto topic =
      kPrefix + "GET/?$rid=" + rid + "&id=" + id + "&at=" + std::to_string(at) + "&length=" + std::to_string(length);
  if (!client_.publish(topic, "")) return {};
  for (;;) {
    const auto message = client_.wait_message([](const Message&) { return true; });
    if (!message) return {};
    const auto query = message->topic.find("/?$rid=" + rid);
    if (query == std::string::npos) {
      seen_.push_back(*message);
      continue;
    }
    const auto status = message->topic.substr(0, query);
    return {std::stoi(status.substr(status.rfind('/') + 1)), message->payload};
  }
}

std::size_t FirmwareDevice::waiting(const std::string& kind) {
  (void)ask(std::string(64, '0'), 0, 1);
  return static_cast<std::size_t>(std::count_if(
      seen_.begin(), seen_.end(), [&](const Message& message) { return message.topic == kPrefix + kind; }));
}

std::string FirmwareDevice::fetch(const std::string& id, std::size_t size) {
  std::string whole;
  while (whole.size() < size) {
    const auto answer = ask(id, whole.size(), kPiece);
    if (answer.status == 429) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      continue;
    }
    if (answer.status != 200 || answer.body.empty()) return {};
    whole += answer.body;
  }
  return whole;
}

}  // namespace latchkey::tests
