// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/node.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <utility>

#include "hub/app/nodes/called_devices.h"
#include "hub/app/nodes/node_note.h"
#include "registry/cluster/rows.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Sequence;
using registry::cluster::Cluster;
using registry::cluster::Confirmed;

constexpr auto kAgain = std::chrono::milliseconds(100);

Confirmed confirmed(link::Progress progress) {
  return progress == link::Progress::kApplied ? Confirmed::kApplied : Confirmed::kCut;
}

// What was missed nobody knows: whoever comes back reads its twin, and gets its messages.
void end_all_sessions(const HubEndpoints& hubs) {
  for (const auto& hub : hubs.all()) {
    for (const auto& device : hub->sessions().connected()) hub->end_session(device.device_id);
  }
}

NodeNews::Listeners listeners(const HubEndpoints& hubs) {
  return {[&hubs](const registry::store::DeviceNews& news) {
            for (const auto& hub : hubs.all()) {
              if (hub->namespace_name() == news.namespace_name) hub->tell(news);
            }
          },
          [&hubs] { end_all_sessions(hubs); }};
}

}  // namespace

std::int64_t Node::boot_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

Node::Node(Options options, registry::Registry& registry, HubEndpoints& hubs, Local local)
    : options_(std::move(options)),
      registry_(registry),
      hubs_(hubs),
      local_(std::move(local)),
      claims_(boot_ms()),
      claimant_({options_.store, boot_ms}, claims_,
                [this](const registry::cluster::Claims::Ending& ending) {
                  if (const auto hub = hubs_.find(ending.hub)) hub->end_connection(ending.connection);
                }),
      news_(listeners(hubs), options_.news_place),
      asked_({options_.name, boot_ms, [this] { cluster_.hurry(); }}),
      served_({options_.name, boot_ms, [this] { cluster_.hurry(); }}, called_devices(hubs)),
      elsewhere_(registry::rows_of(registry), options_.name),
      drain_([this] { return list_sessions(); },
             [](const Drain::Session& session) { session.hub->end_session(session.seat); }),
      cluster_(cluster_options(), events()) {
  tellers_[1].progress = link::Progress::kCut;
}

Cluster::Options Node::cluster_options() const {
  Cluster::Options options;
  options.store = options_.store;
  options.member = {options_.name, options_.lease_ms};
  options.kept = read_node_note(options_.note);
  options.address = options_.address;
  options.version = LATCHKEY_VERSION;
  options.now_ms = boot_ms;
  options.patience_ms = options_.patience_ms;
  options.load = [this] { return registry::cluster::Load{static_cast<std::int64_t>(sessions()), drain_.done()}; };
  return options;
}

Cluster::Events Node::events() {
  Cluster::Events events;
  events.joined = [this](const Uuid& incarnation) { return write_node_note(options_.note, incarnation); };
  events.granted = [this](const registry::cluster::Membership::Grant& grant) {
    hubs_.grant(grant.sequence, static_cast<std::uint64_t>(grant.until_ms));
  };
  events.lost = [this] { hubs_.drop_grants(); };
  events.changed = [this] {
    registry_.others_changed();
    if (options_.changed) options_.changed();
  };
  events.not_told = [](const std::string& why) {
    std::cerr << "latchkey: the database tells nobody of commits, so this node looks for them fifty times a second: "
              << why << "\n";
  };
  events.seen = [this](const registry::cluster::Node& own) {
    claimant_.serve_as(own.incarnation);
    drain_.step(own.draining, sessions(), boot_ms());
  };
  events.committed = [this](Sequence newest) {
    hubs_.committed(newest);
    const std::lock_guard lock(mutex_);
    newest_ = newest;
    changed_.notify_all();
  };
  events.passes = [this](registry::store::Database& database, const std::vector<std::string>& others) {
    return pass(database, others);
  };
  return events;
}

Outcome<bool> Node::pass(registry::store::Database& database, const std::vector<std::string>& others) {
  LATCHKEY_TRY(more_news, news_.turn(database));
  LATCHKEY_TRY_VOID(served_.tell_ends(database));
  LATCHKEY_TRY(calls, registry::cluster::list_calls(database));
  LATCHKEY_TRY(asking, asked_.turn(database, calls, others));
  LATCHKEY_TRY_VOID(served_.turn(database, calls));
  return more_news || asking;
}

Outcome<std::string> Node::Others::invoke(const std::string& namespace_name, const std::string& device_id,
                                          const twin::MethodCall& call) {
  registry::cluster::DeviceCall asked;
  asked.namespace_name = namespace_name;
  asked.device = device_id;
  asked.method = call.name;
  asked.payload = call.payload;
  asked.connect_ms = call.connect.count();
  asked.response_ms = call.response.count();
  return node_.asked_.ask(std::move(asked));
}

bool Node::Others::connected(const std::string& namespace_name, const std::string& device_id) {
  const auto hubs = node_.hubs_.all();
  return std::any_of(hubs.begin(), hubs.end(), [&](const auto& hub) {
    return hub->namespace_name() == namespace_name && node_.elsewhere_.connected(hub->name(), device_id);
  });
}

std::size_t Node::sessions() const {
  std::size_t all = 0;
  for (const auto& hub : hubs_.all()) all += hub->seats().size();
  return all;
}

std::vector<Drain::Session> Node::list_sessions() const {
  std::vector<Drain::Session> all;
  for (const auto& hub : hubs_.all()) {
    for (const auto& seat : hub->seated()) all.push_back({hub, seat});
  }
  return all;
}

Outcome<Nothing> Node::start(const std::stop_token& end) {
  const std::stop_callback stop(end, [this] { cluster_.stop(); });
  LATCHKEY_TRY_VOID(cluster_.start());
  claimant_.start();
  return Nothing{};
}

void Node::serve() {
  serves_ = true;
  for (auto& teller : tellers_) {
    teller.thread = std::thread([this, progress = teller.progress] { tell(progress); });
  }
}

void Node::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (auto& teller : tellers_) {
    if (teller.thread.joinable()) teller.thread.join();
  }
  claimant_.stop();
  cluster_.stop();
}

void Node::leave() {
  if (serves_) (void)cluster_.leave();
}

// Gates are fenced here for what others have changed, as they are for what is changed here.
void Node::tell(link::Progress progress) {
  Sequence told = 0;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait(lock, [&] { return stopping_ || newest_ > told; });
    if (stopping_) return;
    const Sequence wanted = newest_;
    lock.unlock();
    const auto done = local_(wanted, progress);
    if (done) cluster_.confirm(wanted, confirmed(progress));
    lock.lock();
    if (done) told = wanted;
    if (!done) changed_.wait_for(lock, kAgain, [this] { return stopping_; });
  }
}

Outcome<std::string> Node::agree(const std::string& setting, const std::string& ours) const {
  LATCHKEY_TRY(database,
               registry::store::Database::open(options_.store, registry::store::Database::Access::kReadWrite));
  return registry::cluster::agree(*database, setting, ours);
}

Outcome<Nothing> Node::wait(Sequence sequence, link::Progress progress) {
  return cluster_.wait(sequence, confirmed(progress));
}

std::string Node::not_ready() const {
  const auto state = cluster_.state();
  if (!state.member) return state.trouble.empty() ? "not a member yet" : state.trouble;
  if (boot_ms() >= state.lease_end_ms) return "no lease: " + state.trouble;
  if (state.draining) return "draining";
  return {};
}

}  // namespace latchkey::hub::app
