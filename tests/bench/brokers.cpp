// SPDX-License-Identifier: Apache-2.0
// bench_brokers [SESSIONS [ROUNDS]]: what a second broker brings a hub (`latchkey up --hub-brokers 2`), behind HAProxy
// and at addresses of their own, against one broker. Three whole hubs stand at one time and take turns within every
// round, with the same clients, so that a noisy minute hits all.
//
// By the clock, clients share the cores with what is measured. So beside it stands what the CPU allows: a broker and
// HAProxy have one thread each, and with a core for each the busiest of them sets the pace.
//
// With SESSIONS a fleet of so many agents connects through HAProxy and stays, while its descriptors are counted.
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "tests/bench/processes.h"
#include "tests/bench/report.h"
#include "tests/bench/storm.h"
#include "tests/support/hub.h"
#include "tests/support/subprocess.h"

namespace latchkey::bench {
namespace {

using nlohmann::json;
using tests::Hub;

constexpr std::size_t kClients = 64;  // of each hub
constexpr std::size_t kConnects = 500;
constexpr std::size_t kInProgress = 16;
constexpr std::size_t kStorms = 2;        // threads of clients
constexpr double kArrivalsASecond = 130;  // of the sessions that stay
constexpr double kMostTimes = 10;         // as long as that may it take until all are there
constexpr double kLingerS = 30;
constexpr const char* kHaproxy = "/usr/sbin/haproxy";

Hub::Options options(const std::vector<std::string>& more) {
  Hub::Options options;
  options.rehearsal = false;
  options.more = more;
  return options;
}

pid_t front_of(Hub& hub) {
  const auto status = hub.json({"status"});
  const auto fronts = status.value("fronts", json::array());
  return fronts.empty() ? -1 : fronts.at(0).at("pid").get<pid_t>();
}

// A hub, its clients, and what was seen of it.
class Contender {
 public:
  Contender(std::string name, const std::vector<std::string>& more) : name_(std::move(name)), hub_(options(more)) {
    hub_.start();
    const auto status = hub_.json({"status"});
    for (const auto& gate : status.at("gates")) {
      if (gate.at("endpoint") != "dps") processes_.push_back(gate.at("brokerPid"));
    }
    brokers_ = processes_.size();
    if (const auto front = front_of(hub_); front > 0) processes_.push_back(front);
    make_storms();
  }

  void take_turn(bool counts) {
    const auto before = used();
    std::vector<StormFigures> figures(kStorms);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kStorms; ++i) {
      threads.emplace_back([this, i, &figures] {
        figures[i] = storms_[i]->run(hosts_[i], ports_[i], kConnects / kStorms, kInProgress / kStorms);
      });
    }
    for (auto& thread : threads) thread.join();
    const auto after = used();
    double longest = 0;
    for (const auto& one : figures) {
      lost_ += one.refused + one.failed;
      longest = std::max(longest, one.seconds);
    }
    if (!counts) return;
    per_second_.push_back(static_cast<double>(kConnects) / longest);
    double of_brokers = 0;
    double busiest = 0;
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      const double us = 1e6 * (after[i] - before[i]) / static_cast<double>(kConnects);
      busiest = std::max(busiest, us);
      if (i < brokers_) of_brokers += us;
    }
    brokers_us_.push_back(of_brokers);
    busiest_us_.push_back(busiest);
    if (processes_.size() > brokers_) front_us_.push_back(1e6 * (after.back() - before.back()) / kConnects);
  }

  void tell(Report& report) const {
    report.row({{"hub", name_},
                {"connects/s, median", per_second()},
                {"CPU us a connect, brokers", median(brokers_us_)},
                {"HAProxy", median(front_us_)},
                {"busiest process", median(busiest_us_)}});
  }
  double per_second() const { return median(per_second_); }
  double brokers_us() const { return median(brokers_us_); }
  double busiest_us() const { return median(busiest_us_); }
  double front_us() const { return median(front_us_); }
  std::size_t lost() const { return lost_; }

