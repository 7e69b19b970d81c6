// SPDX-License-Identifier: Apache-2.0
// bench_provision [DEVICES]: what a device's whole way in costs, against what OpenSSL alone would take for it.
//
// Counted is CPU of everything that takes part: both brokers, the hub process, and this process as the devices. Two
// legs, each with its own connections, on a real `latchkey up`:
//  1. at DPS: TCP, TLS 1.3 with the server's certificate alone (devices have symmetric keys), CONNECT, subscribe,
//     register with a CSR, poll until the chain is there, DISCONNECT (wave.h);
//  2. at the hub: TCP, mutual TLS 1.3 with that certificate, CONNECT, CONNACK, DISCONNECT (storm.h).
// The limit is, measured in the same run: both handshakes, both ends of each (bench_crypto_bound), and what OpenSSL
// alone needs to verify a CSR and to sign a leaf (PureCrypto). Keys and CSRs of devices are made beforehand and count
// nowhere. By the clock the limit is that on all cores; devices, brokers and hub share them.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "tests/bench/issuance_rivals.h"
#include "tests/bench/processes.h"
#include "tests/bench/report.h"
#include "tests/bench/storm.h"
#include "tests/bench/wave.h"

namespace latchkey::bench {
namespace {

using tests::Hub;

constexpr int kRounds = 5;
constexpr std::size_t kInProgress = 32;
constexpr std::size_t kConnecting = 100;  // devices of the second leg
constexpr double kCryptoSeconds = 3;
constexpr double kMostSeconds = 600;  // of a round

struct Process {
  std::string name;
  pid_t pid = 0;
  std::vector<double> dps_us = {};  // a device, of each round
  std::vector<double> hub_us = {};
};

class Bench {
 public:
  explicit Bench(std::size_t devices) : devices_(devices), report_("provision", "ec-p256") {}

  bool run() {
    hub_.start();
    processes_ = {{"devices (this process)", ::getpid()}, {"hub process", hub_.pid()}};
    for (const char* endpoint : {"dps", "hub"}) {
      processes_.push_back({std::string(endpoint) + " broker", broker_of(hub_, endpoint)});
    }
    Wave wave(hub_);
    const auto connecting = identities();
    Storm storm(connecting, hub_.ca_file());
    const std::size_t each = devices_ / kRounds;
    for (int round = 0; round <= kRounds; ++round) {
      const bool counts = round > 0;  // the first warms up
      provision(wave, make_wave(hub_, "bench-" + std::to_string(round) + "-", each), counts);
      connect(storm, each, counts);
      if (counts) measure_crypto();
    }
    tell();
    return report_.finish();
  }

 private:
  static Hub::Options options() {
    Hub::Options options;
    options.retry_after_s = 0;
    return options;
  }

  std::vector<StormClient> identities() {
    std::vector<StormClient> clients;
    for (std::size_t i = 0; i < kConnecting; ++i) {
      const std::string id = "connecting-" + std::to_string(i);
      clients.push_back({id, hub_.hub_username(id), hub_.provision(id)});
    }
    return clients;
  }

  std::vector<double> now() const {
    std::vector<double> seconds;
    for (const auto& process : processes_) seconds.push_back(cpu_seconds(process.pid));
    return seconds;
  }
  void add(std::vector<double> Process::*where, const std::vector<double>& before, std::size_t count) {
    const auto after = now();
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      (processes_[i].*where).push_back(1e6 * (after[i] - before[i]) / static_cast<double>(count));
    }
  }

