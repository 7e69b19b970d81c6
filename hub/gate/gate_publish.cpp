// SPDX-License-Identifier: Apache-2.0
// What devices send and subscribe to: denied unless it is theirs.
#include "hub/gate/gate.h"
#include "hub/gate/throttle.h"
#include "hub/wire/hold.h"

namespace latchkey::hub::gate {
namespace {

// A request that the hub process has not answered by then will not be answered.
constexpr std::uint64_t kForgottenMs = 60'000;
// Messages of a resumed session that are noted; more are left to the broker, which sends them again by itself.
constexpr std::size_t kMaxUnacknowledged = 1'000;

bool is_control(std::string_view topic) {
  return topic == wire::kFeedTopic || topic == wire::kDeliverTopic || topic == wire::kAttestTopic ||
         topic == wire::kEndTopic || topic == wire::kHoldTopic;
}

wire::Bytes copy(ByteView bytes) { return wire::Bytes(bytes.begin(), bytes.end()); }

}  // namespace

Gate::Access Gate::may_write(ClientHandle client, std::string_view topic, ByteView payload, int qos) {
  if (is_hub(client)) return is_control(topic) ? Access::kAllow : Access::kDeny;
  // The broker asks about a will when the client is gone, or as good as gone, and carries it past on_publish.
  if (closing_ != nullptr && closing_->client == client) {
    carry_will(*closing_, topic, payload, qos);
    return Access::kDeny;
  }
  Session* session = sessions_.by_client(client);
  if (session == nullptr || outlived(*session)) return Access::kDeny;
  if (session->taken_over) {
    carry_will(*session, topic, payload, qos);
    return Access::kDeny;
  }
  switch (classify_publish(options_.endpoint, session->client_id, topic).kind) {
    case Publish::kDenied: return Access::kDeny;
    case Publish::kClose: return Access::kClose;
    default: return Access::kAllow;
  }
}

void Gate::carry_will(Session& session, std::string_view topic, ByteView payload, int qos) {
  if (dps() || session.condemned || !link_.up()) return;
  if (classify_publish(options_.endpoint, session.client_id, topic).kind != Publish::kTelemetry) return;
  ++messages_;
  outbox_.to_hub(link_.number, wire::request_topic(session.connection, topic), copy(payload), qos);
}

Gate::Access Gate::may_subscribe(ClientHandle client, std::string_view filter, int qos) {
  if (is_hub(client)) {
    if (filter != wire::kHubFilter) return Access::kDeny;
    link_.subscribed = true;
    return Access::kAllow;
  }
  Session* session = sessions_.by_client(client);
  if (session == nullptr || session->condemned) return Access::kDeny;
  if (!gate::may_subscribe(options_.endpoint, session->client_id, filter)) return Access::kDeny;
  session->subscriptions.add(filter, qos < 1 ? qos : 1);
  if (!dps() && link_.up()) {
    outbox_.to_hub(link_.number, wire::kSubscribedTopic,
                   encode(wire::Subscribed{session->connection, std::string(filter)}));
  }
  return Access::kAllow;
}

void Gate::on_unsubscribe(ClientHandle client, std::string_view filter) {
  if (is_hub(client) && filter == wire::kHubFilter) link_.subscribed = false;
  Session* session = sessions_.by_client(client);
  if (session == nullptr) return;
  session->subscriptions.remove(filter);
  if (!dps() && link_.up()) {
    outbox_.to_hub(link_.number, wire::kSubscribedTopic,
                   encode(wire::Subscribed{session->connection, std::string(filter), true}));
  }
}

Gate::Access Gate::may_read(ClientHandle client, std::string_view topic) {
  if (is_hub(client)) return matches(wire::kHubFilter, topic) ? Access::kAllow : Access::kDeny;
  Session* session = sessions_.by_client(client);
  if (session == nullptr || session->condemned) return Access::kDeny;
  if (!gate::may_read(options_.endpoint, session->client_id, topic)) return Access::kDeny;
  if (!session->resuming || !is_devicebound(session->client_id, topic)) return Access::kAllow;
  if (session->unacknowledged.size() >= kMaxUnacknowledged) return Access::kAllow;
  session->unacknowledged.emplace_back(topic);
  return Access::kDeny;
}

std::string Gate::on_publish(ClientHandle client, std::string_view topic, ByteView payload, int qos) {
  Session* session = sessions_.by_client(client);
  if (session == nullptr || session->condemned) return {};
  const PublishTopic publish = classify_publish(options_.endpoint, session->client_id, topic);
  if (publish.kind == Publish::kDenied || publish.kind == Publish::kClose) return {};
  if (publish.kind == Publish::kTelemetry || publish.kind == Publish::kMethod ||
      publish.kind == Publish::kFirmwareReport) {
    if (link_.up()) return forward(*session, topic, payload, qos);
    ++dropped_;
    return {};
  }
  if (link_.up() && take_request(*session)) return forward(*session, topic, payload, qos);
  answer_429(*session, publish);
  return {};
}

// Straight through the broker when the hub process knows the connection; else behind the message that announces it.
std::string Gate::forward(Session& session, std::string_view topic, ByteView payload, int qos) {
  ++messages_;
  std::string internal = wire::request_topic(session.connection, topic);
  if (session.announced == link_.number) return internal;
  outbox_.to_hub(link_.number, internal, copy(payload), qos);
  return {};
}

bool Gate::take_request(Session& session) {
  const std::uint64_t now_ms = host_.boot_ms();
  if (session.outstanding != 0 && now_ms - session.last_request_ms >= kForgottenMs)
    settle(session, session.outstanding);
  if (outstanding_ >= options_.max_outstanding) return false;
  if (session.outstanding >= options_.max_outstanding_per_connection) return false;
  session.last_request_ms = now_ms;
  ++session.outstanding;
  ++outstanding_;
  return true;
}

void Gate::settle(Session& session, std::size_t requests) {
  if (requests > session.outstanding) requests = session.outstanding;  // a renewal has two answers
  session.outstanding -= requests;
  outstanding_ -= requests;
}

void Gate::answer_429(const Session& session, const PublishTopic& request) {
  Answer429 answer = too_many_requests(request, session.connection, now());
  const auto granted = session.subscriptions.granted(answer.topic);
  if (!granted) return;
  outbox_.to_device(session.connection, std::move(answer.topic), wire::Bytes(answer.body.begin(), answer.body.end()),
                    *granted);
}

}  // namespace latchkey::hub::gate
