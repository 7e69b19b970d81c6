// SPDX-License-Identifier: Apache-2.0
// Connections: who gets in, who holds which id, and what is done once per pass of the broker's loop.
#include "hub/gate/gate.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <new>
#include <utility>

namespace latchkey::hub::gate {
namespace {

using registry::Reason;
using wire::Check;

constexpr std::uint64_t kSilentMs = 1'000;           // who comes says something before, unless the broker is late
constexpr std::uint64_t kStalledMs = 5'000;          // a handshake pauses for less, even with a busy client
constexpr std::uint64_t kFiguresEveryMs = 1000;      // live figures are sent at least that far apart
constexpr std::uint64_t kKeptSessionMs = 3'600'000;  // persistent_client_expiration of the DPS broker
constexpr std::size_t kClosedInOne = 4096;           // connections in one message: 32 KB
// For that long the hub endpoint's broker has a session for certain: its own limit is a day.
constexpr std::uint64_t kSurelyKeptMs = 23 * 3'600'000;

// What a DPS client has shown, as one digest: its certificate and its token.
Sha256 digest_proof(const ConnectRequest& request) {
  Sha256 digest{};
  unsigned size = 0;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const Sha256 leaf = request.leaf == nullptr ? Sha256{} : request.leaf->digest;
  if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), leaf.data(), leaf.size()) != 1 ||
      EVP_DigestUpdate(context.get(), request.password.data(), request.password.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1) {
    throw std::bad_alloc();
  }
  return digest;
}

wire::Opened opened_of(const ConnectRequest& request) {
  wire::Opened opened;
  opened.client_id = request.client_id;
  opened.username = request.username;
  opened.password = request.password;
  if (request.leaf != nullptr && request.leaf->verdict != nullptr) opened.chain = request.leaf->verdict->chain;
  opened.peer = request.peer;
  return opened;
}

void wipe_text(std::string& text) { wipe(MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size())); }

}  // namespace

Gate::Gate(const Options& options, Host& host, std::uint32_t process_number)
    : options_(options),
      host_(host),
      process_number_(process_number),
      arrivals_({options.connect_timeout_ms, options.max_silent, kSilentMs, kStalledMs}),
      attempts_(options),
      unverified_(options),
      ring_(options.ring_size) {}

std::string_view Gate::shown_peer(std::string_view address) const {
  const bool front = address.starts_with('/') && address != options_.socket;
  return front ? std::string_view("front") : address;
}

Gate::Answer Gate::on_connect(const ConnectRequest& request) {
  // A reload asks about sessions that were judged when they came: the same answer again. Nobody new can come before the
  // tick that ends it, and refusing a session that is stored but not connected would corrupt the broker's expiry list.
  if (reloading_) return Answer::kAccept;
  if (request.peer == options_.socket) return accept_hub(request);
  if (const TlsHandle connection = arrivals_.introduced()) TlsHook::follow_no_more(connection);
  if (sessions_.by_client(request.client) != nullptr) on_disconnect(request.client);

  Checklist list;
  Sha256 proof{};
  if (request.client_id == hub_id_) {
    // It would take over the hub process's connection, and get everything that is meant for it.
    list.note(Check::kClientId, false, Reason::kMalformedClientId);
  } else if (dps()) {
    check_dps_connect(request, feed_.ready(host_.boot_ms()) && link_.up(), list);
    if (list.good()) {
      proof = digest_proof(request);
      find_room(request, proof, list);
    }
  } else {
    check_hub_connect(request, feed_.ready(host_.boot_ms()), feed_, list);
    if (list.good()) list.note(Check::kPlace, true, Reason::kNone);
  }
  record(request, list);
  if (list.good()) admit(request, proof);
  // Whatever comes over this certificate object again did not do this handshake.
  if (request.leaf != nullptr && request.leaf->verdict != nullptr) request.leaf->verdict->used = true;
  if (list.good()) return Answer::kAccept;
  return registry::faces(list.reason()).connack == 0 ? Answer::kClose : Answer::kRefuse;
}

