// SPDX-License-Identifier: Apache-2.0
#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace latchkey::tests {
namespace {

using Clock = std::chrono::steady_clock;
using TlsContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Tls = std::unique_ptr<SSL, decltype(&SSL_free)>;

int left_ms(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<long long>(left, 0));
}

bool wait_for(int descriptor, short events, Clock::time_point deadline) {
  pollfd one{descriptor, events, 0};
  return ::poll(&one, 1, left_ms(deadline)) == 1;
}

TlsContext make_context(const DeviceClient::Options& options) {
  TlsContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_AUTO_RETRY);
  if (options.tls_version != 0) {
    SSL_CTX_set_min_proto_version(context.get(), options.tls_version);
    SSL_CTX_set_max_proto_version(context.get(), options.tls_version);
  }
  if (options.identity && !options.identity->chain.empty()) {
    SSL_CTX_use_certificate(context.get(), options.identity->chain.front().get());
    SSL_CTX_use_PrivateKey(context.get(), options.identity->key.get());
    for (std::size_t i = 1; i + 1 < options.identity->chain.size(); ++i) {
      SSL_CTX_add1_chain_cert(context.get(), options.identity->chain[i].get());
    }
  }
  return context;
}

void put_length(Packet& packet, std::size_t length) {
  do {
    const auto digit = static_cast<std::uint8_t>(length % 128);
    length /= 128;
    packet.push_back(length > 0 ? static_cast<std::uint8_t>(digit | 0x80) : digit);
  } while (length > 0);
}

void put_text(Packet& packet, std::string_view text) {
  packet.push_back(static_cast<std::uint8_t>(text.size() >> 8));
  packet.push_back(static_cast<std::uint8_t>(text.size()));
  packet.insert(packet.end(), text.begin(), text.end());
}

Packet with_header(std::uint8_t first, const Packet& body) {
  Packet packet{first};
  put_length(packet, body.size());
  packet.insert(packet.end(), body.begin(), body.end());
  return packet;
}

}  // namespace

struct RawClient::Connection {
  explicit Connection(const DeviceClient::Options& shown)
      : host(shown.host), port(shown.port), context(make_context(shown)), tls(SSL_new(context.get()), SSL_free) {}
  ~Connection() {
    if (descriptor >= 0) ::close(descriptor);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Repeats a TLS call until it is through; false when the peer is gone or the time is over.
  template <class Call>
  bool drive(Clock::time_point deadline, const Call& call) {
    for (;;) {
      ERR_clear_error();
      const int rc = call();
      if (rc > 0) return true;
      const int error = SSL_get_error(tls.get(), rc);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        gone = true;
        return false;
      }
      if (!wait_for(descriptor, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) return false;
    }
  }
  bool receive(Clock::time_point deadline) {
    std::uint8_t bytes[4096];
    int size = 0;
    const bool read = !gone && drive(deadline, [&] { return size = SSL_read(tls.get(), bytes, sizeof bytes); });
    if (read) received.insert(received.end(), bytes, bytes + size);
    return read;
  }
  // A whole packet out of what was received.
  std::optional<Packet> take() {
    std::size_t length = 0;
    for (std::size_t i = 1; i < received.size() && i <= 4; ++i) {
      length |= static_cast<std::size_t>(received[i] & 0x7f) << (7 * (i - 1));
      if ((received[i] & 0x80) != 0) continue;
      const auto end = i + 1 + length;
      if (received.size() < end) return std::nullopt;
      Packet packet(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(end));
      received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(end));
      return packet;
    }
    return std::nullopt;
  }

  const std::string host;
  const int port;
  std::string source;
  TlsContext context;
  Tls tls;
  int descriptor = -1;
  bool gone = false;
  Packet received;
};

RawClient::RawClient(const DeviceClient::Options& options) : connection_(std::make_unique<Connection>(options)) {
  static const auto ignored = ::signal(SIGPIPE, SIG_IGN);  // a peer may close while bytes are on their way
  (void)ignored;
}
RawClient::RawClient(RawClient&&) noexcept = default;
RawClient& RawClient::operator=(RawClient&&) noexcept = default;
RawClient::~RawClient() = default;

