// SPDX-License-Identifier: Apache-2.0
// bench_overload [SECONDS]: a re-provision wave at a real hub. First its peak: as many provisionings as it can take,
// with a given number of devices in progress. Then four times that rate for SECONDS, whatever becomes of those before;
// devices do as they are told. Goodput is what got its chain. Beside it, before and during the wave: devices of another
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

constexpr double kPeakSeconds = 10;
constexpr double kWarmUp = 3;  // of each run, before anything counts
constexpr double kTimes = 4;
constexpr std::size_t kSessions = 8;
constexpr std::size_t kOthers = 4;  // devices of the other policy that provision at one time
constexpr std::size_t kMostDevices = 16'000;

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
  explicit Bench(double seconds) : seconds_(seconds), report_("overload", "ec-p256"), hub_(options()) {}

  bool run() {
    hub_.start();
    broker_ = broker_of(hub_, "dps");
    add_other_policy();
    LiveSessions live(hub_);
    Wave wave(hub_);
    others_ = make_wave(hub_, "other-", 2'000, other_key_);

    // The peak, by how many are in progress.
    for (const std::size_t at_once : {256, 512, 1024}) peak_run(wave, at_once);
    report_.check("provisionings a second, peak", peak_, "1/s");

    // What live sessions and the other policy wait with nothing else going on.
    live.start();
    const auto calm_others = run_others(6);
    const auto calm = live.stop();
    overload(wave, live, calm, calm_others);
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

  void peak_run(Wave& wave, std::size_t at_once) {
    const std::string prefix = "peak-" + std::to_string(at_once) + "-";
    const auto devices = make_wave(hub_, prefix, 12'000);
    std::size_t next = 0;
    WavePlan plan;
    plan.at_once = at_once;
    plan.seconds = kPeakSeconds;
    const double spent = cpu();
    const auto figures = wave.run(devices, next, plan);
    const double cpu_ms = 1000 * (cpu() - spent) / static_cast<double>(std::max<std::size_t>(figures.done_s.size(), 1));
    peak_cpu_ms_ = peak_cpu_ms_ == 0 ? cpu_ms : std::min(peak_cpu_ms_, cpu_ms);
    const double rate = figures.per_second(kWarmUp, std::min(kPeakSeconds, figures.seconds));
    peak_ = std::max(peak_, rate);
    report_.row({{"run", std::to_string(at_once) + " in progress"},
                 {"offered/s", 0.0},
                 {"done/s", rate},
                 {"p50 s", percentile(figures.took_s, 0.5)},
                 {"p99 s", percentile(figures.took_s, 0.99)},
                 {"429", static_cast<double>(figures.told_s.size())},
                 {"broken", static_cast<double>(figures.broken)},
                 {"CPU ms each", cpu_ms},
                 {"hub MB", rss_mb(hub_.pid())}});
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

  void overload(Wave& wave, LiveSessions& live, const LiveSessions::Figures& calm, const WaveFigures& calm_others) {
    const double offered = kTimes * peak_;
    const auto count = std::min(kMostDevices, static_cast<std::size_t>(offered * seconds_));
    const auto devices = make_wave(hub_, "wave-", count);
    std::size_t next = 0;
    WavePlan plan;
    plan.per_second = offered;
    plan.seconds = static_cast<double>(count) / offered;
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
    const auto figures = wave.run(devices, next, plan);
    const double cpu_ms = 1000 * (cpu() - spent) / static_cast<double>(std::max<std::size_t>(figures.done_s.size(), 1));
    beside.join();
    ended = true;
    watch.join();
    const auto loaded = live.stop();

    const double during = figures.per_second(kWarmUp, figures.begun_s);
    const double whole = static_cast<double>(figures.done_s.size()) / figures.seconds;
    report_.row({{"run", "the wave"},
                 {"offered/s", static_cast<double>(figures.begun) / figures.begun_s},
                 {"done/s", during},
                 {"p50 s", percentile(figures.took_s, 0.5)},
                 {"p99 s", percentile(figures.took_s, 0.99)},
                 {"429", static_cast<double>(figures.told_s.size())},
                 {"broken", static_cast<double>(figures.broken)},
                 {"CPU ms each", cpu_ms},
                 {"hub MB", most_mb}});
    std::vector<double> told(figures.told_s.begin(), figures.told_s.end());
    // The client shares the cores with the hub, and may not get as far as it should: then the goodput says less.
    report_.check("offered by the wave, of the peak", static_cast<double>(figures.begun) / figures.begun_s / peak_,
                  "ratio", Goal::kAtLeast, 0.9 * kTimes);
    report_.check("goodput during the wave, of the peak", during / peak_, "ratio", Goal::kAtLeast, 0.9);
    report_.check("CPU of hub and broker a provisioning during the wave, over that at the peak", cpu_ms / peak_cpu_ms_,
                  "ratio", Goal::kAtMost, 1.1);
    report_.check("goodput until the last is done, of the peak", whole / peak_, "ratio");
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

  static double ratio(std::size_t part, std::size_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(whole, 1));
  }
  static double over(const std::vector<double>& one, const std::vector<double>& other, double fraction) {
    const double below = percentile(other, fraction);
    return below == 0 ? 0 : percentile(one, fraction) / below;
  }

  const double seconds_;
  Report report_;
  Hub hub_;
  std::string other_key_;
  std::vector<WaveDevice> others_;
  std::size_t next_other_ = 0;
  double peak_ = 0;
  double peak_cpu_ms_ = 0;
  pid_t broker_ = 0;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 15;
  if (seconds < 5) {
    std::fprintf(stderr, "usage: bench_overload [SECONDS], at least 5\n");
    return 2;
  }
  latchkey::bench::allow_descriptors();
  try {
    return latchkey::bench::Bench(seconds).run() ? 0 : 1;
  } catch (const std::exception& mistake) {
    std::cerr << "bench_overload: " << mistake.what() << "\n";
    return 1;
  }
}
