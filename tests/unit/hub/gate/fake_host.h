// SPDX-License-Identifier: Apache-2.0
// A broker on paper: it records what the gate publishes and logs, and obeys kicks as the real one does, with a
// disconnect event before the call returns.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hub/gate/host.h"
#include "hub/wire/feed.h"

namespace latchkey::hub::gate {

class FakeHost : public Host {
 public:
  struct Published {
    std::string client_id;
    std::string topic;
    wire::Bytes payload;
    int qos = 0;
  };

  void publish(const std::string& client_id, const std::string& topic, ByteView payload, int qos) override {
    published.push_back({client_id, topic, wire::Bytes(payload.begin(), payload.end()), qos});
  }
  void kick(const std::string& client_id, Will will) override {
    kicked.push_back(client_id);
    boot += ms_per_kick;
    if (will == Will::kSent) kicked_with_will.push_back(client_id);
    if (on_kick) on_kick(client_id);
  }
  bool hang_up(const void* tls_connection) override {
    hung_up.push_back(tls_connection);
    return true;
  }
  void take_new(bool take) override { taken_new.push_back(take); }
  void log(LogLevel, std::string_view text) override { logged.emplace_back(text); }
  UnixMs real_now() override { return real_ms; }
  std::uint64_t boot_ms() override { return boot; }

  std::vector<Published> published;
  std::vector<std::string> kicked;
  std::vector<std::string> kicked_with_will;  // the same, of those alone
  std::vector<const void*> hung_up;
  std::vector<bool> taken_new;
  std::vector<std::string> logged;
  std::function<void(const std::string&)> on_kick;
  UnixMs real_ms = 1'700'000'000'000;
  std::uint64_t boot = 1'000;
  std::uint64_t ms_per_kick = 0;  // that `boot` goes on
};

}  // namespace latchkey::hub::gate
