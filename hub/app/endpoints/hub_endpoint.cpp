// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/hub_endpoint.h"

#include <utility>

#include "hub/app/endpoints/rendezvous.h"

namespace latchkey::hub::app {
namespace {

// Renewals of a hub at one time; whoever asks beyond hears 429 and when to come again.
constexpr std::uint32_t kMostRenewals = 1024;

}  // namespace

using registry::Nothing;
using registry::Outcome;

HubEndpoint::HubEndpoint(const DataFolder& folder, Options options)
    : options_(std::move(options)), seats_(options_.gates.size()) {
  for (const auto& gate : options_.gates) {
    brokers_.push_back(std::make_unique<Broker>());
    gates_.push_back(std::make_unique<Gate>(folder, gate));
  }
  if (options_.front) make_front(folder);
}

void HubEndpoint::make_front(const DataFolder& folder) {
  auto options = *options_.front;
  for (const auto& gate : gates_) options.brokers.push_back(gate->front_socket());
  // A gate that once held a complete state of its process goes on deciding by it, whether or not it has a link. One
  // that was adopted has such a state. The front asks from one thread.
  front_ = std::make_unique<Front>(
      folder, std::move(options),
      [this, complete = std::vector<std::optional<std::uint64_t>>(gates_.size())](std::size_t broker) mutable {
        const auto& gate = *gates_[broker];
        const auto process = gate.restarts();  // before its state: what ends meanwhile counts for nothing
        const auto state = gate.feeder().state();
        if (state.ready || gate.adopted()) complete[broker] = process;
        return state.process_alive && complete[broker] == process;
      });
}

std::string HubEndpoint::broker_name(const std::string& hub, std::size_t broker, std::size_t brokers) {
  return brokers == 1 ? hub : hub + "/" + std::to_string(broker + 1);
}

std::string HubEndpoint::broker_files(const std::string& files, std::size_t broker, std::size_t brokers) {
  return brokers == 1 ? files : files + "-" + std::to_string(broker + 1);
}

void HubEndpoint::open_sessions(const Rooms& rooms, std::function<UnixMs()> now) {
  workers_ = &rooms.workers;
  session::Options options;
  options.namespace_name = namespace_name();
  options.now = now;
  options.max_running = kMostRenewals;
  options.renewal_window = rooms.renewal_window;
  options.servers = rooms.signers.lanes();
  options.apart = [&signers = rooms.signers](wire::ConnectionId connection, std::function<void()> renewal) {
    signers.post(connection, std::move(renewal));
  };
  sessions_ = std::make_unique<session::Sessions>(rooms.registry, rooms.issuer, rooms.enforcement, outbox_, options);
  twin_rooms_ = std::make_unique<TwinRooms>(
      rooms.registry, namespace_name(), now, [this](const wire::Deliver& message) { deliver(message); }, rooms.others);
  firmware_desk_ = std::make_unique<firmware::Desk>(rooms.registry, rooms.statements, rooms.bundles, outbox_,
                                                    firmware::Desk::Options{namespace_name(), std::move(now)});
  for (const auto& gate : gates_) {
    inboxes_.push_back(std::make_unique<Inbox>(gate->name(), rooms.workers, rooms.decisions, handlers()));
  }
}

Inbox::Handlers HubEndpoint::handlers() {
  Inbox::Handlers handlers;
  // All connections of a device in one lane: which of them is the newest is the same for seats and rooms.
  handlers.lane = [this](wire::ConnectionId connection) { return seats_.lane_of(connection); };
  handlers.opened = [this](const wire::Opened& opened) {
    sessions_->opened(opened);
    twin_rooms_->opened(opened);
    firmware_desk_->opened(opened);
  };
  handlers.closed = [this](wire::ConnectionId connection) {
    sessions_->closed(connection);
    twin_rooms_->closed(connection);
    firmware_desk_->closed(connection);
  };
  handlers.subscribed = [this](const wire::Subscribed& subscribed) {
    sessions_->subscribed(subscribed);
    twin_rooms_->subscribed(subscribed);
  };
  handlers.resumed = [this](const wire::Resumed& resumed) { sessions_->resumed(resumed); };
  handlers.delivered = [this](const wire::Delivered& delivered) { sessions_->delivered(delivered); };
  handlers.request = [this](wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload) {
    const ByteView body(payload);
    if (twin_rooms_->request(connection, topic, body) || firmware_desk_->request(connection, topic, body)) return;
    sessions_->request(connection, topic, payload);
  };
  return handlers;
}

Outcome<Nothing> HubEndpoint::start() {
  for (std::size_t i = 0; i < gates_.size(); ++i) {
    LATCHKEY_TRY_VOID(gates_[i]->start([this, i](std::string_view topic, ByteView payload) { hear(i, topic, payload); },
                                       [this, i](Gate::Life life) { live(i, life); }));
  }
  return front_ ? front_->start() : Nothing{};
}

Outcome<Nothing> HubEndpoint::wait_ready(int timeout_ms, const std::stop_token& end) {
  for (const auto& gate : gates_) LATCHKEY_TRY_VOID(gate->wait_ready(timeout_ms, end));
  return front_ ? front_->wait_ready(timeout_ms, end) : Nothing{};
}

void HubEndpoint::stop() {
  stopping_ = true;
  if (front_) front_->stop();
  for (const auto& gate : gates_) gate->stop();
}

void HubEndpoint::end() {
  stopping_ = true;
  if (front_) front_->stop();
  for (const auto& gate : gates_) gate->end();
  for (std::size_t i = 0; i < gates_.size(); ++i) leave(seats_.all(i));
}

const Address& HubEndpoint::address_for(const std::string& device) const {
  if (front_ || gates_.size() == 1) return address();
  std::vector<std::string> names;
  for (const auto& gate : gates_) names.push_back(gate->name());
  return gates_[rendezvous(names, device)]->address();
}

void HubEndpoint::end_session(const std::string& device) {
  if (const auto seat = seats_.find(device)) end_session(*seat);
}

std::vector<Seats::Seat> HubEndpoint::seated() const {
  std::vector<Seats::Seat> seated;
  for (std::size_t broker = 0; broker < gates_.size(); ++broker) {
    for (const auto connection : seats_.all(broker)) seated.push_back({connection, broker});
  }
  return seated;
}

void HubEndpoint::end_connection(wire::ConnectionId connection) {
  if (const auto broker = seats_.broker_of(connection)) gates_[*broker]->end_session(connection);
}

// In the device's lane: behind the news of its arrival, and in the order in which it is told here.
void HubEndpoint::tell(const registry::store::DeviceNews& news) {
  const auto seat = seats_.find(news.device_id);
  if (!seat) return;
  workers_->post(seats_.lane_of(seat->connection), [this, news] {
    if (news.desired_version == 0) return sessions_->offer(news.device_id);
    twin_rooms_->twins().tell(news.device_id, news.device, news.desired_version, news.patch);
  });
}

void HubEndpoint::deliver(const wire::Deliver& message) {
  if (const auto broker = seats_.broker_of(message.connection)) gates_[*broker]->deliver(message);
}

// On the link's thread of that broker: what is decided here has the order in which the gate spoke.
void HubEndpoint::hear(std::size_t broker, std::string_view topic, ByteView payload) {
  if (topic == wire::kOpenedTopic) return arrive(broker, payload);
  if (topic == wire::kResumedTopic) {
    const auto resumed = wire::decode_resumed(payload);
    if (!resumed || !seats_.goes_on(resumed->connection)) return;
  }
  inboxes_[broker]->receive(topic, payload);
  if (topic != wire::kClosedTopic) return;  // behind the message, whose lane the seats know
  const auto closed = wire::decode_closed(payload);
  if (!closed) return;
  leave(closed->connections);
}

void HubEndpoint::arrive(std::size_t broker, ByteView payload) {
  auto opened = wire::decode_opened(payload);
  if (!opened || opened->attempt) return;
  const auto arrival = seats_.opened(broker, *opened);
  if (arrival.ends) gates_[arrival.ends->broker]->end_session(arrival.ends->connection);
  if (!arrival.seated) return;
  if (options_.claims != nullptr &&
      options_.claims->opened(
          {{name(), opened->client_id}, opened->connection, static_cast<std::int64_t>(opened->since_ms)})) {
    gates_[broker]->end_session(opened->connection);  // the order was lost
  }
  if (arrival.goes_on == opened->resumes) return inboxes_[broker]->receive(wire::kOpenedTopic, payload);
  // What that broker remembers of the device is older than what another one was told since.
  opened->resumes = false;
  inboxes_[broker]->receive(wire::kOpenedTopic, wire::encode(*opened));
}

// A link that is lost says nothing of sessions while the broker lives: the next link tells which are there.
void HubEndpoint::live(std::size_t broker, Gate::Life life) {
  auto& state = *brokers_[broker];
  const std::lock_guard lock(state.mutex);
  switch (life) {
    case Gate::Life::kProcessStarted: state.runs = true; return;
    case Gate::Life::kProcessEnded: state.runs = false; break;
    case Gate::Life::kLinkUp:
      state.linked = true;
      seats_.link_up(broker);
      return;
    case Gate::Life::kIntroduced: return close(broker, seats_.untold(broker));
    case Gate::Life::kLinkDown: state.linked = false; break;
  }
  if (!state.runs && !state.linked && !stopping_) close(broker, seats_.all(broker));
}

void HubEndpoint::close(std::size_t broker, const std::vector<wire::ConnectionId>& ended) {
  inboxes_[broker]->receive(wire::kClosedTopic, wire::encode(wire::Closed{ended}));
  leave(ended);  // behind the message, whose lane the seats know
}

void HubEndpoint::leave(const std::vector<wire::ConnectionId>& ended) {
  for (const auto connection : ended) {
    seats_.closed(connection);
    if (options_.claims != nullptr) options_.claims->closed(connection);
  }
}

}  // namespace latchkey::hub::app
