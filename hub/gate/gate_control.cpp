// SPDX-License-Identifier: Apache-2.0
// What the hub process says: state, replies, and verdicts on what DPS clients have shown.
#include <algorithm>

#include "hub/gate/gate.h"
#include "hub/wire/hold.h"
#include "registry/table/verdict.h"

namespace latchkey::hub::gate {
namespace {

// Sessions are cut for so long in one go, some 40 us each: the broker does nothing else meanwhile. Between two goes it
// serves whoever speaks, and frees what it kept of those that are gone.
constexpr std::uint64_t kCutForMs = 500;
// The hub process says so again for as long as it has to.
constexpr std::uint64_t kLongestHoldMs = 2'000;

}  // namespace

void Gate::on_control(ClientHandle client, std::string_view topic, ByteView payload) {
  if (!is_hub(client)) return;
  if (topic == wire::kFeedTopic) {
    try {
      return on_feed(payload);
    } catch (...) {  // a batch may be half applied
      feed_.lose();
      throw;
    }
  }
  if (topic == wire::kDeliverTopic) return on_deliver(payload);
  if (topic == wire::kAttestTopic) return on_attest(payload);
  if (topic == wire::kHoldTopic) return on_hold(payload);
  if (topic == wire::kEndTopic) return on_end(payload);
}

void Gate::on_feed(ByteView payload) {
  const auto batch = wire::decode_batch(payload);
  if (!batch) {
    host_.log(LogLevel::kError, "latchkey gate: a batch of the feed cannot be read; asking for a snapshot");
    feed_.lose();
    return acknowledge(0, true);  // of whatever generation it was
  }
  FeedState::Touched touched;
  const FeedState::Outcome outcome = feed_.apply(*batch, touched);
  if (outcome == FeedState::Outcome::kNeedSnapshot) {
    host_.log(LogLevel::kWarning, "latchkey gate: the feed has a gap; asking for a snapshot");
    return acknowledge(batch->generation, true);
  }
  if (!link_.introduced) introduce();
  if (outcome == FeedState::Outcome::kReplaced) sweep_all();
  if (outcome == FeedState::Outcome::kApplied) sweep(touched);
  if (outcome == FeedState::Outcome::kReplaced) {
    host_.log(LogLevel::kNotice, "latchkey gate: the state is complete: " + std::to_string(feed_.table().size()) +
                                     " devices, " + std::to_string(feed_.trust().size()) + " issuing CAs");
  }
  if (!feed_.lease_ended(host_.boot_ms())) lease_was_ended_ = false;
  cut_some();
  if (!condemned_.empty()) mind_door();  // the broker may be about to take everybody who waits
  acknowledge(batch->generation, false);
}

// Whatever was said to an earlier connection of the hub process may be lost: everything that lives is told again.
void Gate::introduce() {
  link_.introduced = true;
  sessions_.each([this](Session& session) { announce(session, true); });
}

bool Gate::still_stands(const Session& session) const {
  return feed_.trust().contains(session.issuer) &&
         registry::check(feed_.table(), session.client_id, session.identifier).good();
}

// It is condemned, or will be with the next tick.
bool Gate::outlived(const Session& session) {
  return session.condemned || (!dps() && !options_.keep_sessions && feed_.lease_ended(host_.boot_ms()));
}

void Gate::sweep(const FeedState::Touched& touched) {
  if (dps()) return;
  const auto judge = [this](Session& session) {
    if (!still_stands(session)) condemn(session, feed_.applied());
  };
  for (const std::string& id : touched.devices) {
    if (Session* session = sessions_.by_id(id)) judge(*session);
  }
  for (const Uuid& issuer : touched.issuers) sessions_.each_of_issuer(issuer, judge);
}

void Gate::sweep_all() {
  // Numbers of the generation before mean nothing now: whoever still waits has to be gone before this snapshot is cut.
  for (Condemned& waiting : condemned_) waiting.batch = feed_.applied();
  if (dps()) return;
  sessions_.each([this](Session& session) {
    if (!still_stands(session)) condemn(session, feed_.applied());
  });
}

void Gate::condemn(Session& session, std::uint64_t batch) {
  if (session.condemned) return;
  session.condemned = true;
  condemned_.push_back({session.connection, batch});
}

void Gate::cut_some() {
  const std::uint64_t until_ms = host_.boot_ms() + kCutForMs;
  while (!condemned_.empty() && host_.boot_ms() < until_ms) {
    Session* session = sessions_.by_connection(condemned_.front().connection);
    condemned_.pop_front();
    if (session != nullptr) cut(*session);
  }
}

void Gate::acknowledge_progress() {
  const bool said = link_.introduced && last_ack_.applied != 0 && last_ack_.generation == feed_.generation();
  if (said && cut_number() != last_ack_.cut) acknowledge(last_ack_.generation, false);
}

// Nothing tells this gate any more what was revoked.
void Gate::end_lease() {
  if (dps() || lease_was_ended_ || !feed_.had_lease() || !feed_.lease_ended(host_.boot_ms())) return;
  lease_was_ended_ = true;
  if (options_.keep_sessions) {
    host_.log(LogLevel::kWarning, "latchkey gate: the lease has ended; refusing until the feed goes on");
    return;
  }
  host_.log(LogLevel::kWarning, "latchkey gate: the lease has ended; refusing and cutting until the feed goes on");
  sessions_.each([this](Session& session) { condemn(session, feed_.applied() + 1); });
}

std::uint64_t Gate::cut_number() {
  while (!condemned_.empty() && sessions_.by_connection(condemned_.front().connection) == nullptr)
    condemned_.pop_front();
  return condemned_.empty() ? feed_.applied() : condemned_.front().batch - 1;
}

void Gate::acknowledge(std::uint64_t generation, bool need_snapshot) {
  wire::Ack ack;
  ack.generation = generation;
  if (generation == feed_.generation()) {
    ack.applied = feed_.applied();
    ack.cut = cut_number();
  } else {
    ack.applied = feed_.staged(generation);  // the hub process paces a long snapshot by it; nothing is in force yet
  }
  ack.need_snapshot = need_snapshot;
  if (!need_snapshot) last_ack_ = ack;
  outbox_.to_hub(link_.number, wire::kAckTopic, encode(ack));
}

void Gate::on_deliver(ByteView payload) {
  auto deliver = wire::decode_deliver(payload);
  if (!deliver) return;
  Session* session = sessions_.by_connection(deliver->connection);
  if (session == nullptr || session->condemned) return;
  if (is_answer(deliver->topic)) settle(*session, 1);
  const auto granted = session->subscriptions.granted(deliver->topic);
  if (!granted) return;
  outbox_.to_device(deliver->connection, std::move(deliver->topic), std::move(deliver->payload),
                    deliver->qos < *granted ? deliver->qos : *granted, deliver->tag);
}

void Gate::on_attest(ByteView payload) {
  const auto attest = wire::decode_attest(payload);
  if (!attest || !dps()) return;
  Session* session = sessions_.by_connection(attest->connection);
  if (session == nullptr) {
    attempts_.judge(attest->connection, attest->verified, host_.boot_ms());
    return;
  }
  session->forget_password();
  if (attest->verified) {
    unverified_.remove(*session);
    session->standing = Standing::kVerified;
    return;
  }
  if (session->standing == Standing::kVerified) {  // what it showed has lost its force meanwhile
    session->deadline_ms = host_.boot_ms() + options_.unverified_timeout_ms;
    unverified_.add(*session);
  }
  session->standing = Standing::kFailed;
}

void Gate::on_end(ByteView payload) {
  const auto end = wire::decode_end(payload);
  if (!end || dps()) return;
  Session* session = sessions_.by_connection(end->connection);
  if (session == nullptr) return;
  cut(*session, session->condemned ? Will::kDropped : Will::kSent);
}

void Gate::on_hold(ByteView payload) {
  const auto hold = wire::decode_hold(payload);
  if (!hold) return;
  const std::uint64_t until = host_.boot_ms() + std::min<std::uint64_t>(hold->for_ms, kLongestHoldMs);
  held_until_ms_ = std::max(held_until_ms_, until);
}

}  // namespace latchkey::hub::gate
