// SPDX-License-Identifier: Apache-2.0
// bench_overload [DEVICES]: a re-provision wave at a real hub, twice.
//  1. Devices that are connected register again, all that there are, four times as many a second as the hub can serve,
//     whatever becomes of those before. They connected and registered for the first time beforehand, so that a client
//     on the hub's own cores can offer that many: this is what admission is for.
//  2. Devices that connect, which costs both ends a handshake: as many a second as the client can begin, and four times
//     the peak if it can.
// The peak before each is measured in the same way: as many as the hub can take, with a given number in progress.
// Devices do as they are told. Goodput is what got its chain. Beside the first wave, and before it: devices of another
// policy that provision, and what live sessions wait for a PUBACK (the broker's work) and for a twin (the hub
// process').
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "tests/bench/processes.h"
#include "tests/bench/report.h"
#include "tests/bench/wave.h"
#include "tests/support/raw_client.h"

namespace latchkey::bench {
namespace {

using Clock = std::chrono::steady_clock;
using tests::Hub;

constexpr double kMostSeconds = 60;       // of the first registrations
constexpr double kPeakSeconds = 6;        // of each run
constexpr double kConnectingSeconds = 6;  // of the wave of connections
constexpr double kWarmUp = 1.5;           // of each run, before anything counts: the first polls come after a second
constexpr double kTimes = 4;
constexpr std::size_t kSessions = 8;
constexpr std::size_t kOthers = 4;  // devices of the other policy that provision at one time
constexpr std::size_t kMostConnecting = 12'000;

// Live sessions that say something every few milliseconds, and how long each answer took.
class LiveSessions {
 public:
  struct Figures {
    std::vector<double> puback_ms, twin_ms;
    std::size_t lost = 0;  // unanswered within the patience of a test
  };
  explicit LiveSessions(Hub& hub) {
    for (std::size_t i = 0; i < kSessions; ++i) {
      const std::string id = "live-" + std::to_string(i);
      const auto options = hub.hub_options(id, hub.provision(id));
      clients_.push_back({"devices/" + id + "/messages/events/", tests::RawClient(options)});
      auto& client = clients_.back().client;
      tests::ConnectFields fields;
      fields.client_id = id;
      fields.username = options.username;
      fields.keep_alive_s = 600;
      if (!client.open() || client.connect(connect_packet(fields)).seen != tests::Seen::kAccepted ||
          !client.send(tests::subscribe_packet("$iothub/twin/res/#", 0)) || !client.read()) {
        throw std::runtime_error("a live session was refused");
      }
    }
  }
  void start() {
    figures_ = {};
    ending_ = false;
    thread_ = std::thread([this] { talk(); });
  }
  Figures stop() {
    ending_ = true;
    thread_.join();
    return figures_;
  }

