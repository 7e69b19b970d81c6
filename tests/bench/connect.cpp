// SPDX-License-Identifier: Apache-2.0
// bench_connect [DEVICES [ROUNDS]]: what a connect costs the broker at the hub endpoint with so many devices in its
// table, against the stock broker with the same certificates and key, and what it costs once devices were revoked,
// against the stock broker with a CRL of as many entries. CPU time of the broker's process, not wall time: clients
// share its machine. Contenders take turns within every round, so that a noisy minute hits all.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "platform/openssl/digest.h"
#include "registry/operations/registry.h"
#include "tests/bench/processes.h"
#include "tests/bench/report.h"
#include "tests/bench/stock_broker.h"
#include "tests/bench/storm.h"
#include "tests/support/forgery.h"
#include "tests/support/hub.h"

namespace latchkey::bench {
namespace {

using registry::Call;
using registry::Registry;
using tests::Hub;

constexpr std::size_t kClients = 500;         // that really connect
constexpr std::size_t kInProgress = 16;       // for the CPU
constexpr std::size_t kCrowd = 400;           // for the tail
constexpr std::size_t kConnects = 600;        // of one contender in one round
constexpr std::size_t kConnectsWithCrl = 30;  // a list of a million costs the stock broker 40 ms each
constexpr int kWriters = 8;

struct Contender {
  std::string name;
  std::string host;
  int port = 0;
  pid_t pid = 0;
  std::size_t connects = kConnects;
  std::vector<double> cpu_us = {};  // a connect, of each round
  std::size_t lost = 0;             // connects that should have been accepted
};

void take_turn(Storm& storm, Contender& contender) {
  const double before = cpu_seconds(contender.pid);
  const auto figures = storm.run(contender.host, contender.port, contender.connects, kInProgress);
  const double spent = cpu_seconds(contender.pid) - before;
  contender.lost += figures.refused + figures.failed;
  contender.cpu_us.push_back(1e6 * spent / static_cast<double>(contender.connects));
}

Contender contender_of(const std::string& name, Hub& hub) {
  return {name, hub.hub_host(), hub.hub_port(), broker_of(hub, "hub")};
}

template <class Value>
Value value_of(registry::Outcome<Value> outcome) {
  if (!outcome) throw std::runtime_error("the registry refused: " + outcome.error().detail);
  return std::move(*outcome);
}

// A hub's registry while the hub is down.
std::unique_ptr<Registry> open_registry(const Hub& hub) {
  Registry::Options options;
  options.path = (hub.data() / "registry.db").string();
  options.rehearsal = true;
  return value_of(Registry::open(options, openssl::host_digest()));
}

std::string name_of(std::size_t number) { return "asleep-" + std::to_string(number); }

void add_devices(const Hub& hub, std::size_t count) {
  const auto registry = open_registry(hub);
  std::vector<registry::NewDevice> devices;
  for (std::size_t i = 0; i < count; ++i) {
    devices.push_back({name_of(i)});
    if (devices.size() < 10'000 && i + 1 < count) continue;
    value_of(registry->create_devices(Call{"bench"}, "default", devices));
    devices.clear();
  }
}

void revoke_devices(const Hub& hub, std::size_t first, std::size_t last) {
  const auto registry = open_registry(hub);
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::size_t i = first + static_cast<std::size_t>(writer); i < last; i += kWriters) {
        (void)registry->revoke_device(Call{"bench"}, "default", name_of(i), false);
      }
    });
  }
  for (auto& writer : writers) writer.join();
}

