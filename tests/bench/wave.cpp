// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/wave.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <unordered_set>

#include "tests/support/raw_client.h"

namespace latchkey::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kConnectS = 60;  // as the agent
constexpr double kAnswerS = 30;
constexpr double kLongestBackoffS = 60;
constexpr int kBegunInATurn = 8;   // that connect
constexpr int kAgainInATurn = 64;  // that have a connection
constexpr std::uint8_t kDisconnect = 0xe0;

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// The topic and payload of a PUBLISH at QoS 0.
std::pair<std::string, std::string> parts_of(const tests::Packet& packet, std::size_t header) {
  const std::size_t size = static_cast<std::size_t>(packet[header]) << 8 | packet[header + 1];
  const auto* text = reinterpret_cast<const char*>(packet.data()) + header + 2;
  return {std::string(text, size), std::string(text + size, packet.size() - header - 2 - size)};
}

std::uint32_t retry_after(const std::string& topic) {
  const auto at = topic.find("retry-after=");
  return at == std::string::npos ? 0 : static_cast<std::uint32_t>(std::stoul(topic.substr(at + 12)));
}

// Up to the next quote. The hub writes no spaces, and whoever counts the hub's CPU on the same cores parses no more
// than it has to.
std::string text_after(const std::string& json, const std::string& name) {
  const auto at = json.find(name);
  if (at == std::string::npos) return {};
  const auto from = at + name.size();
  return json.substr(from, json.find('"', from) - from);
}

}  // namespace

std::vector<WaveDevice> make_wave(const tests::Hub& hub, const std::string& prefix, std::size_t count,
                                  const std::string& group_key) {
  const auto key = tests::make_key();
  std::vector<WaveDevice> devices(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto& device = devices[i];
    device.id = prefix + std::to_string(i);
    device.username = hub.dps_username(device.id);
    device.password = hub.token(device.id, group_key);
    device.register_body =
        nlohmann::json{{"registrationId", device.id}, {"csr", tests::make_csr(key, device.id)}}.dump();
  }
  return devices;
}

double WaveFigures::per_second(double from_s, double to_s) const {
  const auto done = std::count_if(done_s.begin(), done_s.end(), [&](double at) { return at >= from_s && at < to_s; });
  return static_cast<double>(done) / (to_s - from_s);
}

