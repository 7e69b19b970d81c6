// SPDX-License-Identifier: Apache-2.0
// One MQTT 3.1.1 session over TLS, driven from outside: requests return at once, what became of them arrives at
// MqttLinkEvents, possibly on another thread. A link never reconnects by itself: the core decides.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/ports/storage.h"

namespace latchkey::ports {

// Which credential the TLS client shows.
enum class LinkIdentity : std::uint8_t {
  kNone,        // server authentication only; the MQTT password carries a token
  kOnboarding,  // the X.509 onboarding credential of the device's configuration
  kSlotA,       // the operational credential stored in Item::kSlotA
  kSlotB,
};

struct LinkRequest {
  std::string_view host;  // checked against the server certificate
  std::uint16_t port = 8883;
  std::string_view client_id;
  std::string_view username;
  std::string_view password;  // empty: none is sent
  LinkIdentity identity = LinkIdentity::kNone;
  std::uint16_t keep_alive_s = 60;
  bool clean_session = true;
};

// Why there is no session, as far as the device can tell.
enum class LinkFailure : std::uint8_t {
  kUnreachable,       // name, route, refused TCP, time-out
  kServerNotTrusted,  // the server's certificate did not verify, or names another host
  kTlsAlert,          // the server ended the handshake; `detail` is the alert number if known, else 0
  kClosedWithoutConnack,
  kRefused,  // CONNACK; `detail` is its return code (MQTT 3.1.1 table 3.1)
  kLost,     // was connected
  kLocal,    // the credential could not be loaded, out of memory: nothing left the device
};

class MqttLinkEvents {
 public:
  virtual ~MqttLinkEvents() = default;
  virtual void on_connected(bool session_present) = 0;
  // The end of a session or of an attempt at one; exactly one per connect().
  virtual void on_ended(LinkFailure why, int detail) = 0;
  virtual void on_subscribed(bool granted) = 0;
  // A QoS 1 publish was acknowledged.
  virtual void on_published() = 0;
  // `topic` and `payload` die with the call.
  virtual void on_message(std::string_view topic, ByteView payload) = 0;
};

class MqttLink {
 public:
  virtual ~MqttLink() = default;
  // Strings in `request` are copied or used up before it returns. kBusy while a session is up or under way.
  virtual Result<void> connect(const LinkRequest& request) = 0;
  virtual Result<void> subscribe(std::string_view filter, int qos) = 0;
  virtual Result<void> publish(std::string_view topic, ByteView payload, int qos) = 0;
  // Ends the session in order; on_ended(kLost) follows unless there was none.
  virtual void disconnect() = 0;
};

}  // namespace latchkey::ports