 private:
  // Half of the clients to each thread, or to each address.
  void make_storms() {
    std::vector<std::vector<StormClient>> clients(kStorms);
    hosts_.assign(kStorms, hub_.hub_host());
    ports_.assign(kStorms, hub_.hub_port());
    const auto told = json::parse(tests::read_text(hub_.data() / "endpoints.json")).value("hubBrokers", json::object());
    const bool addresses = told.size() == kStorms && told.at("hub/1") != told.at("hub/2");
    for (std::size_t i = 0; addresses && i < kStorms; ++i) {
      const std::string address = told.at("hub/" + std::to_string(i + 1));
      hosts_[i] = address.substr(0, address.rfind(':'));
      ports_[i] = std::stoi(address.substr(address.rfind(':') + 1));
    }
    for (std::size_t i = 0; i < kClients; ++i) {
      const std::string id = "bench-" + std::to_string(i);
      StormClient client{id, hub_.hub_username(id), hub_.provision(id)};
      const bool second = addresses ? client.identity.hub == told.at("hub/2") : i % kStorms == 1;
      clients[second ? 1 : 0].push_back(std::move(client));
    }
    for (const auto& each : clients) storms_.push_back(std::make_unique<Storm>(each, hub_.ca_file()));
  }
  std::vector<double> used() const {
    std::vector<double> seconds;
    for (const auto pid : processes_) seconds.push_back(cpu_seconds(pid));
    return seconds;
  }

  const std::string name_;
  Hub hub_;
  std::vector<pid_t> processes_;  // the brokers, then HAProxy
  std::size_t brokers_ = 0;
  std::vector<std::unique_ptr<Storm>> storms_;
  std::vector<std::string> hosts_;
  std::vector<int> ports_;
  std::vector<double> per_second_, brokers_us_, busiest_us_, front_us_;
  std::size_t lost_ = 0;
};

void compare(int rounds, Report& report) {
  Contender one("one broker", {});
  Contender proxied("two brokers behind HAProxy", {"--hub-brokers", "2"});
  Contender addressed("two brokers, two addresses", {"--hub-brokers", "2", "--hub-front", "addresses"});
  for (int round = 0; round <= rounds; ++round) {
    for (auto* contender : {&one, &proxied, &addressed}) contender->take_turn(round > 0);  // the first warms up
  }
  for (auto* contender : {&one, &proxied, &addressed}) contender->tell(report);
  for (const auto* contender : {&proxied, &addressed}) {
    const std::string which = contender == &proxied ? "behind HAProxy" : "at two addresses";
    report.check("connects a second, two brokers " + which + " over one, clients on the same cores",
                 contender->per_second() / one.per_second(), "ratio");
    report.check("the same by the CPU of the busiest process", one.busiest_us() / contender->busiest_us(), "ratio");
    report.check("CPU of a connect at the brokers " + which + " over one broker's",
                 contender->brokers_us() / one.brokers_us(), "ratio");
  }
  report.check("CPU of a connect at HAProxy over its brokers'", proxied.front_us() / proxied.brokers_us(), "ratio");
  report.check("connects that were lost", static_cast<double>(one.lost() + proxied.lost() + addressed.lost()),
               "connects", Goal::kAtMost, 0);
}

// --- sessions that stay

std::size_t descriptors_of(pid_t process) {
  std::size_t count = 0;
  std::error_code error;
  const auto folder = std::filesystem::path("/proc") / std::to_string(process) / "fd";
  for (auto entry = std::filesystem::directory_iterator(folder, error); !error && entry != end(entry);
       entry.increment(error)) {
    ++count;
  }
  return count;
}

