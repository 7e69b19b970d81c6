// SPDX-License-Identifier: Apache-2.0
// The gate: decides about every connection, publish and subscription of one broker, by the state that the hub process
// feeds it, and carries requests and replies between them. The plugin's edge (plugin_main.cpp) turns the broker's
// events into these calls and does what they say.
//
// One thread, the broker's. Calls must not nest, but for on_disconnect, which a kick causes. Exceptions are those of
// the standard library when memory runs out; after one from on_control the state counts as not ready.
//
// What a live session stands on: its device's record and its issuing CA. When either changes it is cut. A certificate
// that expires while its session lives does not end the session; the device is refused when it next connects.
// A lease that ends does (unless an option keeps them): sessions must not outlive what the hub process can still take
// back. Nothing that a device sends behind that end is taken, however late the broker comes to read it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hub/gate/arrivals.h"
#include "hub/gate/checks.h"
#include "hub/gate/decision_ring.h"
#include "hub/gate/feed_state.h"
#include "hub/gate/host.h"
#include "hub/gate/options.h"
#include "hub/gate/outbox.h"
#include "hub/gate/places.h"
#include "hub/gate/session.h"
#include "hub/gate/tls_hook.h"

namespace latchkey::hub::gate {

class Gate : public TlsPolicy {
 public:
  // `process_number`: random; makes connection numbers unique over restarts of the broker.
  Gate(const Options& options, Host& host, std::uint32_t process_number);

  // kRefuse: inside MQTT, with CONNACK 5. kClose: without CONNACK, the device tries again.
  enum class Answer : std::uint8_t { kAccept, kRefuse, kClose };
  Answer on_connect(const ConnectRequest& request);
  void on_disconnect(ClientHandle client);
  // How a connection's address stands on record. Whoever comes through a front of several brokers (docs/hubs.md) has
  // the front's socket for an address.
  std::string_view shown_peer(std::string_view address) const;
  // The broker is about to ask again for every session it knows (SIGHUP); lasts until the next tick.
  void on_reload() { reloading_ = true; }

  // Access. kClose ends the client's connection.
  enum class Access : std::uint8_t { kAllow, kDeny, kClose };
  Access may_write(ClientHandle client, std::string_view topic, ByteView payload, int qos);
  Access may_subscribe(ClientHandle client, std::string_view filter, int qos);
  void on_unsubscribe(ClientHandle client, std::string_view filter);
  // The broker asks it of a device only when a kept session goes on, for each message that it would send again. A
  // cloud-to-device message is taken from it: the hub process keeps those, and knows which are still wanted.
  Access may_read(ClientHandle client, std::string_view topic);

  // A publish that may_write allowed. Empty: nobody gets it (the device has its PUBACK all the same); otherwise the
  // topic under which the broker carries it to the hub process.
  std::string on_publish(ClientHandle client, std::string_view topic, ByteView payload, int qos);

  // A message on one of the $CONTROL topics; ignored unless it is from the hub process.
  void on_control(ClientHandle client, std::string_view topic, ByteView payload);
  // Once per pass of the broker's loop, behind all other events of the pass.
  void on_tick();

  // TlsPolicy
  X509_STORE* store() override { return feed_.trust().store(); }
  UnixMs verification_time() override { return now(); }
  AnchorRef anchor_of(X509* certificate) const override { return feed_.trust().find(certificate); }
  bool keeps_chain() const override { return dps(); }
  void connection_opened(SSL* connection) override;
  void connection_heard(SSL* connection) override { arrivals_.heard(connection, host_.boot_ms()); }
  void connection_closed(SSL* connection) override { arrivals_.closed(connection); }