  void provision(Wave& wave, const std::vector<WaveDevice>& devices, bool counts) {
    WavePlan plan;
    plan.at_once = kInProgress;
    plan.seconds = kMostSeconds;
    plan.drain = true;
    std::size_t next = 0;
    const auto before = now();
    const auto figures = wave.run(devices, next, plan);
    if (figures.done_s.size() != devices.size()) throw std::runtime_error("not all devices got a chain");
    if (!counts) return;
    add(&Process::dps_us, before, devices.size());
    dps_s_.push_back(figures.seconds / static_cast<double>(devices.size()));
    polls_.push_back(static_cast<double>(figures.polls) / static_cast<double>(devices.size()));
    retried_ += figures.broken + figures.refused + figures.told_s.size();
  }
  void connect(Storm& storm, std::size_t count, bool counts) {
    const auto before = now();
    const auto figures = storm.run(hub_.hub_host(), hub_.hub_port(), count, kInProgress);
    if (figures.ms.size() != count) throw std::runtime_error("not all devices were let in");
    if (!counts) return;
    add(&Process::hub_us, before, count);
    hub_s_.push_back(figures.seconds / static_cast<double>(count));
  }
  void measure_crypto() {
    const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bench_crypto_bound";
    const auto done = tests::run({program.string(), std::to_string(kCryptoSeconds / kRounds)});
    if (done.exit_status != 0) throw std::runtime_error(program.string() + ": " + done.err);
    const auto figures = nlohmann::json::parse(done.out).at("us");
    for (const auto& [name, value] : figures.items()) crypto_[name].push_back(value.get<double>());
    const auto cost = pure_.cost();
    issuance_us_.push_back(cost.verify_us + cost.sign_us);
  }
  double crypto(const std::string& name) const {
    const auto found = crypto_.find(name);
    if (found == crypto_.end()) throw std::runtime_error("bench_crypto_bound measures no " + name);
    return median(found->second);
  }

  void tell() {
    double dps_us = 0;
    double hub_us = 0;
    for (const auto& process : processes_) {
      report_.row({{"CPU us a device", process.name},
                   {"provisioning at DPS", median(process.dps_us)},
                   {"connecting at the hub", median(process.hub_us)}});
      dps_us += median(process.dps_us);
      hub_us += median(process.hub_us);
    }
    report_.row(
        {{"CPU us a device", std::string("all")}, {"provisioning at DPS", dps_us}, {"connecting at the hub", hub_us}});
    const double plain = crypto("serverAuthenticatedClient") + crypto("serverAuthenticatedServer");
    const double mutual = crypto("mutualClient") + crypto("mutualServer");
    const double issuance = median(issuance_us_);
    report_.row({{"limit, CPU us", std::string("handshake at DPS, both ends")}, {"us", plain}});
    report_.row({{"limit, CPU us", std::string("mutual handshake at the hub, both ends")}, {"us", mutual}});
    report_.row({{"limit, CPU us", std::string("verifying a CSR and signing a leaf")}, {"us", issuance}});
    const double limit_us = plain + mutual + issuance;
    const double cores = std::max(1U, std::thread::hardware_concurrency());
    const double whole_s = median(dps_s_) + median(hub_s_);
    report_.check("provisionings a second, by the clock", 1 / whole_s, "1/s");
    report_.check("whole way in, of the limit by CPU", limit_us / (dps_us + hub_us), "ratio", Goal::kAtLeast, 0.7);
    report_.check("whole way in, of the limit by the clock on all cores", limit_us / 1e6 / cores / whole_s, "ratio",
                  Goal::kAtLeast, 0.7);
    report_.check("at DPS alone, of the limit by CPU", (plain + issuance) / dps_us, "ratio");
    report_.check("at the hub alone, of the limit by CPU", mutual / hub_us, "ratio");
    report_.check("polls a device", median(polls_), "polls");
    report_.check("conversations that had to be tried again", static_cast<double>(retried_), "conversations",
                  Goal::kAtMost, 0);
  }

  const std::size_t devices_;
  Report report_;
  Hub hub_{options()};
  std::vector<Process> processes_;
  std::vector<double> dps_s_, hub_s_;  // a device, by the clock
  std::vector<double> polls_;          // a device
  std::map<std::string, std::vector<double>> crypto_;
  const tests::Key ca_key_ = tests::make_key();
  PureCrypto pure_{prepare_csrs(std::vector<std::string>(500, "device")), ca_key_.get()};
  std::vector<double> issuance_us_;
  std::size_t retried_ = 0;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const std::size_t devices = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 3500;
  if (devices < 100) {
    std::cerr << "usage: bench_provision [DEVICES, from 100 on]\n";
    return 2;
  }
  try {
    return latchkey::bench::Bench(devices).run() ? 0 : 1;
  } catch (const std::exception& failed) {
    std::cerr << failed.what() << "\n";
    return 1;
  }
}