std::vector<StormClient> provision(Hub& hub) {
  std::vector<StormClient> clients(kClients);
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (std::size_t i = first; i < clients.size(); i += 4) {
        const std::string id = "bench-" + std::to_string(i);
        clients[i] = {id, hub.hub_username(id), hub.provision(id)};
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return clients;
}

struct Ground {
  Hub hub;
  std::vector<StormClient> clients;
  tests::TestCa root, issuing;
};

// A hub with so many devices in its registry, of which some are real.
std::unique_ptr<Ground> make_ground(std::size_t devices) {
  auto ground = std::make_unique<Ground>();
  ground->hub.start();
  ground->hub.stop();
  add_devices(ground->hub, devices);
  ground->hub.start();
  ground->clients = provision(ground->hub);
  ground->root = tests::ca_of(ground->hub, "root");
  ground->issuing = tests::ca_of(ground->hub, "issuing");
  return ground;
}

StockBroker::Files files_for(const Ground& ground, const std::filesystem::path& crl = {}) {
  const auto tls = ground.hub.data() / "tls";
  return {tls / "server.key", tls / "server.pem",
          tests::certificate_pem(ground.root.certificate) + tests::certificate_pem(ground.issuing.certificate), crl};
}

class Bench {
 public:
  Bench(std::size_t devices, int rounds) : devices_(devices), rounds_(rounds), report_("connect", "ec-p256") {}

  bool run() {
    ground_ = make_ground(devices_);
    storm_ = std::make_unique<Storm>(ground_->clients, ground_->hub.ca_file());
    const StockBroker stock(kMosquitto, "127.0.0.3", files_for(*ground_));
    against_stock(stock);
    crowd(stock);
    for (const std::size_t revoked : {devices_ / 10, devices_}) after_revoking(revoked, stock);
    report_.check("connects that were lost", static_cast<double>(lost_), "connects", Goal::kAtMost, 0);
    return report_.finish();
  }

 private:
  static constexpr const char* kMosquitto = "/usr/sbin/mosquitto";

  void turns(std::vector<Contender*> contenders) {
    for (auto* contender : contenders) take_turn(*storm_, *contender);  // warms up, and does not count
    for (auto* contender : contenders) contender->cpu_us.clear();
    for (int round = 0; round < rounds_; ++round) {
      for (auto* contender : contenders) take_turn(*storm_, *contender);
    }
    for (const auto* contender : contenders) {
      report_.row({{"broker", contender->name},
                   {"CPU us a connect, median", median(contender->cpu_us)},
                   {"least", percentile(contender->cpu_us, 0)},
                   {"most", percentile(contender->cpu_us, 1)}});
      lost_ += contender->lost;
    }
  }

  void against_stock(const StockBroker& stock) {
    Contender ours = contender_of("latchkey, " + std::to_string(devices_) + " devices", ground_->hub);
    Contender theirs{"stock Mosquitto", stock.host(), stock.port(), stock.pid()};
    turns({&ours, &theirs});
    unrevoked_ = median(ours.cpu_us) / median(theirs.cpu_us);
    report_.check("connects a second per broker core, of the stock broker's",
                  median(theirs.cpu_us) / median(ours.cpu_us), "ratio", Goal::kAtLeast, 1.75);
  }

  void crowd(const StockBroker& stock) {
    for (const bool ours : {true, false}) {
      const auto& hub = ground_->hub;
      const auto figures = ours ? storm_->run(hub.hub_host(), hub.hub_port(), 5 * kCrowd, kCrowd)
                                : storm_->run(stock.host(), stock.port(), 5 * kCrowd, kCrowd);
      lost_ += figures.refused + figures.failed;
      const std::string name = ours ? "latchkey" : "stock Mosquitto";
      report_.row({{"broker", name + ", 400 in progress"},
                   {"connects/s", static_cast<double>(figures.ms.size()) / figures.seconds},
                   {"p50 ms", percentile(figures.ms, 0.5)},
                   {"p99 ms", percentile(figures.ms, 0.99)}});
      report_.check("p99 connect time with 400 in progress, " + name, percentile(figures.ms, 0.99) / 1000, "s",
                    ours ? Goal::kBelow : Goal::kNone, 0.6);
    }
  }

  void after_revoking(std::size_t revoked, const StockBroker& stock) {
    auto& hub = ground_->hub;
    hub.stop();
    revoke_devices(hub, revoked_, revoked);
    revoked_ = revoked;
    hub.start();
    const tests::TemporaryFolder folder;
    const auto crl = folder.path() / "issuing.crl";
    write_crl(ground_->issuing, revoked, crl);
    const StockBroker with_list(kMosquitto, "127.0.0.4", files_for(*ground_, crl));
    const std::string many = std::to_string(revoked);
    Contender ours = contender_of("latchkey, " + many + " revoked", hub);
    Contender plain{"stock Mosquitto beside it", stock.host(), stock.port(), stock.pid()};
    Contender listed{"stock Mosquitto, CRL of " + many, with_list.host(), with_list.port(), with_list.pid(),
                     kConnectsWithCrl};
    turns({&ours, &plain, &listed});
    report_.check("stock with a CRL of " + many + ", over ours", median(listed.cpu_us) / median(ours.cpu_us), "ratio");
    // Minutes lie between the two: each counts in units of the stock broker beside it.
    report_.check("ours with " + many + " revoked over none revoked",
                  median(ours.cpu_us) / median(plain.cpu_us) / unrevoked_, "ratio", Goal::kAtMost, 1.05);
  }

  const std::size_t devices_;
  const int rounds_;
  Report report_;
  std::unique_ptr<Ground> ground_;
  std::unique_ptr<Storm> storm_;
  double unrevoked_ = 0;  // CPU a connect, over the stock broker beside it
  std::size_t revoked_ = 0;
  std::size_t lost_ = 0;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const std::size_t devices = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  if (devices < 10 || rounds < 1) {
    std::fprintf(stderr, "usage: bench_connect [DEVICES [ROUNDS]]\n");
    return 2;
  }
  try {
    return latchkey::bench::Bench(devices, rounds).run() ? 0 : 1;
  } catch (const std::exception& mistake) {
    std::cerr << "bench_connect: " << mistake.what() << "\n";
    return 1;
  }
}