Gate::Answer Gate::accept_hub(const ConnectRequest& request) {
  if (is_hub(request.client)) return Answer::kAccept;
  const std::string client_id(request.client_id);
  // One hub process at a time: the newest. One of the same name is displaced by the broker itself.
  if (link_.connected() && link_.client_id != client_id) host_.kick(std::string(link_.client_id), Will::kDropped);
  const std::uint64_t number = link_.number + 1;
  link_ = {};
  closed_.clear();  // who is told what lives knows by it what has ended
  link_.client = request.client;
  link_.client_id = client_id;
  hub_id_ = client_id;
  link_.number = number;
  host_.log(LogLevel::kNotice, "latchkey gate: the hub process is connected");
  if (dropped_ != 0) {
    host_.log(LogLevel::kWarning,
              "latchkey gate: telemetry dropped without a hub process: " + std::to_string(dropped_));
    dropped_ = 0;
  }
  return Answer::kAccept;
}

// DPS endpoint: a place for this id, and room among those that have not proven themselves.
void Gate::find_room(const ConnectRequest& request, const Sha256& proof, Checklist& list) {
  const std::string client_id(request.client_id);
  Session* holder = sessions_.by_id(client_id);
  const Sha256 leaf = request.leaf == nullptr ? Sha256{} : request.leaf->digest;
  const Place place = find_place(holder, leaf, proof, attempts_, host_.boot_ms());
  if (place == Place::kAttempt) report_attempt(request, proof);
  const bool free = place == Place::kFree || place == Place::kTakeOver;
  if (!list.note(Check::kPlace, free, Reason::kSessionHeld)) return;

  const Unverified::Room room = unverified_.room_for(request.peer, holder);
  if (!list.note(Check::kPlace, room.granted && room_to_keep(request), Reason::kTooManyConnections)) return;
  if (room.evict != nullptr) cut(*room.evict);
}

// A client without a clean session makes the broker remember it after it is gone, and here anybody may ask for that.
bool Gate::room_to_keep(const ConnectRequest& request) {
  if (request.clean || kept_.size() < options_.max_kept_sessions) return true;
  if (kept_.count(std::string(request.client_id)) != 0) return true;
  const std::uint64_t now_ms = host_.boot_ms();
  std::erase_if(kept_, [now_ms](const auto& kept) { return now_ms - kept.second.since_ms >= kKeptSessionMs; });
  return kept_.size() < options_.max_kept_sessions;
}

void Gate::report_attempt(const ConnectRequest& request, const Sha256& proof) {
  const wire::ConnectionId connection = next_connection();
  if (!attempts_.add(connection, request.client_id, proof, request.peer, host_.boot_ms())) return;
  wire::Opened opened = opened_of(request);
  opened.connection = connection;
  opened.attempt = true;
  outbox_.to_hub(link_.number, wire::kOpenedTopic, encode(opened));
  wipe_text(opened.password);
}

void Gate::admit(const ConnectRequest& request, const Sha256& proof) {
  auto session = std::make_unique<Session>();
  session->connection = next_connection();
  session->client = request.client;
  session->client_id = request.client_id;
  session->username = request.username;
  session->peer = request.peer;
  session->clean = request.clean;
  session->since_ms = host_.boot_ms();
  if (dps()) {
    session->standing = Standing::kPending;
    session->deadline_ms = host_.boot_ms() + options_.unverified_timeout_ms;
    session->proof = proof;
    session->password = request.password;
    if (request.leaf != nullptr) {
      session->leaf_digest = request.leaf->digest;
      session->chain = std::move(request.leaf->verdict->chain);  // nobody else will ask
    }
  } else {
    session->identifier = *request.leaf->identifier;
    session->issuer = request.leaf->verdict->anchor;
  }
  inherit(*session);
  if (session->resuming) resuming_.push_back(session->connection);
  Session& added = sessions_.add(std::move(session));
  if (dps()) unverified_.add(added);
  announce(added, false);
}

