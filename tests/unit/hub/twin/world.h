// SPDX-License-Identifier: Apache-2.0
// A real registry with two devices, and an outbox that keeps what goes out.
#pragma once

#include <gmock/gmock.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "hub/twin/ports.h"
#include "hub/twin/presence.h"
#include "tests/unit/hub/provisioning/fixture.h"

namespace latchkey::hub::twin {

using registry::Reason;

struct Sent {
  wire::ConnectionId connection = 0;
  std::string topic;
  std::string payload;
  nlohmann::json json() const { return nlohmann::json::parse(payload, nullptr, false); }
};

class FakeOutbox : public Outbox {
 public:
  void deliver(wire::Deliver message) override {
    Sent sent{message.connection, message.topic, std::string(message.payload.begin(), message.payload.end())};
    {
      const std::lock_guard lock(mutex_);
      sent_.push_back(sent);
    }
    if (on_deliver) on_deliver(sent);
  }
  std::vector<Sent> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(sent_, {});
  }
  Sent only() {
    const auto sent = take();
    EXPECT_EQ(sent.size(), 1u);
    return sent.empty() ? Sent{} : sent.front();
  }
  std::function<void(const Sent&)> on_deliver;

 private:
  std::mutex mutex_;
  std::vector<Sent> sent_;
};

inline ByteView view_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class TwinTest : public testing::Test {
 protected:
  TwinTest() {
    for (const char* id : {"dev-1", "dev-2"}) registry.must(registry->create_device(call(), "default", id));
  }
  static registry::Call call() { return test::TemporaryRegistry::call(); }

  Speaker connect(const std::string& id) {
    wire::Opened opened;
    opened.connection = ++connections;
    opened.client_id = id;
    if (const auto device = registry->find_device("default", id)) {
      opened.identifier = DeviceIdentifier{device->uuid, device->credential_id};
    }
    presence.opened(opened);
    return *presence.find(opened.connection);
  }
  registry::AuditRecord newest_audit() { return (*registry->list_audit(0, 1)).front(); }

  test::TemporaryRegistry registry;
  Presence presence;
  FakeOutbox outbox;
  wire::ConnectionId connections = 100;
};

}  // namespace latchkey::hub::twin
