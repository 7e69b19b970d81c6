// SPDX-License-Identifier: Apache-2.0
// A device, or somebody who would like to be one: MQTT over TLS, packet by packet, so that it can misbehave and say
// exactly what it was answered. Blocking; every wait ends after a minute.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/gate_pki.h"

namespace latchkey::tests {

struct ConnectWish {
  std::string client_id;
  std::optional<std::string> username;
  std::optional<std::string> password;
  int level = 4;  // 3: MQTT 3.1, 4: 3.1.1, 5
  bool clean = true;
  std::string will_topic;  // empty: none
  std::string will_payload;
};

struct Received {
  std::string topic;
  std::string payload;
  int qos = 0;
};

class Probe {
 public:
  // The TLS handshake is over when this returns; throws when the server ended it. `version` 0: any. `identity` null: no
  // certificate. `above`: sent behind the leaf.
  Probe(std::uint16_t port, const Identity* identity, int version = 0, const Identity* above = nullptr,
        SSL_SESSION* resume = nullptr);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  // kNoConnack or the code of the CONNACK.
  static constexpr int kNoConnack = -1;
  int connect(const ConnectWish& wish);
  bool session_present() const { return session_present_; }

  int subscribe(const std::string& filter, int qos = 1);  // the SUBACK's code, -1 when the connection closed
  void unsubscribe(const std::string& filter);
  // At QoS 1: true when the PUBACK came before the connection closed. At QoS 0: always.
  bool publish(const std::string& topic, const std::string& payload, int qos = 1, bool retain = false);
  // Sends without waiting for anything; the kinds below say what came.
  void send(const std::string& packets);
  static std::string connect_packet(const ConnectWish& wish);
  static std::string subscribe_packet(std::uint16_t id, const std::string& filter, int qos);
  static std::string publish_packet(std::uint16_t id, const std::string& topic, const std::string& payload, int qos,
                                    bool retain);

  // The next PUBLISH (acknowledged); throws when none comes or the connection closes.
  Received receive();
  // True when the other side closed; false when something came instead.
  bool closed();
  // Answers of the server so far, oldest first, by packet type ("CONNACK", "SUBACK", "PUBACK", "PUBLISH").
  const std::vector<std::string>& history() const { return history_; }
  // A ping and its answer: everything sent before was served, everything before the answer has come.
  bool alive();
  std::size_t waiting() const { return received_.size(); }
  void disconnect();  // DISCONNECT, then close
  void drop();        // close without a word: the will is sent

  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  SSL_SESSION* session() { return SSL_get1_session(ssl_.get()); }

 private:
  struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  // One packet: its first byte and body; false when the connection has ended.
  bool read_packet(std::uint8_t& head, std::string& body);
  bool read_exactly(char* out, std::size_t size);
  bool await(std::uint8_t type, std::string& body);
  void take_publish(std::uint8_t head, const std::string& body);

  int socket_ = -1;
  std::unique_ptr<SSL_CTX, SslFree> context_;
  std::unique_ptr<SSL, SslFree> ssl_;
  std::uint16_t packet_id_ = 0;
  bool session_present_ = false;
  std::deque<Received> received_;
  std::vector<std::string> history_;
};

}  // namespace latchkey::tests