void RawClient::come_from(const std::string& address) { connection_->source = address; }

bool RawClient::open(int timeout_ms) {
  auto& at = *connection_;
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(at.port));
  if (::inet_pton(AF_INET, at.host.c_str(), &address.sin_addr) != 1) return false;
  at.descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (at.descriptor < 0) return false;
  if (!at.source.empty()) {
    sockaddr_in source{};
    source.sin_family = AF_INET;
    if (::inet_pton(AF_INET, at.source.c_str(), &source.sin_addr) != 1) return false;
    if (::bind(at.descriptor, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) return false;
  }
  int error = 0;
  socklen_t size = sizeof error;
  (void)::connect(at.descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (!wait_for(at.descriptor, POLLOUT, deadline)) return false;
  if (::getsockopt(at.descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return false;
  SSL_set_fd(at.tls.get(), at.descriptor);
  return at.drive(deadline, [&] { return SSL_connect(at.tls.get()); });
}

bool RawClient::send(const Packet& packet) {
  auto& at = *connection_;
  const auto deadline = Clock::now() + std::chrono::milliseconds(kPatienceMs);
  std::size_t sent = 0;
  while (!at.gone && sent < packet.size()) {
    int size = 0;
    const auto write = [&] {
      return size = SSL_write(at.tls.get(), packet.data() + sent, static_cast<int>(packet.size() - sent));
    };
    if (!at.drive(deadline, write)) return false;
    sent += static_cast<std::size_t>(size);
  }
  return sent == packet.size();
}

bool RawClient::send(std::string_view bytes) { return send(Packet(bytes.begin(), bytes.end())); }

std::optional<Packet> RawClient::read(int timeout_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    if (auto packet = connection_->take()) return packet;
    if (!connection_->receive(deadline)) return std::nullopt;
  }
}

bool RawClient::wait_closed(int timeout_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (connection_->receive(deadline)) connection_->received.clear();
  return connection_->gone;
}

bool RawClient::closed() const { return connection_->gone; }

ConnectResult RawClient::connect(const Packet& packet, int timeout_ms) {
  if (!send(packet)) return {Seen::kClosedWithoutConnack, -1, false};
  const auto answer = read(timeout_ms);
  if (!answer) return {closed() ? Seen::kClosedWithoutConnack : Seen::kTimeout, -1, false};
  if (kind_of(*answer) != kConnack || answer->size() < 4) return {Seen::kClosedWithoutConnack, -1, false};
  const int code = (*answer)[3];
  return {code == 0 ? Seen::kAccepted : Seen::kRefused, code, ((*answer)[2] & 1) != 0};
}

Packet connect_packet(const ConnectFields& fields) {
  Packet body;
  put_text(body, fields.protocol);
  body.push_back(fields.level);
  std::uint8_t flags = fields.clean ? 0x02 : 0;
  if (!fields.username.empty()) flags |= 0x80;
  if (!fields.password.empty()) flags |= 0x40;
  body.push_back(flags);
  body.push_back(static_cast<std::uint8_t>(fields.keep_alive_s >> 8));
  body.push_back(static_cast<std::uint8_t>(fields.keep_alive_s));
  if (fields.level == 5) body.push_back(0);  // no properties
  put_text(body, fields.client_id);
  if (!fields.username.empty()) put_text(body, fields.username);
  if (!fields.password.empty()) put_text(body, fields.password);
  return with_header(0x10, body);
}

Packet publish_packet(std::string_view topic, std::string_view payload, int qos, bool retain, std::uint16_t id) {
  Packet body;
  put_text(body, topic);
  if (qos > 0) {
    body.push_back(static_cast<std::uint8_t>(id >> 8));
    body.push_back(static_cast<std::uint8_t>(id));
  }
  body.insert(body.end(), payload.begin(), payload.end());
  return with_header(static_cast<std::uint8_t>(kPublish | (qos << 1) | (retain ? 1 : 0)), body);
}

Packet subscribe_packet(std::string_view filter, int qos, std::uint16_t id) {
  Packet body{static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)};
  put_text(body, filter);
  body.push_back(static_cast<std::uint8_t>(qos));
  return with_header(0x82, body);
}

}  // namespace latchkey::tests
