// SPDX-License-Identifier: Apache-2.0
// A link's client of libmosquitto: what it is made of, and what it reports.
#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <utility>

#include "agent/core/record.h"
#include "agent/core/slots.h"
#include "boards/fleet/swarm/internal/inside.h"
#include "boards/fleet/swarm/swarm_link.h"

namespace latchkey::boards::fleet::swarm {
namespace {

using ports::LinkIdentity;

constexpr int kSubscriptionRefused = 0x80;  // MQTT 3.1.1 section 3.9.3

}  // namespace

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

Result<void> SwarmLink::take_identity(LinkIdentity identity) {
  handshake_.clear();
  if (identity == LinkIdentity::kNone) return {};
  if (identity == LinkIdentity::kOnboarding) return fail(Status::kUnsupported);
  const auto item = agent::item_of(identity == LinkIdentity::kSlotA ? agent::Slot::kA : agent::Slot::kB);
  std::array<std::uint8_t, agent::kMaxRecord> room;
  const auto size = parts_.storage.read(item, room);
  if (!size) return fail(size.error());
  const MutableBytes record(room.data(), *size);
  const auto kept = keep_identity(record);
  wipe(record);
  if (kept) handshake_.identity = &kept_;
  return kept;
}

// To read key and certificates takes a fifth of what the handshake does; a device shows the same many times.
Result<void> SwarmLink::keep_identity(ByteView record) {
  const auto mark = mark_of(record);
  if (mark == kept_mark_) return {};
  kept_mark_ = 0;
  kept_ = {};
  LATCHKEY_TRY(read, read_identity(record, parts_.tls.issuers()));
  kept_ = std::move(read);
  kept_mark_ = mark;
  return {};
}

Result<void> SwarmLink::make_client(const ports::LinkRequest& request) {
  SSL_CTX* const context = parts_.tls.for_host(request.host);
  const std::string id(request.client_id);
  client_ = context == nullptr ? nullptr : mosquitto_new(id.c_str(), request.clean_session, this);
  if (client_ == nullptr) return fail(Status::kInternal);
  const std::string user(request.username);
  std::string password(request.password);
  const bool set = mosquitto_int_option(client_, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311) == MOSQ_ERR_SUCCESS &&
                   mosquitto_int_option(client_, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == MOSQ_ERR_SUCCESS &&
                   mosquitto_int_option(client_, MOSQ_OPT_TCP_NODELAY, 1) == MOSQ_ERR_SUCCESS &&
                   mosquitto_void_option(client_, MOSQ_OPT_SSL_CTX, context) == MOSQ_ERR_SUCCESS &&
                   mosquitto_username_pw_set(client_, user.empty() ? nullptr : user.c_str(),
                                             password.empty() ? nullptr : password.c_str()) == MOSQ_ERR_SUCCESS;
  wipe(MutableBytes(reinterpret_cast<std::uint8_t*>(password.data()), password.size()));
  if (!set) return fail(Status::kInternal);
  mosquitto_connect_callback_set(client_, nullptr);
  mosquitto_connect_with_flags_callback_set(client_, connected_cb);
  mosquitto_subscribe_callback_set(client_, subscribed_cb);
  mosquitto_publish_callback_set(client_, published_cb);
  mosquitto_message_callback_set(client_, message_cb);
  return {};
}

int SwarmLink::start() {
  const InHand in_hand(handshake_);
  const Inside inside(inside_);
  reached_ = connected_ = leaving_ = false;
  refusal_ = 0;
  silent_.clear();
  errno = 0;
  return mosquitto_connect_async(client_, host_.c_str(), port_, keep_alive_s_);
}

void SwarmLink::connected_cb(mosquitto* client, void* self, int code, int flags) {
  auto& link = *static_cast<SwarmLink*>(self);
  if (code != 0) {
    link.refusal_ = code;
    return;
  }
  if (link.leaving_) return;
  link.connected_ = true;
  link.leave_turnstile();
  // They have done their part: what OpenSSL holds of them is a part of what a session would weigh.
  SSL_certs_clear(static_cast<SSL*>(mosquitto_ssl_get(client)));
  link.handshake_.identity = nullptr;
  link.look_after_session();
  link.events_.on_connected((flags & 1) != 0);
}

void SwarmLink::subscribed_cb(mosquitto*, void* self, int, int count, const int* granted) {
  auto& link = *static_cast<SwarmLink*>(self);
  if (!link.leaving_) link.events_.on_subscribed(count > 0 && granted[0] != kSubscriptionRefused);
}

void SwarmLink::published_cb(mosquitto*, void* self, int id) {
  auto& link = *static_cast<SwarmLink*>(self);
  const auto silent = std::find(link.silent_.begin(), link.silent_.end(), id);
  if (silent != link.silent_.end()) {
    link.silent_.erase(silent);
    return;
  }
  if (std::exchange(link.unanswered_, false)) return;
  if (!link.leaving_) link.events_.on_published();
}

void SwarmLink::message_cb(mosquitto*, void* self, const mosquitto_message* message) {
  auto& link = *static_cast<SwarmLink*>(self);
  if (link.leaving_) return;
  link.events_.on_message(message->topic, ByteView(static_cast<const std::uint8_t*>(message->payload),
                                                   static_cast<std::size_t>(message->payloadlen)));
}

}  // namespace latchkey::boards::fleet::swarm
