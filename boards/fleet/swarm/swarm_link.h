// SPDX-License-Identifier: Apache-2.0
// MqttLink for thousands of devices on one thread: libmosquitto's external loop below an EventLoop, TLS 1.2 or 1.3 by
// OpenSSL with the contexts that all share. A client lives from connect() to its end; between sessions a link is a few
// hundred bytes, and what the device showed last. Three descriptors a session: the socket, and a pair that libmosquitto
// opens and does not need here.
//
// Everything happens on the loop's thread, and events may come from within a call, as the driver allows. Names are
// resolved by the library at connect(), which blocks: use addresses, or names that stand in /etc/hosts. The library
// frees its copy of a password without wiping it.
//
// How ends are told (LinkFailure) is platform/posix/paho_link's way; README.md says what cannot be known.
#pragma once

#include <mosquitto.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boards/fleet/swarm/event_loop.h"
#include "boards/fleet/swarm/tls_contexts.h"
#include "boards/fleet/swarm/turnstile.h"
#include "platform/ports/mqtt_link.h"

namespace latchkey::boards::fleet::swarm {

// mosquitto_lib_init for the whole process, once; cheap when repeated.
void start_library();

class SwarmLink final : public ports::MqttLink, private EventLoop::Socket, private Turnstile::Guest {
 public:
  struct Parts {
    EventLoop& loop;
    TlsContexts& tls;
    Turnstiles& turnstiles;
    ports::Storage& storage;  // of the device: its slots are read at every connect, when its turn has come
  };
  // From the first packet to CONNACK; waiting for a turn is not counted. Shorter than the core's own limit, so that the
  // link's word comes first.
  static constexpr ports::MonotonicMs kConnectWithinMs = 45'000;

  // All outlive the link. LinkIdentity::kOnboarding ends in kLocal: a fleet proves itself by keys.
  SwarmLink(const Parts& parts, ports::MqttLinkEvents& events, ports::MonotonicMs connect_within_ms = kConnectWithinMs);
  ~SwarmLink() override;  // no event comes any more, also none for an open session
  SwarmLink(const SwarmLink&) = delete;
  SwarmLink& operator=(const SwarmLink&) = delete;

  // kInvalidArgument: an empty host. kBusy as the port says.
  Result<void> connect(const ports::LinkRequest& request) override;
  // kNotReady without a session.
  Result<void> subscribe(std::string_view filter, int qos) override;
  Result<void> publish(std::string_view topic, ByteView payload, int qos) override;
  // Does not wait for publishes that are under way. An attempt given up this way ends with kLost too.
  void disconnect() override;

  // The network is gone: what there was ends at once without a word to the server, and nothing can be reached until it
  // is back.
  void cut(bool gone);
  bool connected() const { return connected_; }

 private:
  void on_ready(std::uint32_t events) override;
  void on_turn() override;
  bool open() const { return mosquitto_socket(client_) >= 0; }
  Result<void> take_identity(ports::LinkIdentity identity);
  Result<void> keep_identity(ByteView record);
  Result<void> make_client(const ports::LinkRequest& request);
  int start();
  void leave_turnstile();
  bool reached() const;
  int talk(std::uint32_t events);
  void rearm();
  void look_after();
  void look_after_session();
  void finish();
  void finish(ports::LinkFailure why, int detail);
  ports::LinkFailure judge(int& detail) const;
  void drop();

  static void connected_cb(mosquitto*, void* self, int code, int flags);
  static void subscribed_cb(mosquitto*, void* self, int id, int count, const int* granted);
  static void published_cb(mosquitto*, void* self, int id);
  static void message_cb(mosquitto*, void* self, const mosquitto_message* message);

  Parts parts_;
  ports::MqttLinkEvents& events_;
  const ports::MonotonicMs connect_within_ms_;
  EventLoop::Timer timer_;
  Handshake handshake_;
  Identity kept_;                // what was shown last
  std::uint64_t kept_mark_ = 0;  // of the record that it was read of; 0: nothing
  mosquitto* client_ = nullptr;
  std::uint32_t interest_ = 0;
  int refusal_ = 0;  // CONNACK's return code
  ports::LinkIdentity identity_ = ports::LinkIdentity::kNone;
  std::uint16_t keep_alive_s_ = 60;
  std::uint16_t port_ = 0;
  std::string host_;
  Turnstile* turnstile_ = nullptr;  // between asking for a turn and CONNACK
  bool reached_ = false;            // TCP stands
  bool connected_ = false;          // CONNACK 0 came
  bool inside_ = false;             // in a call of the library, which is not to be destroyed then
  bool leaving_ = false;            // disconnect() came meanwhile
  bool cut_ = false;
  bool unanswered_ = false;  // a QoS 0 message is being sent
  std::vector<int> silent_;  // the ids of such that wait in the library
};

}  // namespace latchkey::boards::fleet::swarm
