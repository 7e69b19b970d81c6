// SPDX-License-Identifier: Apache-2.0
// An MQTT client that sees what a device sees: which CONNACK, which alert, when the session was cut. One session an
// object; identities live in memory.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "tests/support/identity.h"

struct mosquitto;

namespace latchkey::tests {

using TimePoint = std::chrono::steady_clock::time_point;

enum class Seen { kAccepted, kRefused, kClosedWithoutConnack, kTlsFailed, kUnreachable, kTimeout };
std::string to_string(Seen seen);

struct ConnectResult {
  Seen seen = Seen::kTimeout;
  int connack = -1;
  bool session_present = false;
  std::string text() const;  // "accepted", "refused: CONNACK 5", ...
};

struct Message {
  std::string topic;
  std::string payload;
  int qos = 0;
};

// How long a call waits for what has to come. Only a failure waits so long: it is far more than a loaded machine takes.
inline constexpr int kPatienceMs = 30'000;

class DeviceClient {
 public:
  struct Options {
    std::string host;
    int port = 8883;
    std::string client_id;
    std::string username;
    std::string password;
    std::string ca_file;               // server trust
    std::optional<Identity> identity;  // shown in TLS
    int tls_version = 0;               // 0x0303 or 0x0304 alone; 0: the library's choice
    int mqtt_version = 4;              // 3, 4 (3.1.1) or 5
    bool clean_session = true;
    int keep_alive_s = 60;
    std::string will_topic;
  };
  explicit DeviceClient(Options options);
  DeviceClient(const DeviceClient&) = delete;
  DeviceClient& operator=(const DeviceClient&) = delete;
  ~DeviceClient();

  ConnectResult connect(int timeout_ms = kPatienceMs);
  bool connected() const;
  // The granted QoS, 128 when refused, -1 on time-out.
  int subscribe(const std::string& filter, int qos = 1, int timeout_ms = kPatienceMs);
  // True once it is acknowledged (QoS 1) or sent (QoS 0).
  bool publish(const std::string& topic, const std::string& payload, int qos = 1, int timeout_ms = kPatienceMs);
  // The first message not taken yet that satisfies `wanted`.
  std::optional<Message> wait_message(const std::function<bool(const Message&)>& wanted, int timeout_ms = kPatienceMs);
  std::size_t waiting_messages() const;
  // When the session ended; nothing when it still lives after that time.
  std::optional<TimePoint> wait_closed(int timeout_ms = kPatienceMs);
  void disconnect();

 private:
  struct Callbacks;
  void run();

  const Options options_;
  mosquitto* client_ = nullptr;
  SSL_CTX* tls_ = nullptr;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::optional<ConnectResult> result_;
  std::optional<TimePoint> closed_;
  std::deque<Message> messages_;
  std::deque<std::pair<int, int>> granted_;  // message id, QoS
  std::deque<int> published_;
};

}  // namespace latchkey::tests