// The broker resumes a persistent session, subscriptions and all, without telling: so do we.
void Gate::inherit(Session& session) {
  Session* before = sessions_.by_id(session.client_id);
  if (before != nullptr) before->taken_over = true;
  const auto kept = kept_.find(session.client_id);
  if (!session.clean) {
    if (before != nullptr && !before->clean) {
      session.subscriptions = before->subscriptions;
      session.unacknowledged = std::exchange(before->unacknowledged, {});
      session.resuming = !dps();
      before->resuming = false;
    } else if (kept != kept_.end()) {
      session.subscriptions = std::move(kept->second.subscriptions);
      session.unacknowledged = std::move(kept->second.unacknowledged);
      session.resuming = !dps() && host_.boot_ms() - kept->second.since_ms < kSurelyKeptMs;
    }
  }
  if (kept != kept_.end()) kept_.erase(kept);
}

void Gate::record(const ConnectRequest& request, const Checklist& list) {
  wire::Decision decision;
  decision.at = now();
  decision.reason = list.reason();
  decision.checks = list.outcomes();
  decision.client_id = request.client_id.substr(0, 256);  // as long as the client likes, until it is judged
  decision.peer = request.peer;
  if (request.leaf != nullptr) {
    decision.serial.assign(request.leaf->serial.begin(), request.leaf->serial.end());
    if (request.leaf->verdict != nullptr) decision.issuer = request.leaf->verdict->anchor.ca;
  }
  ring_.add(std::move(decision));
}

void Gate::announce(const Session& session, bool resent) {
  if (!link_.connected() || !link_.introduced) return;  // it will be told with all others
  wire::Opened opened;
  opened.connection = session.connection;
  opened.resent = resent;
  opened.verified = resent && dps() && session.standing == Standing::kVerified;
  opened.client_id = session.client_id;
  opened.username = session.username;
  opened.password = session.password;
  opened.chain = session.chain;
  opened.peer = session.peer;
  opened.since_ms = session.since_ms;
  if (!dps()) {
    opened.identifier = session.identifier;
    opened.filters = session.subscriptions.filters();
    opened.kept = !session.clean;
    opened.resumes = session.resuming;
  }
  outbox_.to_hub(link_.number, wire::kOpenedTopic, encode(opened), 1, session.connection);
  wipe_text(opened.password);
}

void Gate::on_disconnect(ClientHandle client) {
  if (is_hub(client)) {
    const std::uint64_t number = link_.number;
    link_ = {};
    link_.number = number;
    host_.log(LogLevel::kNotice, "latchkey gate: the hub process is gone; deciding goes on with the state it left");
    return;
  }
  std::unique_ptr<Session> session = sessions_.remove(client);
  if (session == nullptr) return;
  retire_closing();
  if (dps()) unverified_.remove(*session);
  outstanding_ -= session->outstanding;
  const bool stored = !session->clean && !session->taken_over;
  if (stored) kept_[session->client_id] = {session->subscriptions, host_.boot_ms(), std::move(session->unacknowledged)};
  closing_ = std::move(session);
}

// Behind the event in which the broker asked about each message: see may_read.
void Gate::tell_resumed() {
  if (resuming_.empty() || !link_.connected() || !link_.introduced) return;
  for (const wire::ConnectionId connection : std::exchange(resuming_, {})) {
    Session* session = sessions_.by_connection(connection);
    if (session == nullptr || !session->resuming) continue;  // gone: the session after it says it all
    session->resuming = false;
    outbox_.to_hub(link_.number, wire::kResumedTopic,
                   encode(wire::Resumed{connection, std::exchange(session->unacknowledged, {})}));
  }
}

// The hub process hears of the end only behind the will.
void Gate::retire_closing() {
  if (closing_ == nullptr) return;
  if (link_.connected() && link_.introduced) closed_.push_back(closing_->connection);
  closing_.reset();
}

void Gate::cut(Session& session, Will will) {
  const ClientHandle client = session.client;
  // The broker goes by client id; whoever was displaced under that id is on its way out by itself.
  if (!session.taken_over) host_.kick(std::string(session.client_id), will);
  if (sessions_.by_client(client) != nullptr && !sessions_.by_client(client)->taken_over) on_disconnect(client);
}

