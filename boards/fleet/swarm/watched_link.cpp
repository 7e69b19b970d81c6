// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/watched_link.h"

#include <string>
#include <utility>

namespace latchkey::boards::fleet::swarm {
namespace {

using history::Service;
using history::Why;
using ports::LinkFailure;

Why why_of(LinkFailure failure) {
  switch (failure) {
    case LinkFailure::kUnreachable: return Why::kUnreachable;
    case LinkFailure::kServerNotTrusted: return Why::kServerNotTrusted;
    case LinkFailure::kTlsAlert: return Why::kTlsAlert;
    case LinkFailure::kClosedWithoutConnack: return Why::kClosedWithoutConnack;
    case LinkFailure::kRefused: return Why::kRefused;
    case LinkFailure::kLost: return Why::kLost;
    case LinkFailure::kLocal: return Why::kLocal;
  }
  return Why::kLocal;
}

// A token whose signature another key has made looks like this to DPS.
std::string spoilt(std::string_view token) {
  std::string text(token);
  const auto at = text.find("sig=");
  if (at != std::string::npos && at + 4 < text.size()) text[at + 4] = text[at + 4] == 'A' ? 'B' : 'A';
  return text;
}

}  // namespace

Result<void> WatchedLink::connect(const ports::LinkRequest& request) {
  service_ = request.identity == ports::LinkIdentity::kNone ? Service::kDps : Service::kHub;
  under_way_ = true;
  connected_ = leaving_ = false;
  sent_.clear();
  chronicle_.tell(device_, history::Connecting{service_, service_ == Service::kHub ? owner_.generation_in_hand() : 0});
  Result<void> begun;
  if (credential_lost_ && service_ == Service::kDps) {
    const std::string token = spoilt(request.password);
    ports::LinkRequest changed = request;
    changed.password = token;
    begun = link_->connect(changed);
  } else {
    begun = link_->connect(request);
  }
  if (!begun) tell_end(Why::kLocal, 0);
  return begun;
}

Result<void> WatchedLink::subscribe(std::string_view filter, int qos) { return link_->subscribe(filter, qos); }

Result<void> WatchedLink::publish(std::string_view topic, ByteView payload, int qos) {
  // Requests to either service have topics that start with '$'.
  const bool telemetry = service_ == Service::kHub && !topic.empty() && topic.front() != '$';
  Result<void> published;
  if (telemetry && payload.size() < message_size_) {
    std::string padded(payload.text());
    padded.resize(message_size_, ' ');
    published = link_->publish(topic, ByteView(padded), qos);
  } else {
    published = link_->publish(topic, payload, qos);
  }
  if (published && qos == 1) {
    const auto now = chronicle_.now();
    sent_.push_back({now, telemetry ? owner_.due() : now, telemetry});
    if (telemetry) chronicle_.telemetry_sent();
  }
  return published;
}

void WatchedLink::disconnect() {
  if (!owner_.has_power()) return;  // the dead say no goodbye
  leaving_ = true;
  link_->disconnect();
}

void WatchedLink::on_connected(bool session_present) {
  connected_ = true;
  chronicle_.tell(device_, history::Connected{service_, service_ == Service::kHub ? owner_.generation_in_hand() : 0});
  if (service_ == Service::kHub) ++chronicle_.counters.hub_connects;
  core_->on_connected(session_present);
  owner_.on_link_event();
}

void WatchedLink::on_ended(LinkFailure why, int detail) {
  const bool by_somebody = blamed_ != Why::kOwn;
  tell_end(by_somebody ? blamed_ : leaving_ ? Why::kOwn : why_of(why), by_somebody || leaving_ ? 0 : detail);
  core_->on_ended(why, detail);
  owner_.on_link_event();
}

void WatchedLink::tell_end(Why why, int detail) {
  if (!std::exchange(under_way_, false)) return;
  const bool was_connected = std::exchange(connected_, false);
  if (why == Why::kRefused || (why == Why::kTlsAlert && detail != 0)) {
    const auto by = why == Why::kRefused ? history::RefusedBy::kConnack : history::RefusedBy::kTls;
    chronicle_.tell(device_, history::Refused{service_, by, static_cast<std::uint32_t>(detail), {}});
    ++chronicle_.counters.refused;
  } else if (!was_connected && why != Why::kOwn) {
    ++chronicle_.counters.failed;
  }
  chronicle_.tell(device_, history::Ended{service_, was_connected, why, detail});
  sent_.clear();
}

void WatchedLink::died() { tell_end(Why::kOwn, 0); }

void WatchedLink::on_subscribed(bool granted) {
  core_->on_subscribed(granted);
  owner_.on_link_event();
}

void WatchedLink::on_published() {
  if (!sent_.empty()) {  // PUBACK comes in the order of the publishes (MQTT 3.1.1 section 4.6)
    const Sent oldest = sent_.front();
    sent_.erase(sent_.begin());
    if (oldest.telemetry) chronicle_.telemetry_acknowledged(oldest.at, oldest.due);
  }
  core_->on_published();
  owner_.on_link_event();
}

void WatchedLink::on_message(std::string_view topic, ByteView payload) {
  core_->on_message(topic, payload);
  owner_.on_link_event();
}

}  // namespace latchkey::boards::fleet::swarm