 private:
  struct Live {
    std::string telemetry;
    tests::RawClient client;
  };
  void talk() {
    for (std::size_t turn = 0; !ending_; ++turn) {
      auto& live = clients_[turn % clients_.size()];
      ask(live, tests::publish_packet(live.telemetry, "21.5", 1), tests::kPuback, figures_.puback_ms);
      ask(live, tests::publish_packet("$iothub/twin/GET/?$rid=1", "", 0), tests::kPublish, figures_.twin_ms);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void ask(Live& live, const tests::Packet& packet, std::uint8_t answer, std::vector<double>& took) {
    const auto begun = Clock::now();
    auto heard = live.client.send(packet) ? live.client.read() : std::nullopt;
    if (!heard || tests::kind_of(*heard) != answer) {
      ++figures_.lost;
      return;
    }
    took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
  }

  std::vector<Live> clients_;
  Figures figures_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

std::size_t allow_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

class Bench {
 public:
  explicit Bench(std::size_t devices) : count_(devices), report_("overload", "ec-p256"), hub_(options()) {}

  bool run() {
    hub_.start();
    broker_ = broker_of(hub_, "dps");
    add_other_policy();
    LiveSessions live(hub_);
    Wave wave(hub_);
    others_ = make_wave(hub_, "other-", 2'000, other_key_);
    const auto devices = make_wave(hub_, "dev-", count_);

    const auto connecting = first_registrations(wave, devices);
    Peak peak;
    for (const std::size_t at_once : {1024, 2048}) peak_run(wave, at_once, peak);
    report_.check("registrations a second over live connections, peak", peak.rate, "1/s");
    report_.check("provisionings a second with a connection each, peak", connecting.rate, "1/s");

    // What live sessions and the other policy wait with nothing else going on.
    live.start();
    const auto calm_others = run_others(4);
    const auto calm = live.stop();
    overload(wave, peak, live, calm, calm_others);
    connecting_wave(connecting);
    return report_.finish();
  }

 private:
  static Hub::Options options() {
    Hub::Options options;
    options.retry_after_s = 1;
    return options;
  }

  void add_other_policy() {
    const auto file = hub_.work() / "other.key";
    for (const std::vector<std::string>& act :
         {std::vector<std::string>{"policy", "create", "-n", "other"},
          {"enrollment", "create", "--id", "other", "--group", "--policy", "other"},
          {"enrollment", "key", "--id", "other", "--group", "--out", file.string()}}) {
      if (const auto done = hub_.cli(act); done.exit_status != 0) throw std::runtime_error(done.err);
    }
    other_key_ = tests::read_text(file);
    while (!other_key_.empty() && other_key_.back() == '\n') other_key_.pop_back();
  }

  struct Peak {
    double rate = 0;    // a second
    double cpu_ms = 0;  // of hub and broker, each
  };

  void tell(const std::string& run, double offered, double done, const WaveFigures& figures, double cpu_ms, double mb) {
    report_.row({{"run", run},
                 {"offered/s", offered},
                 {"done/s", done},
                 {"p50 s", percentile(figures.took_s, 0.5)},
                 {"p99 s", percentile(figures.took_s, 0.99)},
                 {"429", static_cast<double>(figures.told_s.size())},
                 {"broken", static_cast<double>(figures.broken)},
                 {"CPU ms each", cpu_ms},
                 {"hub MB", mb}});
  }
  // CPU of hub and broker for each that was done since `before`.
  double cpu_ms(double before, const WaveFigures& figures) {
    return 1000 * (cpu() - before) / static_cast<double>(std::max<std::size_t>(figures.done_s.size(), 1));
  }

  // All devices connect, register, and stay: the peak of those that connect.
  Peak first_registrations(Wave& wave, const std::vector<WaveDevice>& devices) {
    constexpr std::size_t kAtOnce = 768;
    std::size_t next = 0;
    WavePlan plan;
    plan.at_once = kAtOnce;
    plan.seconds = kMostSeconds;
    plan.drain = true;
    plan.stay = true;
    const double spent = cpu();
    const auto figures = wave.run(devices, next, plan);
    Peak peak{figures.per_second(std::min(kWarmUp, figures.begun_s / 2), figures.begun_s), cpu_ms(spent, figures)};
    tell("connections, " + std::to_string(kAtOnce) + " in progress", 0, peak.rate, figures, peak.cpu_ms,
         rss_mb(hub_.pid()));
    if (wave.stayed() != devices.size()) throw std::runtime_error("not all devices registered and stayed");
    return peak;
  }

  void peak_run(Wave& wave, std::size_t at_once, Peak& peak) {
    WavePlan plan;
    plan.at_once = at_once;
    plan.seconds = kPeakSeconds;
    plan.drain = true;
    const double spent = cpu();
    const auto figures = wave.again(plan);
    const double each = cpu_ms(spent, figures);
    peak.cpu_ms = peak.cpu_ms == 0 ? each : std::min(peak.cpu_ms, each);
    const double rate = figures.per_second(kWarmUp, kPeakSeconds);
    peak.rate = std::max(peak.rate, rate);
    tell("live connections, " + std::to_string(at_once) + " in progress", 0, rate, figures, each, rss_mb(hub_.pid()));
  }

  // Of the hub process and the broker that devices provision at.
  double cpu() { return cpu_seconds(hub_.pid()) + cpu_seconds(broker_); }

  WaveFigures run_others(double seconds) {
    WavePlan plan;
    plan.at_once = kOthers;
    plan.seconds = seconds;
    Wave wave(hub_);
    return wave.run(others_, next_other_, plan);
  }

  void overload(Wave& wave, const Peak& peak, LiveSessions& live, const LiveSessions::Figures& calm,
                const WaveFigures& calm_others) {
    WavePlan plan;
    plan.per_second = kTimes * peak.rate;
    plan.seconds = static_cast<double>(wave.stayed()) / plan.per_second;  // each once
    plan.drain = true;
    live.start();
    WaveFigures others;
    std::thread beside([&] { others = run_others(plan.seconds); });
    double most_mb = 0;
    std::atomic<bool> ended = false;
    std::thread watch([&] {
      for (; !ended; std::this_thread::sleep_for(std::chrono::milliseconds(100)))
        most_mb = std::max(most_mb, rss_mb(hub_.pid()));
    });
    const double spent = cpu();
    const auto figures = wave.again(plan);
    const double each = cpu_ms(spent, figures);
    beside.join();
    ended = true;
    watch.join();
    const auto loaded = live.stop();

    const double offered = static_cast<double>(figures.begun) / figures.begun_s;
    const double during = figures.per_second(std::min(kWarmUp, figures.begun_s / 2), figures.begun_s);
    // The last tenth trickles in by the moments that they were told.
    const double bulk_s = percentile(figures.done_s, 0.9);
    const double whole = figures.per_second(kWarmUp, bulk_s);
    tell("live connections, the wave", offered, during, figures, each, most_mb);
    std::vector<double> told(figures.told_s.begin(), figures.told_s.end());
    report_.check("offered by the wave, of the peak", offered / peak.rate, "ratio", Goal::kAtLeast, 0.9 * kTimes);
    report_.check("goodput while that many are offered, of the peak", during / peak.rate, "ratio", Goal::kAtLeast, 0.9);
    report_.check("goodput until nine in ten are done, of the peak", whole / peak.rate, "ratio", Goal::kAtLeast, 0.9);
    report_.check("CPU of hub and broker a registration during the wave, over that at the peak", each / peak.cpu_ms,
                  "ratio", Goal::kAtMost, 1.1);
    report_.check("devices left without a chain", static_cast<double>(figures.left + figures.refused), "devices",
                  Goal::kAtMost, 0);
    report_.check("connections that came to nothing, a device", ratio(figures.broken, figures.begun), "ratio");
    report_.check("turned away, times a device", ratio(figures.told_s.size(), figures.begun), "ratio");
    report_.check("retry-after told, median", percentile(told, 0.5), "s");
    report_.check("retry-after told, most", percentile(told, 1), "s");
    report_.check("another policy, median during the wave over before", over(others.took_s, calm_others.took_s, 0.5),
                  "ratio");
    report_.check("another policy, provisionings during the wave", static_cast<double>(others.done_s.size()), "devices",
                  Goal::kAtLeast, 1);
    report_.check("telemetry PUBACK p99 before", percentile(calm.puback_ms, 0.99), "ms");
    report_.check("telemetry PUBACK p99 during the wave", percentile(loaded.puback_ms, 0.99), "ms");
    report_.check("twin p99 before", percentile(calm.twin_ms, 0.99), "ms");
    report_.check("twin p99 during the wave", percentile(loaded.twin_ms, 0.99), "ms");
    report_.check("answers that live sessions did not get", static_cast<double>(calm.lost + loaded.lost), "answers",
                  Goal::kAtMost, 0);
  }

  // The client shares the cores with the hub, and may not get as far as it should: then the goodput says less.
  void connecting_wave(const Peak& peak) {
    const double wanted = kTimes * peak.rate;
    const auto count = std::min(kMostConnecting, static_cast<std::size_t>(wanted * kConnectingSeconds));
    const auto devices = make_wave(hub_, "wave-", count);
    std::size_t next = 0;
    WavePlan plan;
    plan.per_second = wanted;
    plan.seconds = static_cast<double>(count) / wanted;
    plan.drain = true;
    Wave wave(hub_);
    const double spent = cpu();
    const auto figures = wave.run(devices, next, plan);
    const double each = cpu_ms(spent, figures);
    const double offered = static_cast<double>(figures.begun) / figures.begun_s;
    const double during = figures.per_second(std::min(kWarmUp, figures.begun_s / 2), figures.begun_s);
    tell("connections, the wave", offered, during, figures, each, rss_mb(hub_.pid()));
    report_.check("with a connection each: offered, of the peak", offered / peak.rate, "ratio");
    report_.check("with a connection each: goodput while that many are offered, of the peak", during / peak.rate,
                  "ratio", Goal::kAtLeast, 0.9);
    report_.check("with a connection each: devices left without a chain",
                  static_cast<double>(figures.left + figures.refused), "devices", Goal::kAtMost, 0);
  }

  static double ratio(std::size_t part, std::size_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(whole, 1));
  }
  static double over(const std::vector<double>& one, const std::vector<double>& other, double fraction) {
    const double below = percentile(other, fraction);
    return below == 0 ? 0 : percentile(one, fraction) / below;
  }

  const std::size_t count_;
  Report report_;
  Hub hub_;
  std::string other_key_;
  std::vector<WaveDevice> others_;
  std::size_t next_other_ = 0;
  pid_t broker_ = 0;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const std::size_t devices = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 12'000;
  const std::size_t most = latchkey::bench::allow_descriptors();
  if (devices < 1000 || devices + 1000 > most) {
    std::fprintf(stderr, "usage: bench_overload [DEVICES], from 1000 on, 1000 fewer than there are descriptors: %zu\n",
                 most);
    return 2;
  }
  try {
    return latchkey::bench::Bench(devices).run() ? 0 : 1;
  } catch (const std::exception& mistake) {
    std::cerr << "bench_overload: " << mistake.what() << "\n";
    return 1;
  }
}
