// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/swarm_link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "boards/fleet/swarm/internal/inside.h"

namespace latchkey::boards::fleet::swarm {
namespace {

using ports::LinkFailure;

constexpr int kMostReadsOfADeadSocket = 64;
constexpr int kPacketsAtOnce = 16;
constexpr std::uint32_t kAlways = EPOLLIN | EPOLLRDHUP;

}  // namespace

SwarmLink::SwarmLink(const Parts& parts, ports::MqttLinkEvents& events, ports::MonotonicMs connect_within_ms)
    : parts_(parts),
      events_(events),
      connect_within_ms_(connect_within_ms),
      timer_(parts.loop, [this] { look_after(); }) {
  start_library();
}

SwarmLink::~SwarmLink() { drop(); }

Result<void> SwarmLink::connect(const ports::LinkRequest& request) {
  if (request.host.empty()) return fail(Status::kInvalidArgument);
  if (client_ != nullptr) return fail(Status::kBusy);
  if (cut_) {
    events_.on_ended(LinkFailure::kUnreachable, 0);
    return {};
  }
  if (!make_client(request)) {
    finish(LinkFailure::kLocal, 0);
    return {};
  }
  identity_ = request.identity;
  host_ = request.host;
  port_ = request.port;
  keep_alive_s_ = request.keep_alive_s;
  turnstile_ = &parts_.turnstiles.of(host_ + ":" + std::to_string(port_));
  if (turnstile_->enter(*this)) on_turn();
  return {};
}

void SwarmLink::on_turn() {
  // Not before: thousands may wait, and each would hold a key and certificates that it does not use yet.
  if (!take_identity(identity_)) return finish(LinkFailure::kLocal, 0);
  const int code = start();
  if (code == MOSQ_ERR_TLS) return finish();  // a quick server, and a thread that was not: it has answered already
  if (code != MOSQ_ERR_SUCCESS || !open()) {
    // Too few descriptors is our own fault, whatever call noticed it.
    const bool own = code == MOSQ_ERR_NOMEM || errno == EMFILE || errno == ENFILE || errno == ENOBUFS;
    return finish(own ? LinkFailure::kLocal : LinkFailure::kUnreachable, 0);
  }
  interest_ = kAlways | EPOLLOUT;  // writable: TCP stands
  if (!parts_.loop.watch(mosquitto_socket(client_), interest_, *this)) return finish(LinkFailure::kLocal, 0);
  timer_.set(parts_.loop.now() + connect_within_ms_);
}

void SwarmLink::leave_turnstile() {
  if (turnstile_ != nullptr) std::exchange(turnstile_, nullptr)->leave(*this);
}

Result<void> SwarmLink::subscribe(std::string_view filter, int qos) {
  if (!connected_) return fail(Status::kNotReady);
  const std::string text(filter);
  const InHand in_hand(handshake_);
  const int code = mosquitto_subscribe(client_, nullptr, text.c_str(), qos);
  rearm();
  if (code == MOSQ_ERR_SUCCESS) return {};
  return fail(code == MOSQ_ERR_INVAL ? Status::kInvalidArgument : Status::kNotReady);
}

Result<void> SwarmLink::publish(std::string_view topic, ByteView payload, int qos) {
  if (!connected_) return fail(Status::kNotReady);
  const std::string text(topic);
  const InHand in_hand(handshake_);
  int id = 0;
  unanswered_ = qos == 0;
  const int code =
      mosquitto_publish(client_, &id, text.c_str(), static_cast<int>(payload.size()), payload.data(), qos, false);
  if (std::exchange(unanswered_, false) && mosquitto_want_write(client_)) silent_.push_back(id);
  rearm();
  if (code == MOSQ_ERR_SUCCESS) return {};
  return fail(code == MOSQ_ERR_INVAL || code == MOSQ_ERR_MALFORMED_UTF8 ? Status::kInvalidArgument : Status::kNotReady);
}

void SwarmLink::disconnect() {
  if (client_ == nullptr) return;
  if (connected_) {
    const InHand in_hand(handshake_);
    mosquitto_disconnect(client_);
  }
  leaving_ = true;
  if (inside_) return;  // whoever called the library ends it
  finish(LinkFailure::kLost, 0);
}

void SwarmLink::cut(bool gone) {
  cut_ = gone;
  if (gone && client_ != nullptr && !inside_) finish(connected_ ? LinkFailure::kLost : LinkFailure::kUnreachable, 0);
}

// Does TCP stand, or did it? Asked once, when the socket is first ready for anything.
bool SwarmLink::reached() const {
  auto* const tls = static_cast<SSL*>(mosquitto_ssl_get(client_));
  if (tls != nullptr && BIO_number_written(SSL_get_wbio(tls)) > 0) return true;  // somebody has taken our ClientHello
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(mosquitto_socket(client_), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return false;
  if (error != 0) return error == EPIPE || error == ECONNRESET;  // it did, and was closed
  // The library's own first write may have taken the error away.
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  return ::getpeername(mosquitto_socket(client_), reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0;
}

void SwarmLink::on_ready(std::uint32_t events) {
  if (client_ == nullptr) return;
  if (!reached_) {
    reached_ = reached();
    if (!reached_) return finish(LinkFailure::kUnreachable, 0);
  }
  const int code = talk(events);
  if (leaving_) return finish(LinkFailure::kLost, 0);
  // The library takes a socket that died in the handshake for one that wants more time: what epoll says counts.
  const bool dead = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if (code != MOSQ_ERR_SUCCESS || dead || !open()) return finish();
  rearm();
}

// One round of reading and writing. Of a dead socket everything is read: the server's reason lies there.
int SwarmLink::talk(std::uint32_t events) {
  const InHand in_hand(handshake_);
  const Inside inside(inside_);
  const bool dead = (events & (EPOLLHUP | EPOLLERR)) != 0;
  int code = MOSQ_ERR_SUCCESS;
  for (int i = 0; code == MOSQ_ERR_SUCCESS && i < (dead ? kMostReadsOfADeadSocket : 1) && open(); ++i) {
    code = mosquitto_loop_read(client_, 1);
  }
  if (code == MOSQ_ERR_SUCCESS && !dead && open() && mosquitto_want_write(client_)) {
    code = mosquitto_loop_write(client_, kPacketsAtOnce);
  }
  return code;
}

void SwarmLink::rearm() {
  if (client_ == nullptr || !open()) return;
  const std::uint32_t wanted = mosquitto_want_write(client_) ? kAlways | EPOLLOUT : kAlways;
  if (wanted == interest_) return;
  interest_ = wanted;
  parts_.loop.change(mosquitto_socket(client_), wanted, *this);
}

// The deadline of an attempt; of a session, the time to see whether a PINGREQ is due.
void SwarmLink::look_after() {
  if (client_ == nullptr) return;
  if (!connected_) {
    return finish(handshake_.done ? LinkFailure::kClosedWithoutConnack : LinkFailure::kUnreachable, 0);
  }
  int code = MOSQ_ERR_SUCCESS;
  {
    const InHand in_hand(handshake_);
    const Inside inside(inside_);
    code = mosquitto_loop_misc(client_);
  }
  if (code != MOSQ_ERR_SUCCESS || !open()) return finish();
  rearm();
  look_after_session();
}

void SwarmLink::look_after_session() {
  timer_.set(parts_.loop.now() + std::max<ports::MonotonicMs>(1'000, keep_alive_s_ * 250U));
}

LinkFailure SwarmLink::judge(int& detail) const {
  detail = 0;
  if (connected_) return LinkFailure::kLost;
  if (refusal_ != 0) {
    detail = refusal_;
    return LinkFailure::kRefused;
  }
  if (handshake_.alert != 0) {
    detail = handshake_.alert;
    return LinkFailure::kTlsAlert;
  }
  if (handshake_.not_trusted) return LinkFailure::kServerNotTrusted;
  if (handshake_.done) return LinkFailure::kClosedWithoutConnack;
  return LinkFailure::kTlsAlert;  // closed in the middle of the handshake
}

void SwarmLink::finish() {
  int detail = 0;
  const LinkFailure why = judge(detail);
  finish(why, detail);
}

void SwarmLink::finish(LinkFailure why, int detail) {
  drop();
  events_.on_ended(why, detail);
}

void SwarmLink::drop() {
  timer_.cancel();
  leave_turnstile();
  if (client_ != nullptr) {
    const InHand in_hand(handshake_);
    const Inside inside(inside_);
    open() ? parts_.loop.forget(mosquitto_socket(client_), *this) : parts_.loop.forget_closed(*this);
    mosquitto_destroy(std::exchange(client_, nullptr));
  }
  handshake_.clear();
  connected_ = leaving_ = false;
}

}  // namespace latchkey::boards::fleet::swarm