// One conversation after the other until a device has its chain.
class Wave::Run {
 public:
  explicit Run(Wave& wave) : wave_(wave), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(static_cast<std::uint16_t>(wave.port_));
    if (::inet_pton(AF_INET, wave.host_.c_str(), &address_.sin_addr) != 1) throw std::runtime_error("no address");
  }
  ~Run() {
    live_.insert(idle_.begin(), idle_.end());
    for (auto* device : live_) close(*device);
    for (auto* device : live_) delete device;
    ::close(epoll_);
  }
  std::size_t idle() const { return idle_.size(); }

  WaveFigures go(const std::vector<WaveDevice>& devices, std::size_t& next, const WavePlan& plan) {
    const auto more = [&] { return next < devices.size() && (plan.at_once == 0 || now() < plan.seconds); };
    return go(plan, kBegunInATurn, more, [&] { begin(devices[next++]); });
  }
  WaveFigures again(const WavePlan& plan) {
    const auto more = [&] { return !idle_.empty() && now() < plan.seconds; };
    return go(plan, kAgainInATurn, more, [&] { begin_again(); });
  }

 private:
  enum class Step { kAway, kConnecting, kSubscribing, kRegistering, kPolling, kIdle };
  struct Device {
    const WaveDevice* who = nullptr;
    double began = 0;
    Step step = Step::kAway;
    Step after = Step::kConnecting;  // where it goes on when it was away
    int descriptor = -1;
    std::unique_ptr<SSL, SslFree> ssl;
    tests::Packet out;
    tests::Packet in;
    std::string operation;
    double backoff = 1;
    std::multimap<double, Device*>::iterator alarm;
    bool armed = false;
  };

  template <class More, class Begin>
  WaveFigures go(const WavePlan& plan, int in_a_turn, const More& more, const Begin& begin_one) {
    plan_ = plan;
    figures_ = {};
    start_ = Clock::now();
    while (true) {
      const bool beginning = more();
      if (beginning) {
        const std::size_t due = plan_.at_once == 0
                                    ? static_cast<std::size_t>(now() * plan_.per_second)
                                    : figures_.begun + std::max(plan_.at_once, live_.size()) - live_.size();
        // A few at a time: a client that is late must not look after the new ones alone.
        for (int left = in_a_turn; left > 0 && figures_.begun < due && more(); --left) begin_one();
        figures_.begun_s = now();
      }
      const bool over = now() >= plan_.seconds + (plan_.drain ? plan_.patience_s : 0);
      if ((!beginning && live_.empty()) || over) break;
      turn();
    }
    figures_.left = live_.size();
    figures_.seconds = figures_.left != 0 || figures_.done_s.empty() ? now() : figures_.done_s.back();
    return std::move(figures_);
  }

  double now() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  double part(double of) { return std::uniform_real_distribution<double>(0, of)(random_); }

  void begin(const WaveDevice& who) {
    auto* device = new Device;
    device->who = &who;
    device->began = now();
    live_.insert(device);
    ++figures_.begun;
    open(*device);
  }

  void begin_again() {
    auto* device = idle_.front();
    idle_.pop_front();
    device->began = now();
    device->backoff = 1;
    live_.insert(device);
    ++figures_.begun;
    if (device->descriptor < 0) return open(*device);
    device->after = Step::kRegistering;
    go_on(*device);
  }

  void arm(Device& device, double after_s) {
    disarm(device);
    device.alarm = alarms_.emplace(now() + after_s, &device);
    device.armed = true;
  }
  void disarm(Device& device) {
    if (device.armed) alarms_.erase(device.alarm);
    device.armed = false;
  }

  void open(Device& device) {
    device.step = Step::kConnecting;
    device.descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (device.descriptor < 0) return lose(device);
    const int yes = 1;
    ::setsockopt(device.descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    device.ssl.reset(SSL_new(wave_.context_.get()));
    SSL_set_fd(device.ssl.get(), device.descriptor);
    SSL_set_connect_state(device.ssl.get());
    tests::ConnectFields fields;
    fields.client_id = device.who->id;
    fields.username = device.who->username;
    fields.password = device.who->password;
    fields.keep_alive_s = 600;
    device.out = tests::connect_packet(fields);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &device;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, device.descriptor, &event);
    (void)::connect(device.descriptor, reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
    arm(device, kConnectS);
  }
  void close(Device& device) {
    disarm(device);
    if (device.descriptor >= 0) {
      // Closing is not enough: a child process that somebody is about to start may have the same socket for a moment.
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, device.descriptor, nullptr);
      ::close(device.descriptor);
    }
    device.descriptor = -1;
    device.ssl.reset();
    device.in.clear();
    device.out.clear();
  }
  // Nothing came of this connection. One that was idle is opened again when its turn comes.
  void lose(Device& device) {
    close(device);
    if (device.step == Step::kIdle) return;
    ++figures_.broken;
    stay_away(device, device.backoff * (0.8 + part(0.4)), Step::kConnecting);
    device.backoff = std::min(2 * device.backoff, kLongestBackoffS);
  }
  void stay_away(Device& device, double seconds, Step after) {
    device.step = Step::kAway;
    device.after = after;
    arm(device, seconds);
  }
  void end(Device& device) {
    live_.erase(&device);
    if (plan_.stay) {
      disarm(device);
      device.step = Step::kIdle;
      idle_.push_back(&device);
      return;
    }
    if (device.ssl) {
      const std::uint8_t bye[] = {kDisconnect, 0};
      SSL_write(device.ssl.get(), bye, sizeof bye);
    }
    close(device);
    delete &device;
  }

  void turn() {
    epoll_event events[256];
    const int ready = ::epoll_wait(epoll_, events, 256, 1);
    for (int i = 0; i < ready; ++i) {
      auto* device = static_cast<Device*>(events[i].data.ptr);
      // A device that ended within this turn had one event only: there is one descriptor for each.
      advance(*device);
    }
    while (!alarms_.empty() && alarms_.begin()->first <= now()) {
      Device& device = *alarms_.begin()->second;
      disarm(device);
      device.step == Step::kAway ? go_on(device) : lose(device);
    }
  }
  void go_on(Device& device) {
    if (device.after == Step::kConnecting) return open(device);
    if (device.after == Step::kRegistering) {
      say(device, "PUT/iotdps-register/?$rid=1", device.who->register_body, Step::kRegistering);
    } else {
      ++figures_.polls;
      say(device, "GET/iotdps-get-operationstatus/?$rid=2&operationId=" + device.operation, " ", Step::kPolling);
    }
    advance(device);
  }
  void say(Device& device, const std::string& topic, const std::string& body, Step step) {
    const auto packet = tests::publish_packet("$dps/registrations/" + topic, body, 1);
    device.out.insert(device.out.end(), packet.begin(), packet.end());
    device.step = step;
    arm(device, kAnswerS);
  }

  // As far as it goes now. The device may be gone afterwards.
  void advance(Device& device) {
    ERR_clear_error();
    SSL* ssl = device.ssl.get();
    while (true) {
      int done = 0;
      if (!SSL_is_init_finished(ssl)) {
        done = SSL_do_handshake(ssl);
      } else if (!device.out.empty()) {
        done = SSL_write(ssl, device.out.data(), static_cast<int>(device.out.size()));
        if (done > 0) device.out.erase(device.out.begin(), device.out.begin() + done);
      } else {
        std::uint8_t buffer[16 * 1024];
        done = SSL_read(ssl, buffer, sizeof buffer);
        if (done > 0) {
          device.in.insert(device.in.end(), buffer, buffer + done);
          if (!take_packets(device)) return;
        }
      }
      if (done > 0) continue;
      const int why = SSL_get_error(ssl, done);
      if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
      return lose(device);
    }
  }

  // False when the device has no connection any more.
  bool take_packets(Device& device) {
    while (device.in.size() >= 2) {
      std::size_t size = 0;
      std::size_t header = 1;
      for (int shift = 0; header < device.in.size(); shift += 7) {
        const std::uint8_t byte = device.in[header++];
        size |= static_cast<std::size_t>(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) break;
      }
      if (device.in.size() < header + size) return true;
      const tests::Packet packet(device.in.begin(), device.in.begin() + static_cast<std::ptrdiff_t>(header + size));
      device.in.erase(device.in.begin(), device.in.begin() + static_cast<std::ptrdiff_t>(header + size));
      if (!hear(device, packet, header)) return false;
    }
    return true;
  }
  bool hear(Device& device, const tests::Packet& packet, std::size_t header) {
    switch (tests::kind_of(packet)) {
      case tests::kConnack:
        if (packet[header + 1] != 0) {
          ++figures_.refused;
          lose(device);
          return false;
        }
        device.out = tests::subscribe_packet("$dps/registrations/res/#", 0);
        device.step = Step::kSubscribing;
        arm(device, kAnswerS);
        return true;
      case tests::kSuback:
        say(device, "PUT/iotdps-register/?$rid=1", device.who->register_body, Step::kRegistering);
        return true;
      case tests::kPublish: return answered(device, parts_of(packet, header));
      default: return true;
    }
  }
  bool answered(Device& device, const std::pair<std::string, std::string>& answer) {
    const int status = std::stoi(answer.first.substr(std::string("$dps/registrations/res/").size()));
    const double asked = retry_after(answer.first);
    const double wait = asked + part(asked / 5);
    if (status == 429) figures_.told_s.push_back(static_cast<std::uint32_t>(asked));
    if (status == 429 || status >= 500) {
      stay_away(device, wait, device.step);
      return true;
    }
    if (status == 202) {
      device.operation = text_after(answer.second, "\"operationId\":\"");
      stay_away(device, wait, Step::kPolling);
      return true;
    }
    if (status == 200 && text_after(answer.second, "\"status\":\"") == "assigned" &&
        answer.second.find("\"issuedCertificateChain\":[\"") != std::string::npos) {
      figures_.done_s.push_back(now());
      figures_.took_s.push_back(now() - device.began);
      end(device);
      return plan_.stay;
    }
    ++figures_.refused;
    lose(device);
    return false;
  }

  Wave& wave_;
  WavePlan plan_;
  const int epoll_;
  Clock::time_point start_;
  sockaddr_in address_{};
  WaveFigures figures_;
  std::unordered_set<Device*> live_;
  std::deque<Device*> idle_;
  std::multimap<double, Device*> alarms_;
  std::mt19937_64 random_{4};
};

Wave::Wave(const tests::Hub& hub)
    : host_(hub.dps_host()), port_(hub.dps_port()), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context_.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context_.get(), hub.ca_file().c_str(), nullptr) != 1) {
    throw std::runtime_error("no CA file");
  }
}
Wave::~Wave() = default;

WaveFigures Wave::run(const std::vector<WaveDevice>& devices, std::size_t& next, const WavePlan& plan) {
  if (!plan.stay) return Run(*this).go(devices, next, plan);
  if (!stayed_) stayed_ = std::make_unique<Run>(*this);
  return stayed_->go(devices, next, plan);
}

WaveFigures Wave::again(const WavePlan& plan) {
  WavePlan staying = plan;
  staying.stay = true;
  return stayed_->again(staying);
}

std::size_t Wave::stayed() const { return stayed_ ? stayed_->idle() : 0; }

}  // namespace latchkey::bench
