// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/dps_endpoint.h"

#include <algorithm>
#include <utility>

namespace latchkey::hub::app {
namespace {

// How long the door stays shut for one that did not fit, and how often it is said again.
constexpr std::uint32_t kHoldMs = 250;
constexpr std::uint64_t kHoldAgainMs = 100;

}  // namespace

DpsEndpoint::DpsEndpoint(const DataFolder& folder, Gate::Options gate) : gate_(folder, std::move(gate)) {}

// Where a limit of registrations a minute is asked for, devices hear what the real service says, whatever the load.
void DpsEndpoint::open_provisioning(const Rooms& rooms, provisioning::Options options) {
  provisioning::Admission::Options admission;
  admission.live_waits = rooms.live_waits;
  admission.most_waiting = rooms.most_waiting;
  if (options.registrations_per_minute != 0) {
    fixed_retry_s_ = options.throttle_retry_s;
  } else {
    admission.least_retry_s = std::max(admission.least_retry_s, options.retry_after_s);
    admission.crowded = [this] { hold_door(); };
    options.running_wait_s = [this] { return admission_->wait_of_running_s(); };
  }
  provisioning_ = std::make_unique<provisioning::Provisioning>(rooms.registry, rooms.issuer, rooms.verifier,
                                                               rooms.enforcement, std::move(options));
  admission_ = std::make_unique<provisioning::Admission>(std::move(admission));
  Inbox::Handlers handlers;
  handlers.opened = [this](const wire::Opened& opened) {
    gate_.attest({opened.connection, provisioning_->opened(opened)});
  };
  handlers.closed = [this](wire::ConnectionId connection) { provisioning_->closed(connection); };
  handlers.request = [this](wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload) {
    request(connection, topic, payload);
  };
  inbox_ = std::make_unique<Inbox>(gate_.name(), rooms.workers, rooms.decisions, std::move(handlers));
}

void DpsEndpoint::request(wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload) {
  if (provisioning::Provisioning::registers(topic)) return enter(connection, topic, payload);
  provisioning_->request(connection, topic, payload, reply_to(connection));
}

void DpsEndpoint::enter(wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload) {
  const auto away = admission_->admit(
      provisioning_->group_of(connection), topic.size() + payload.size(),
      [this, connection, topic, payload] { provisioning_->request(connection, topic, payload, reply_to(connection)); });
  if (!away) return;
  provisioning_->turn_away(connection, topic, fixed_retry_s_ != 0 ? fixed_retry_s_ : *away, reply_to(connection));
}

provisioning::Reply DpsEndpoint::reply_to(wire::ConnectionId connection) {
  return [this, connection](std::string_view topic, std::string_view payload) {
    gate_.deliver({connection, std::string(topic), wire::Bytes(payload.begin(), payload.end()), 1});
  };
}

// Whoever comes now would be turned away, after a handshake that is better spent on those who are in.
void DpsEndpoint::hold_door() {
  const std::uint64_t now = throttle::monotonic_ms();
  std::uint64_t before = held_ms_;
  if (now - before >= kHoldAgainMs && held_ms_.compare_exchange_strong(before, now)) gate_.hold(kHoldMs);
}

watch::ProvisioningNumbers DpsEndpoint::numbers() const {
  const auto figures = admission_->figures();
  return {figures.waiting,     figures.running,    figures.admitted,
          figures.turned_away, figures.per_second, static_cast<double>(figures.retry_after_s)};
}

registry::Outcome<registry::Nothing> DpsEndpoint::start() {
  return gate_.start([this](std::string_view topic, ByteView payload) { inbox_->receive(topic, payload); });
}

}  // namespace latchkey::hub::app
