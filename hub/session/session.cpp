// SPDX-License-Identifier: Apache-2.0
#include "hub/session/session.h"

#include <algorithm>

#include "agent/protocol/hub.h"
#include "hub/session/internal/directory.h"
#include "hub/session/internal/renewals.h"

namespace latchkey::hub::session {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::string_view kIssuePrefix = "$iothub/credentials/POST/issueCertificate/?";
constexpr std::string_view kCredentialsPrefix = "$iothub/credentials/";

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// RFC 3986 section 2.1: everything but unreserved characters as %XX.
std::string url_encoded(std::string_view text) {
  std::string encoded(text.size() * 3, '\0');
  const auto written = agent::TextWriter(MutableBytes(reinterpret_cast<std::uint8_t*>(encoded.data()), encoded.size()))
                           .put_url_encoded(text)
                           .finish();
  return written ? std::string(*written) : std::string();
}

std::string property_bag(const std::map<std::string, std::string>& properties) {
  std::string bag;
  for (const auto& [key, value] : properties) {
    if (!bag.empty()) bag += '&';
    bag += url_encoded(key) + '=' + url_encoded(value);
  }
  return bag;
}

}  // namespace

Sessions::Sessions(registry::Registry& registry, CertificateIssuer& issuer, Enforcement& enforcement, Outbox& outbox,
                   Options options)
    : outbox_(outbox),
      options_(std::move(options)),
      directory_(std::make_unique<Directory>()),
      renewals_(std::make_unique<Renewals>(registry, issuer, enforcement, outbox, *directory_, options_)) {}

Sessions::~Sessions() = default;

void Sessions::opened(const wire::Opened& opened) {
  if (opened.attempt) return;  // closed already
  directory_->open(opened, options_.now());
  if (const auto speaker = directory_->find(opened.connection)) renewals_->offer(*speaker, Occasion::kOpened);
}

void Sessions::closed(wire::ConnectionId connection) { directory_->close(connection); }

void Sessions::subscribed(wire::ConnectionId connection, std::string_view filter) {
  if (!starts_with(filter, kCredentialsPrefix)) return;
  const auto speaker = directory_->find(connection);
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

Outcome<registry::Nothing> Sessions::send(const std::string& device_id,
                                          const std::map<std::string, std::string>& properties, ByteView payload) {
  if (payload.size() > kMaxCloudToDevice) return refuse(Reason::kInvalidArgument, "a message has at most 64 KB");
  const std::string bag = property_bag(properties);
  if (bag.size() > kMaxProperties) return refuse(Reason::kInvalidArgument, "the properties are larger than 8 KB");
  const auto live = directory_->live(device_id);
  if (!live) return refuse(Reason::kPreconditionFailed, "device " + device_id + " is not connected");
  wire::Deliver message;
  message.connection = live->connection;
  message.topic = "devices/" + device_id + "/messages/devicebound/" + bag;
  message.payload.assign(payload.begin(), payload.end());
  outbox_.deliver(std::move(message));
  directory_->count_cloud_to_device();
  return registry::Nothing{};
}

std::vector<ConnectedDevice> Sessions::connected() const { return directory_->connected(); }

std::optional<ConnectedDevice> Sessions::connected(const std::string& device_id) const {
  return directory_->connected(device_id);
}

std::optional<UnixMs> Sessions::last_seen(const std::string& device_id) const {
  return directory_->last_seen(device_id);
}

Totals Sessions::totals() const { return directory_->totals(); }

}  // namespace latchkey::hub::session
