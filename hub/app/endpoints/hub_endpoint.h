// SPDX-License-Identifier: Apache-2.0
// One hub endpoint: its brokers with their gates, the sessions of the devices that are connected there, and the way
// between the two. A hub process has one for each hub that it serves. Usually a hub has one broker; of several, each
// device has one session over all of them (hub/app/endpoints/seats.h), and they are reached at one address through a
// front or each at its own (docs/hubs.md).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hub/app/endpoints/front.h"
#include "hub/app/endpoints/gate.h"
#include "hub/app/endpoints/inbox.h"
#include "hub/app/endpoints/seats.h"
#include "hub/app/endpoints/twin_rooms.h"
#include "hub/firmware/desk.h"
#include "hub/session/session.h"
#include "registry/cluster/claims.h"
#include "registry/store/device_news.h"

namespace latchkey::hub::app {

class HubEndpoint {
 public:
  struct Options {
    std::string name;                          // the hub's
    std::string files;                         // what the hub's files go by
    std::string namespace_name;                // that it is linked to
    Address address;                           // where it says that it listens
    std::vector<Gate::Options> gates;          // one for each broker, at least one
    std::optional<Front::Options> front = {};  // without its brokers' sockets; nothing: each is at its gate's address
    registry::cluster::Claims* claims = nullptr;  // of a node among others; outlives this object
  };
  // `folder` outlives this object.
  HubEndpoint(const DataFolder& folder, Options options);
  ~HubEndpoint() { stop(); }

  // What it takes to serve; all outlive this object. Called once, before the gates are started.
  struct Rooms {
    registry::Registry& registry;
    hub::CertificateIssuer& issuer;
    hub::Enforcement& enforcement;  // of all hub endpoints, not of this one alone
    Workers& workers;
    Workers& signers;  // for renewals, so that they hold up no message of their device
    DecisionLog& decisions;
    throttle::RenewalHint renewal_window;  // of session::Options
    firmware::Statements& statements;
    const firmware::Bundles& bundles;
    twin::OtherNodes* others = nullptr;  // that share the registry, if several do
  };
  void open_sessions(const Rooms& rooms, std::function<UnixMs()> now);
  // Gate::start() of each, then the front's. From here on devices are served.
  registry::Outcome<registry::Nothing> start();
  // Gate::wait_ready() of each, then the front's.
  registry::Outcome<registry::Nothing> wait_ready(int timeout_ms, const std::stop_token& end);
  void stop();
  // The same for a hub that goes while others stay: Gate::end().
  void end();

  const std::string& name() const { return options_.name; }
  const std::string& files() const { return options_.files; }
  const std::string& namespace_name() const { return options_.namespace_name; }
  const Address& address() const { return options_.address; }
  // Where that device is to go: the same for all, unless brokers have addresses of their own.
  const Address& address_for(const std::string& device) const;
  using Gates = std::vector<std::unique_ptr<Gate>>;
  const Gates& gates() const { return gates_; }
  const Front* front() const { return front_.get(); }
  session::Sessions& sessions() { return *sessions_; }
  TwinRooms& twin_rooms() { return *twin_rooms_; }
  firmware::Desk& firmware_desk() { return *firmware_desk_; }

  // Ends the session that the device has here, if any. It may come back.
  void end_session(const std::string& device);
  // The same, if it lives, for one whose device has a newer session at another node.
  void end_connection(wire::ConnectionId connection);
  // What was done at some node and concerns that device, if it is connected here. Does not block.
  void tell(const registry::store::DeviceNews& news);
  // The sessions here, of all brokers, and the end of one of them.
  const Seats& seats() const { return seats_; }
  std::vector<Seats::Seat> seated() const;
  void end_session(const Seats::Seat& seat) { gates_[seat.broker]->end_session(seat.connection); }
  // Ends every wait for a device, so that whoever asked has an answer before management closes.
  void stop_waiting() {
    if (twin_rooms_) twin_rooms_->stop();
  }

  // What the broker of that number, from 0, of so many goes by: the hub's name, and of several NAME/1, NAME/2, ...
  static std::string broker_name(const std::string& hub, std::size_t broker, std::size_t brokers);
  // The same for files: FILES, or FILES-1, FILES-2, ...
  static std::string broker_files(const std::string& files, std::size_t broker, std::size_t brokers);

 private:
  class Outbox final : public session::Outbox, public firmware::Outbox {
   public:
    explicit Outbox(HubEndpoint& hub) : hub_(hub) {}
    void deliver(wire::Deliver message) override { hub_.deliver(message); }

   private:
    HubEndpoint& hub_;
  };
  // What is known of one broker's link and process.
  struct Broker {
    std::mutex mutex;  // guards the rest
    bool linked = false;
    bool runs = false;
  };

  Inbox::Handlers handlers();
  void deliver(const wire::Deliver& message);
  void hear(std::size_t broker, std::string_view topic, ByteView payload);
  void arrive(std::size_t broker, ByteView payload);
  void live(std::size_t broker, Gate::Life life);
  void close(std::size_t broker, const std::vector<wire::ConnectionId>& ended);
  void leave(const std::vector<wire::ConnectionId>& ended);
  void make_front(const DataFolder& folder);

  const Options options_;
  Seats seats_;
  Outbox outbox_{*this};
  std::atomic<bool> stopping_{false};
  Workers* workers_ = nullptr;  // once sessions are open
  std::unique_ptr<session::Sessions> sessions_;
  std::unique_ptr<TwinRooms> twin_rooms_;
  std::unique_ptr<firmware::Desk> firmware_desk_;
  std::vector<std::unique_ptr<Inbox>> inboxes_;  // by broker, as the next two
  std::vector<std::unique_ptr<Broker>> brokers_;
  Gates gates_;                   // go before all that they speak to
  std::unique_ptr<Front> front_;  // goes first
};

}  // namespace latchkey::hub::app