std::filesystem::path write_scenario(const Hub& hub, std::size_t sessions) {
  const double over = std::ceil(static_cast<double>(sessions) / kArrivalsASecond);
  const auto file = hub.work() / "stay.json";
  std::ofstream(file) << json{{"name", "stay"},
                              {"title", "A bench."},
                              {"about", "Devices that come and stay."},
                              {"devices", sessions},
                              {"durationSeconds", kMostTimes * over},
                              {"endWhen", "all-back"},
                              {"lingerSeconds", kLingerS},
                              {"arrival", {{"curve", "even"}, {"overSeconds", over}}},
                              {"telemetry", {{"everySeconds", 30}, {"bytes", 64}}}};
  return file;
}

struct Held {
  std::size_t descriptors = 0;  // HAProxy's, at most, beyond those before
  double memory_mb = 0;         // likewise
  std::size_t connected = 0;    // in the end
  std::size_t unkept = 0;       // 1 when a rule of the fleet's checker was not
  std::uint64_t restarts = 0;
};

Held hold(std::size_t sessions) {
  Hub hub(options({"--hub-brokers", "2"}));
  hub.start();
  const auto front = front_of(hub);
  const auto descriptors = descriptors_of(front);
  const auto memory = rss_mb(front);
  const auto out = hub.work() / "stay";
  const std::string program = std::string(LATCHKEY_BIN) + "/latchkey";
  Held held;
  tests::Subprocess fleet({program, "--data", hub.data().string(), "fleet", "run",
                           write_scenario(hub, sessions).string(), "--out", out.string()},
                          hub.work() / "fleet.log");
  while (fleet.running()) {
    held.descriptors = std::max(held.descriptors, descriptors_of(front));
    held.memory_mb = std::max(held.memory_mb, rss_mb(front));
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  held.descriptors -= std::min(held.descriptors, descriptors);
  held.memory_mb -= memory;
  const auto report = json::parse(tests::read_text(out / "report.json"), nullptr, false);
  if (!report.is_object()) throw std::runtime_error("no report: " + tests::read_text(hub.work() / "fleet.log"));
  held.connected = report.at("end").at("connected");
  const auto verified = tests::run({program, "fleet", "verify", out.string()});
  held.unkept = verified.exit_status == 0 ? 0 : 1;
  if (held.unkept != 0) std::cerr << verified.out << verified.err;
  const auto status = hub.json({"status"});
  for (const auto& gate : status.at("gates")) held.restarts += gate.value("restarts", 0);
  held.restarts += front_of(hub) == front ? 0 : 1;
  return held;
}

void stay(std::size_t sessions, Report& report) {
  const auto held = hold(sessions);
  const auto count = static_cast<double>(sessions);
  report.check("sessions that stay, through HAProxy", static_cast<double>(held.connected), "sessions");
  report.check("sessions lost", count - static_cast<double>(held.connected), "sessions", Goal::kAtMost, 0);
  report.check("runs in which a rule of the checker was violated", static_cast<double>(held.unkept), "runs",
               Goal::kAtMost, 0);
  report.check("descriptors of HAProxy a session", static_cast<double>(held.descriptors) / count, "descriptors");
  report.check("memory of HAProxy a session", 1e3 * held.memory_mb / count, "KB");
  report.check("brokers or HAProxy that had to be started anew", static_cast<double>(held.restarts), "processes",
               Goal::kAtMost, 0);
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  using namespace latchkey::bench;
  const std::size_t sessions = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 4;
  if (rounds < 1) {
    std::cerr << "usage: bench_brokers [SESSIONS [ROUNDS]]\n";
    return 2;
  }
  if (!std::filesystem::exists(kHaproxy)) {
    std::cerr << "bench_brokers: Debian's package haproxy is not installed\n";
    return 1;
  }
  try {
    Report report("brokers", "ec-p256");
    compare(rounds, report);
    if (sessions > 0) stay(sessions, report);
    return report.finish() ? 0 : 1;
  } catch (const std::exception& mistake) {
    std::cerr << "bench_brokers: " << mistake.what() << "\n";
    return 1;
  }
}
