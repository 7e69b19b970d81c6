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
constexpr int kBegunInATurn = 8;
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
  Run(Wave& wave, const WavePlan& plan)
      : wave_(wave), plan_(plan), epoll_(::epoll_create1(EPOLL_CLOEXEC)), start_(Clock::now()) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(static_cast<std::uint16_t>(wave.port_));
    if (::inet_pton(AF_INET, wave.host_.c_str(), &address_.sin_addr) != 1) throw std::runtime_error("no address");
  }
  ~Run() {
    for (auto* device : live_) close(*device);
    for (auto* device : live_) delete device;
    ::close(epoll_);
  }

  WaveFigures go(const std::vector<WaveDevice>& devices, std::size_t& next) {
    while (true) {
      const double now = this->now();
      const bool open_loop = plan_.at_once == 0;
      const bool beginning = next < devices.size() && (open_loop || now < plan_.seconds);
      if (beginning) {
        const std::size_t due = open_loop ? static_cast<std::size_t>(now * plan_.per_second)
                                          : figures_.begun + std::max(plan_.at_once, live_.size()) - live_.size();
        // A few at a time: a client that is late must not look after the new ones alone.
        for (int left = kBegunInATurn; left > 0 && figures_.begun < due && next < devices.size(); --left) {
          begin(devices[next++]);
        }
        figures_.begun_s = this->now();
      }
      const bool over = now >= plan_.seconds + (plan_.drain ? plan_.patience_s : 0);
      if ((!beginning && live_.empty()) || over) break;
      turn();
    }
    figures_.left = live_.size();
    figures_.seconds = figures_.left != 0 || figures_.done_s.empty() ? now() : figures_.done_s.back();
    return std::move(figures_);
  }

 private:
  enum class Step { kAway, kConnecting, kSubscribing, kRegistering, kPolling };
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
  // Nothing came of this connection.
  void lose(Device& device) {
    close(device);
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
    if (device.ssl) {
      const std::uint8_t bye[] = {kDisconnect, 0};
      SSL_write(device.ssl.get(), bye, sizeof bye);
    }
    close(device);
    live_.erase(&device);
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
    const auto body = nlohmann::json::parse(answer.second, nullptr, false);
    if (status == 202) {
      device.operation = body.value("operationId", "");
      stay_away(device, wait, Step::kPolling);
      return true;
    }
    if (status == 200 && body.value("status", "") == "assigned" &&
        body["registrationState"].contains("issuedCertificateChain")) {
      figures_.done_s.push_back(now());
      figures_.took_s.push_back(now() - device.began);
      end(device);
      return false;
    }
    ++figures_.refused;
    lose(device);
    return false;
  }

  Wave& wave_;
  const WavePlan plan_;
  const int epoll_;
  const Clock::time_point start_;
  sockaddr_in address_{};
  WaveFigures figures_;
  std::unordered_set<Device*> live_;
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
  Run run(*this, plan);
  return run.go(devices, next);
}

}  // namespace latchkey::bench
