// SPDX-License-Identifier: Apache-2.0
// An MQTT 3.1.1 client without I/O, for boards that have no MQTT library: bytes that came go in, bytes to send lie in
// unsent(), what they mean is told to MqttLinkEvents from within receive(). One session at a time, one thread, no heap:
// both buffers are the caller's and bound everything that a peer can cause.
//
//   client.open(request, now);              // CONNECT now lies in unsent()
//   client.sent(send(client.unsent()), now);
//   client.receive(bytes_that_came, now);   // any cut of the stream will do
//   client.on_time(now);                    // at wake_at() at the latest: keep-alive
//
// QoS 0 and 1, one filter a SUBSCRIBE, clean or kept sessions; no will, no QoS 2: the agent needs neither. A message
// larger than the incoming buffer is acknowledged and dropped. What a server may not send ends the session.
//
// Why not lwIP's MQTT client or Paho's embedded one: lwIP's TLS layer (2.1.3) takes any server certificate and its
// client cannot run on a host, where this one is tested at every byte boundary; Paho's is not packaged in Debian.
#pragma once

#include <array>
#include <cstdint>

#include "platform/ports/clock.h"
#include "platform/ports/mqtt_link.h"

namespace latchkey::mqtt {

class Client {
 public:
  enum class Phase : std::uint8_t {
    kClosed,      // nothing began, or disconnect() was called
    kConnecting,  // CONNACK is waited for
    kUp,
    kRefused,  // CONNACK with refusal()
    kBroken,   // the server broke the protocol, or was silent beyond the keep-alive
  };

  // `in` holds one message (and what else comes with it), `out` what waits to be sent; both outlive the client.
  // on_ended is never called from here: only the owner of the connection knows why it ended.
  Client(MutableBytes in, MutableBytes out, ports::MqttLinkEvents& events) : in_(in), out_(out), events_(events) {}

  // Forgets what was, and writes CONNECT. kTooLarge when it does not fit.
  Result<void> open(const ports::LinkRequest& request, ports::MonotonicMs now);
  // kNotReady without a session; kTooLarge when the packet does not fit beside what still waits; kBusy when as many
  // packets wait for their acknowledgement as can be remembered.
  Result<void> subscribe(std::string_view filter, int qos);
  Result<void> publish(std::string_view topic, ByteView payload, int qos);
  // Writes DISCONNECT if there is a session. From now on whatever comes is dropped.
  void disconnect();

  Phase phase() const { return phase_; }
  std::uint8_t refusal() const { return refusal_; }

  ByteView unsent() const { return ByteView(out_).subview(0, out_size_); }
  void sent(std::size_t count, ports::MonotonicMs now);
  void receive(ByteView bytes, ports::MonotonicMs now);
  void on_time(ports::MonotonicMs now);
  // 0: nothing to wait for.
  ports::MonotonicMs wake_at() const;

  // Messages that were too large for the buffer.
  std::uint32_t dropped() const { return dropped_; }

 private:
  static constexpr std::size_t kInFlight = 8;
  static constexpr std::size_t kMaxHeader = 5;

  Result<std::uint16_t> take_id(int qos);
  bool settle_id(std::uint16_t id);
  bool fits(std::size_t remaining) const;
  void put(std::uint8_t byte) { out_[out_size_++] = byte; }
  void put_u16(std::size_t number);
  void put_bytes(ByteView bytes);
  void put_text(std::string_view text);
  void put_header(std::uint8_t first, std::size_t remaining);
  void take_header_byte(std::uint8_t byte);
  void take_packet();
  void take_connack(ByteView body);
  void take_publish(ByteView body);
  void break_session() { phase_ = Phase::kBroken; }

  MutableBytes in_;
  MutableBytes out_;
  ports::MqttLinkEvents& events_;
  Phase phase_ = Phase::kClosed;
  std::uint8_t refusal_ = 0;
  std::size_t out_size_ = 0;

  // The packet that is coming in.
  std::array<std::uint8_t, kMaxHeader> header_{};
  std::size_t header_size_ = 0;
  bool header_whole_ = false;
  std::size_t remaining_ = 0;
  std::size_t seen_ = 0;

  std::uint16_t last_id_ = 0;
  std::uint16_t subscribe_id_ = 0;  // 0: none waits
  std::array<std::uint16_t, kInFlight> in_flight_{};

  std::uint32_t keep_alive_ms_ = 0;
  ports::MonotonicMs last_sent_ = 0;
  ports::MonotonicMs ping_sent_ = 0;  // 0: none waits
  std::uint32_t dropped_ = 0;
};

}  // namespace latchkey::mqtt