void Gate::cut_overdue() {
  const std::uint64_t now_ms = host_.boot_ms();
  for (std::size_t left = unverified_.size(); left > 0; --left) {
    Session* session = unverified_.overdue(now_ms);
    if (session == nullptr) return;
    cut(*session);
  }
}

// A handshake is most of what a connection costs. Under more of them than the broker or the hub process can serve,
// those that were begun are finished, and whoever comes later waits outside, where waiting is free.
// And while sessions wait to be cut nobody comes in: what a handshake takes they would wait longer, and most of those
// who come are those who were cut already.
bool Gate::has_room() {
  if (!condemned_.empty()) return false;
  const std::uint64_t now_ms = host_.boot_ms();
  const bool unjudged = dps() && unverified_.pending() >= options_.max_unjudged;
  return now_ms >= held_until_ms_ && !unjudged && arrivals_.busy(now_ms) < options_.max_arriving;
}

void Gate::mind_door() {
  const bool take = has_room();
  if (take != taking_) host_.take_new(take);
  taking_ = take;
}

// The broker takes all who wait in one go, unless it is stopped.
void Gate::connection_opened(SSL* connection) {
  arrivals_.opened(connection, host_.boot_ms());
  if (taking_ && !has_room()) mind_door();
}

void Gate::send_decisions() {
  if (!link_.up()) return;
  const std::uint64_t now_ms = host_.boot_ms();
  const bool figures_changed = messages_ != sent_messages_ || sessions_.size() != sent_connections_;
  if (!ring_.has_unsent() && !(figures_changed && now_ms - decisions_sent_ms_ >= kFiguresEveryMs)) return;
  wire::Decisions decisions = ring_.take();
  decisions.connections = sent_connections_ = sessions_.size();
  decisions.messages = sent_messages_ = messages_;
  decisions_sent_ms_ = now_ms;
  outbox_.to_hub(link_.number, wire::kDecisionsTopic, encode(decisions));
}

// Who has ended is told last, behind whatever these connections still said; and not one by one: whoever waits for the
// cut of ten thousand would wait for ten thousand messages as well.
void Gate::tell_closed() {
  for (std::size_t told = 0; told < closed_.size(); told += kClosedInOne) {
    const auto first = closed_.begin() + static_cast<std::ptrdiff_t>(told);
    const auto many = static_cast<std::ptrdiff_t>(std::min(kClosedInOne, closed_.size() - told));
    host_.publish(link_.client_id, std::string(wire::kClosedTopic), encode(wire::Closed{{first, first + many}}), 1);
  }
  closed_.clear();
}

void Gate::flush() {
  std::map<wire::ConnectionId, wire::Delivered> delivered;
  for (Outbox::Item& item : outbox_.take()) {
    Session* session = item.connection == 0 ? nullptr : sessions_.by_connection(item.connection);
    if (item.to == Outbox::To::kHub) {
      if (link_.connected() && item.link == link_.number) {
        host_.publish(link_.client_id, item.topic, item.payload, item.qos);
        if (session != nullptr) session->announced = link_.number;
      }
      wipe(MutableBytes(item.payload.data(), item.payload.size()));  // may hold a token
    } else if (session != nullptr && !session->taken_over) {
      host_.publish(session->client_id, item.topic, item.payload, item.qos);
      if (item.tag != 0) delivered[item.connection].tags.push_back(item.tag);
    }
  }
  if (!link_.connected()) return;
  for (auto& [connection, answer] : delivered) {
    answer.connection = connection;
    host_.publish(link_.client_id, std::string(wire::kDeliveredTopic), encode(answer), 1);
  }
  tell_closed();
}

void Gate::on_tick() {
  reloading_ = false;
  end_lease();
  cut_some();
  acknowledge_progress();
  cut_overdue();
  for (const TlsHandle late : arrivals_.overdue(host_.boot_ms())) {
    if (host_.hang_up(late)) arrivals_.closed(late);
  }
  mind_door();
  retire_closing();
  tell_resumed();
  send_decisions();
  flush();
}

}  // namespace latchkey::hub::gate
