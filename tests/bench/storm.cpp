// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/storm.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <map>
#include <stdexcept>

#include "tests/support/raw_client.h"

namespace latchkey::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr std::size_t kConnackSize = 4;

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

struct Descriptor {
  int fd = -1;
  explicit Descriptor(int number) : fd(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

struct Storm::Prepared {
  std::unique_ptr<SSL_CTX, ContextFree> context;
  tests::Packet connect;
};

Storm::Storm(const std::vector<StormClient>& clients, const std::string& ca_file) {
  for (const auto& client : clients) {
    auto prepared = std::make_unique<Prepared>();
    prepared->context.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* context = prepared->context.get();
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const auto& identity = client.identity;
    bool good = SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1 &&
                SSL_CTX_use_certificate(context, identity.chain.front().get()) == 1 &&
                SSL_CTX_use_PrivateKey(context, identity.key.get()) == 1;
    if (!good) throw std::runtime_error("the identity of " + client.client_id + " cannot be used");
    tests::ConnectFields fields;
    fields.client_id = client.client_id;
    fields.username = client.username;
    prepared->connect = tests::connect_packet(fields);
    clients_.push_back(std::move(prepared));
  }
}

Storm::~Storm() = default;

namespace {

// One connect on its way.
class Attempt {
 public:
  enum class State { kGoing, kAccepted, kRefused, kFailed };

  Attempt(int epoll, SSL_CTX* context, const tests::Packet& packet, const sockaddr_in& address)
      : epoll_(epoll),
        packet_(packet),
        socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        ssl_(SSL_new(context)),
        begun_(Clock::now()) {
    const int yes = 1;
    ::setsockopt(socket_.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    SSL_set_fd(ssl_.get(), socket_.fd);
    SSL_set_connect_state(ssl_.get());
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = this;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_.fd, &event);
    (void)::connect(socket_.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  // As far as it goes now.
  State advance() {
    ERR_clear_error();
    while (true) {
      const int done = step();
      if (done > 0) {
        if (read_ == kConnackSize) return finish();
        continue;
      }
      const int why = SSL_get_error(ssl_.get(), done);
      return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? State::kGoing : State::kFailed;
    }
  }
  double ms() const { return std::chrono::duration<double, std::milli>(Clock::now() - begun_).count(); }
  Clock::time_point begun() const { return begun_; }

 private:
  int step() {
    if (!SSL_is_init_finished(ssl_.get())) return SSL_do_handshake(ssl_.get());
    if (!sent_) {
      const int done = SSL_write(ssl_.get(), packet_.data(), static_cast<int>(packet_.size()));
      sent_ = done > 0;
      return done;
    }
    const int done = SSL_read(ssl_.get(), connack_ + read_, static_cast<int>(kConnackSize - read_));
    if (done > 0) read_ += static_cast<std::size_t>(done);
    return done;
  }
  State finish() {
    if (connack_[0] != tests::kConnack || connack_[3] != 0) return State::kRefused;
    constexpr std::uint8_t kDisconnect[] = {0xe0, 0};
    SSL_write(ssl_.get(), kDisconnect, sizeof kDisconnect);
    return State::kAccepted;
  }

  const int epoll_;
  const tests::Packet& packet_;
  const Descriptor socket_;
  const std::unique_ptr<SSL, SslFree> ssl_;
  const Clock::time_point begun_;
  bool sent_ = false;
  std::uint8_t connack_[kConnackSize] = {};
  std::size_t read_ = 0;
};

}  // namespace

StormFigures Storm::run(const std::string& host, int port, std::size_t connects, std::size_t in_progress) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) throw std::runtime_error(host + " is no address");
  const Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::map<Attempt*, std::unique_ptr<Attempt>> going;
  StormFigures figures;
  std::size_t begun = 0;
  const auto start = Clock::now();
  const auto end = [&](Attempt* attempt, Attempt::State state) {
    if (state == Attempt::State::kAccepted) figures.ms.push_back(attempt->ms());
    if (state == Attempt::State::kRefused) ++figures.refused;
    if (state == Attempt::State::kFailed) ++figures.failed;
    going.erase(attempt);
  };
  while (begun < connects || !going.empty()) {
    while (begun < connects && going.size() < in_progress) {
      const auto& client = *clients_[next_++ % clients_.size()];
      auto attempt = std::make_unique<Attempt>(epoll.fd, client.context.get(), client.connect, address);
      going.emplace(attempt.get(), std::move(attempt));
      ++begun;
    }
    epoll_event events[64];
    const int ready = ::epoll_wait(epoll.fd, events, 64, 1000);
    for (int i = 0; i < ready; ++i) {
      auto* attempt = static_cast<Attempt*>(events[i].data.ptr);
      const auto state = attempt->advance();
      if (state != Attempt::State::kGoing) end(attempt, state);
    }
    if (ready > 0) continue;
    std::vector<Attempt*> late;
    for (const auto& [attempt, owned] : going) {
      if (Clock::now() - attempt->begun() > kPatience) late.push_back(attempt);
    }
    for (auto* attempt : late) end(attempt, Attempt::State::kFailed);
  }
  figures.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return figures;
}

}  // namespace latchkey::bench
