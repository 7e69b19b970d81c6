// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/gate_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace latchkey::tests {
namespace {

constexpr std::uint8_t kConnack = 2, kPublish = 3, kPuback = 4, kSuback = 9, kUnsuback = 11, kPingresp = 13;

void put16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

void put_text(std::string& out, const std::string& text) {
  put16(out, text.size());
  out += text;
}

std::string packet(int head, const std::string& body) {
  std::string out(1, static_cast<char>(head));
  std::size_t left = body.size();
  do {
    const std::size_t digit = left % 128;
    left /= 128;
    out.push_back(static_cast<char>(left > 0 ? digit | 128 : digit));
  } while (left > 0);
  return out + body;
}

const char* name(std::uint8_t type) {
  switch (type) {
    case kConnack: return "CONNACK";
    case kPublish: return "PUBLISH";
    case kPuback: return "PUBACK";
    case kSuback: return "SUBACK";
    case kUnsuback: return "UNSUBACK";
    case kPingresp: return "PINGRESP";
    default: return "other";
  }
}

}  // namespace

Probe::Probe(std::uint16_t port, const Identity* identity, int version, const Identity* above, SSL_SESSION* resume) {
  static const auto ignored = signal(SIGPIPE, SIG_IGN);  // a server that closes first is an answer, not our end
  (void)ignored;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context_.get(), version);
  SSL_CTX_set_max_proto_version(context_.get(), version);
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
  if (identity != nullptr) {
    SSL_CTX_use_certificate(context_.get(), identity->certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), identity->key.get());
    if (above != nullptr) SSL_CTX_add1_chain_cert(context_.get(), above->certificate.get());
  }
  socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval patience{60, 0};  // reached only by a failure
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int at_once = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("probe: connect");
  }
  ssl_.reset(SSL_new(context_.get()));
  if (resume != nullptr) SSL_set_session(ssl_.get(), resume);
  SSL_set_fd(ssl_.get(), socket_);
  if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error("probe: TLS");
}

Probe::~Probe() { drop(); }

void Probe::drop() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

void Probe::disconnect() {
  send(packet(0xe0, ""));
  SSL_shutdown(ssl_.get());
  drop();
}

void Probe::send(const std::string& packets) {
  SSL_write(ssl_.get(), packets.data(), static_cast<int>(packets.size()));  // a failure shows at the next read
}

bool Probe::read_exactly(char* out, std::size_t size) {
  while (size > 0) {
    const int got = SSL_read(ssl_.get(), out, static_cast<int>(size));
    if (got <= 0) return false;
    out += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool Probe::read_packet(std::uint8_t& head, std::string& body) {
  if (socket_ < 0 || !read_exactly(reinterpret_cast<char*>(&head), 1)) return false;
  std::size_t size = 0;
  std::uint8_t digit = 128;
  for (int shift = 0; (digit & 128) != 0; shift += 7) {
    if (!read_exactly(reinterpret_cast<char*>(&digit), 1)) return false;
    size |= static_cast<std::size_t>(digit & 127) << shift;
  }
  body.resize(size);
  if (!read_exactly(body.data(), size)) return false;
  history_.emplace_back(name(static_cast<std::uint8_t>(head >> 4)));
  return true;
}

void Probe::take_publish(std::uint8_t head, const std::string& body) {
  const auto u8 = [&body](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(body.at(i))); };
  const std::size_t topic = u8(0) << 8 | u8(1);
  const int qos = head >> 1 & 3;
  const std::size_t payload = 2 + topic + (qos > 0 ? 2 : 0);
  received_.push_back({body.substr(2, topic), body.substr(payload), qos});
  if (qos == 1) send(packet(0x40, body.substr(2 + topic, 2)));
}

bool Probe::await(std::uint8_t type, std::string& body) {
  std::uint8_t head = 0;
  while (read_packet(head, body)) {
    if (head >> 4 == type) return true;
    if (head >> 4 == kPublish) take_publish(head, body);
  }
  return false;
}

std::string Probe::connect_packet(const ConnectWish& wish) {
  std::string body;
  put_text(body, wish.level == 3 ? "MQIsdp" : "MQTT");
  body.push_back(static_cast<char>(wish.level));
  int flags = wish.clean ? 2 : 0;
  if (wish.username) flags |= 0x80;
  if (wish.password) flags |= 0x40;
  if (!wish.will_topic.empty()) flags |= 0x0c;  // QoS 1
  body.push_back(static_cast<char>(flags));
  put16(body, 60);
  if (wish.level == 5) body.push_back(0);
  put_text(body, wish.client_id);
  if (!wish.will_topic.empty()) {
    if (wish.level == 5) body.push_back(0);
    put_text(body, wish.will_topic);
    put_text(body, wish.will_payload);
  }
  if (wish.username) put_text(body, *wish.username);
  if (wish.password) put_text(body, *wish.password);
  return packet(0x10, body);
}

int Probe::connect(const ConnectWish& wish) {
  send(connect_packet(wish));
  std::string body;
  if (!await(kConnack, body) || body.size() < 2) return kNoConnack;
  session_present_ = body[0] == 1;
  return static_cast<unsigned char>(body[1]);
}

std::string Probe::subscribe_packet(std::uint16_t id, const std::string& filter, int qos) {
  std::string body;
  put16(body, id);
  put_text(body, filter);
  body.push_back(static_cast<char>(qos));
  return packet(0x82, body);
}

int Probe::subscribe(const std::string& filter, int qos) {
  send(subscribe_packet(++packet_id_, filter, qos));
  std::string body;
  return await(kSuback, body) ? static_cast<unsigned char>(body.back()) : -1;
}

void Probe::unsubscribe(const std::string& filter) {
  std::string body;
  put16(body, ++packet_id_);
  put_text(body, filter);
  send(packet(0xa2, body));
  await(kUnsuback, body);
}

std::string Probe::publish_packet(std::uint16_t id, const std::string& topic, const std::string& payload, int qos,
                                  bool retain) {
  std::string body;
  put_text(body, topic);
  if (qos > 0) put16(body, id);
  return packet(0x30 | qos << 1 | (retain ? 1 : 0), body + payload);
}

bool Probe::publish(const std::string& topic, const std::string& payload, int qos, bool retain) {
  send(publish_packet(++packet_id_, topic, payload, qos, retain));
  std::string body;
  return qos == 0 || await(kPuback, body);
}

Received Probe::receive() {
  std::uint8_t head = 0;
  std::string body;
  while (received_.empty()) {
    if (!read_packet(head, body)) throw std::runtime_error("probe: nothing received");
    if (head >> 4 == kPublish) take_publish(head, body);
  }
  Received first = std::move(received_.front());
  received_.pop_front();
  return first;
}

bool Probe::closed() {
  char byte = 0;
  errno = 0;  // an orderly end sets none, and must not be taken for an older time-out
  return !read_exactly(&byte, 1) && errno != EAGAIN;
}

bool Probe::alive() {
  send(packet(0xc0, ""));
  std::string body;
  return await(kPingresp, body);
}

}  // namespace latchkey::tests