 private:
  // The hub process's connection. `number` counts them: what was meant for one does not go to the next.
  struct HubLink {
    ClientHandle client = nullptr;
    std::string client_id;
    std::uint64_t number = 0;
    bool subscribed = false;
    bool introduced = false;  // its feed has begun and it was told which connections live
    bool connected() const { return client != nullptr; }
    bool up() const { return connected() && subscribed && introduced; }
  };
  struct Condemned {
    wire::ConnectionId connection = 0;
    std::uint64_t batch = 0;
  };
  struct Kept {
    Subscriptions subscriptions;
    std::uint64_t since_ms = 0;
    std::vector<std::string> unacknowledged = {};  // that the hub process was not told of
  };

  bool dps() const { return options_.endpoint == Endpoint::kDps; }
  UnixMs now() { return feed_.clock().at(host_.real_now()); }
  bool is_hub(ClientHandle client) const { return link_.connected() && client == link_.client; }
  wire::ConnectionId next_connection() { return wire::ConnectionId{process_number_} << 32 | ++last_connection_; }

  // gate.cpp: connections
  Answer accept_hub(const ConnectRequest& request);
  void find_room(const ConnectRequest& request, const Sha256& proof, Checklist& list);
  bool room_to_keep(const ConnectRequest& request);
  void admit(const ConnectRequest& request, const Sha256& proof);
  void inherit(Session& session);
  void tell_resumed();
  void record(const ConnectRequest& request, const Checklist& list);
  void announce(const Session& session, bool resent);
  void report_attempt(const ConnectRequest& request, const Sha256& proof);
  void retire_closing();
  void tell_closed();
  void cut(Session& session, Will will = Will::kDropped);
  void cut_overdue();
  bool has_room();
  void mind_door();
  void send_decisions();
  void flush();

  // gate_control.cpp: what the hub process says
  void on_feed(ByteView payload);
  void on_deliver(ByteView payload);
  void on_attest(ByteView payload);
  void on_hold(ByteView payload);
  void on_end(ByteView payload);
  void introduce();
  bool still_stands(const Session& session) const;
  bool outlived(const Session& session);
  void sweep(const FeedState::Touched& touched);
  void sweep_all();
  void condemn(Session& session, std::uint64_t batch);
  void cut_some();
  void acknowledge_progress();
  void end_lease();
  std::uint64_t cut_number();
  void acknowledge(std::uint64_t generation, bool need_snapshot);

  // gate_publish.cpp: what devices send
  std::string forward(Session& session, std::string_view topic, ByteView payload, int qos);
  bool take_request(Session& session);
  void answer_429(const Session& session, const PublishTopic& request);
  void carry_will(Session& session, std::string_view topic, ByteView payload, int qos);
  void settle(Session& session, std::size_t requests);

  const Options options_;
  Host& host_;
  const std::uint32_t process_number_;
  std::uint32_t last_connection_ = 0;
  bool reloading_ = false;

  Arrivals arrivals_;
  bool taking_ = true;               // new connections
  std::uint64_t held_until_ms_ = 0;  // by the hub process
  FeedState feed_;
  HubLink link_;
  std::string hub_id_;  // the client id that the hub process had last: no device may have it
  Sessions sessions_;
  std::unique_ptr<Session> closing_;            // its disconnect event came; its will may follow
  std::vector<wire::ConnectionId> closed_;      // that have ended, and the hub process is still to be told
  std::unordered_map<std::string, Kept> kept_;  // of persistent sessions that are not connected
  std::vector<wire::ConnectionId> resuming_;    // of whom the hub process has to be told what is unacknowledged
  Attempts attempts_;
  Unverified unverified_;
  std::deque<Condemned> condemned_;
  wire::Ack last_ack_;
  bool lease_was_ended_ = false;

  Outbox outbox_;
  DecisionRing ring_;
  std::size_t outstanding_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t dropped_ = 0;  // telemetry without a hub process to take it
  std::uint64_t sent_messages_ = 0;
  std::size_t sent_connections_ = 0;
  std::uint64_t decisions_sent_ms_ = 0;
};

}  // namespace latchkey::hub::gate
