// SPDX-License-Identifier: Apache-2.0
#include "hub/session/session.h"

#include "agent/protocol/hub.h"
#include "hub/session/internal/directory.h"
#include "hub/session/internal/mailboxes.h"
#include "hub/session/internal/property_bag.h"
#include "hub/session/internal/renewals.h"
#include "hub/text/encoding.h"
#include "hub/text/time.h"

namespace latchkey::hub::session {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::string_view kIssuePrefix = "$iothub/credentials/POST/issueCertificate/?";
constexpr std::string_view kCredentialsPrefix = "$iothub/credentials/";

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

}  // namespace

Sessions::Sessions(registry::Registry& registry, CertificateIssuer& issuer, Enforcement& enforcement, Outbox& outbox,
                   Options options)
    : registry_(registry),
      options_(std::move(options)),
      directory_(std::make_unique<Directory>()),
      mailboxes_(std::make_unique<Mailboxes>(registry, outbox, *directory_, options_)),
      renewals_(std::make_unique<Renewals>(registry, issuer, enforcement, outbox, *directory_, options_)) {}

Sessions::~Sessions() = default;

void Sessions::opened(const wire::Opened& opened) {
  if (opened.attempt) return;  // closed already
  directory_->open(opened, options_.now());
  if (const auto speaker = directory_->find(opened.connection)) renewals_->offer(*speaker, Occasion::kOpened);
  mailboxes_->opened(opened);
}

void Sessions::closed(wire::ConnectionId connection) {
  directory_->close(connection);
  mailboxes_->closed(connection);
}

void Sessions::resumed(const wire::Resumed& resumed) { mailboxes_->resumed(resumed); }

void Sessions::delivered(const wire::Delivered& delivered) { mailboxes_->delivered(delivered); }

void Sessions::subscribed(const wire::Subscribed& subscribed) {
  mailboxes_->subscribed(subscribed);
  if (subscribed.ended || !starts_with(subscribed.filter, kCredentialsPrefix)) return;
  const auto speaker = directory_->find(subscribed.connection);
  if (speaker) renewals_->offer(*speaker, Occasion::kSubscribed);
}

void Sessions::request(wire::ConnectionId connection, std::string_view device_topic, ByteView payload) {
  const auto speaker = directory_->find(connection);
  if (!speaker) return;
  directory_->heard(*speaker, options_.now());
  const auto topic = agent::hub::parse_request_topic(device_topic);
  if (!topic) {
    directory_->count_refused();
    if (!starts_with(device_topic, kIssuePrefix)) return;
    const auto rid = agent::find_parameter(device_topic.substr(kIssuePrefix.size()), "$rid");
    if (rid) renewals_->refuse_request_id(*speaker, *rid);
    return;
  }
  if (topic->kind == agent::hub::RequestKind::kIssueCertificate) {
    return renewals_->request(*speaker, std::string(topic->request_id), payload);
  }
  if (topic->device_id != speaker->device_id || payload.size() > kMaxTelemetry) return directory_->count_refused();
  directory_->count_telemetry(*speaker, payload.size());
  renewals_->offer(*speaker, Occasion::kSpoke);
}

Outcome<registry::Message> Sessions::send(const registry::Call& call, const std::string& device_id,
                                          const OutgoingMessage& message) {
  if (message.payload.size() > kMaxCloudToDevice)
    return refuse(Reason::kInvalidArgument, "a message has at most 64 KB");
  auto properties = message.properties;
  std::string& id = properties.emplace("$.mid", message.id).first->second;
  if (id.empty()) id = text::random_uuid();
  properties.emplace("$.to", "/devices/" + device_id + "/messages/devicebound");
  registry::NewMessage fresh;
  fresh.id = id;
  fresh.expires = call.now + message.live_ms.value_or(registry::kUsualMessageMs);
  if (message.live_ms) properties.emplace("$.exp", text::iso8601(fresh.expires));
  fresh.bag = property_bag(properties);
  if (fresh.bag.size() > kMaxProperties) return refuse(Reason::kInvalidArgument, "the properties are larger than 8 KB");
  fresh.payload.assign(message.payload.begin(), message.payload.end());
  LATCHKEY_TRY(kept, registry_.enqueue_message(call, options_.namespace_name, device_id, fresh));
  mailboxes_->offer(device_id);
  return std::move(kept.value);
}

void Sessions::offer(const std::string& device_id) { mailboxes_->offer(device_id); }

std::vector<ConnectedDevice> Sessions::connected() const { return directory_->connected(); }

std::optional<ConnectedDevice> Sessions::connected(const std::string& device_id) const {
  return directory_->connected(device_id);
}

std::optional<UnixMs> Sessions::last_seen(const std::string& device_id) const {
  return directory_->last_seen(device_id);
}

Totals Sessions::totals() const { return directory_->totals(); }

}  // namespace latchkey::hub::session
