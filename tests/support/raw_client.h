// SPDX-License-Identifier: Apache-2.0
// A TLS connection that sends whatever bytes a test wants, and packets written by hand: what a decent MQTT library
// would refuse to send.
//
// Used by one thread. Nothing throws; what fails says so.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/device_client.h"

namespace latchkey::tests {

using Packet = std::vector<std::uint8_t>;  // a whole MQTT packet, fixed header included

class RawClient {
 public:
  // Of the options only host, port, ca_file, identity and tls_version count.
  explicit RawClient(const DeviceClient::Options& options);
  RawClient(RawClient&&) noexcept;
  RawClient& operator=(RawClient&&) noexcept;
  ~RawClient();

  // The loopback address to come from, when it matters which peer this is. Before open().
  void come_from(const std::string& address);
  // TCP and TLS; false when either is refused.
  bool open(int timeout_ms = kPatienceMs);
  bool send(const Packet& packet);
  bool send(std::string_view bytes);
  // The next packet; nothing when the peer closes first, or at the end of the time.
  std::optional<Packet> read(int timeout_ms = kPatienceMs);
  // True once the peer has closed; packets that come before are dropped.
  bool wait_closed(int timeout_ms = kPatienceMs);
  bool closed() const;
  // One CONNECT and its answer.
  ConnectResult connect(const Packet& packet, int timeout_ms = kPatienceMs);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

// MQTT 3.1.1 (OASIS standard, section 3), as far as tests need it; fields may be anything.
struct ConnectFields {
  std::string protocol = "MQTT";
  std::uint8_t level = 4;
  std::string client_id;
  std::string username;  // empty: none
  std::string password;  // empty: none
  bool clean = true;
  std::uint16_t keep_alive_s = 60;
};
Packet connect_packet(const ConnectFields& fields);
Packet publish_packet(std::string_view topic, std::string_view payload, int qos, bool retain = false,
                      std::uint16_t id = 1);
Packet subscribe_packet(std::string_view filter, int qos, std::uint16_t id = 1);
inline constexpr std::uint8_t kConnack = 0x20;
inline constexpr std::uint8_t kPublish = 0x30;
inline constexpr std::uint8_t kPuback = 0x40;
inline constexpr std::uint8_t kSuback = 0x90;
// The kind of a packet: its first four bits.
inline std::uint8_t kind_of(const Packet& packet) { return packet.empty() ? std::uint8_t{0} : packet[0] & 0xf0; }

}  // namespace latchkey::tests
