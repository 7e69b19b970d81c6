// SPDX-License-Identifier: Apache-2.0
// bench_connect [DEVICES [ROUNDS]]: what a connect costs the broker at the hub endpoint with so many devices in its
// table, against the stock broker with the same certificates and key, and what it costs once devices were revoked,
// against the stock broker with a CRL of as many entries. CPU time of the broker's process, not wall time: clients
// share its machine. All contenders stand at one time and take short turns, and a ratio is taken within a round:
// between two seconds the same connect was seen to differ by a third.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
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

constexpr std::size_t kClients = 500;        // that really connect
constexpr std::size_t kInProgress = 16;      // for the CPU
constexpr std::size_t kCrowd = 400;          // for the tail
constexpr std::size_t kConnects = 100;       // of one contender in one round
constexpr std::size_t kConnectsWithCrl = 5;  // a list of a million costs the stock broker 30 ms each
constexpr int kWriters = 64;

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
Contender contender_of(const std::string& name, const StockBroker& broker, std::size_t connects = kConnects) {
  return {name, broker.host(), broker.port(), broker.pid(), connects};
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

// A hub with so many devices in its registry, of which some are real. It does not run.
std::unique_ptr<Ground> make_ground(std::size_t devices) {
  auto ground = std::make_unique<Ground>();
  ground->hub.start();
  ground->hub.stop();
  add_devices(ground->hub, devices);
  ground->hub.start();
  ground->clients = provision(ground->hub);
  ground->root = tests::ca_of(ground->hub, "root");
  ground->issuing = tests::ca_of(ground->hub, "issuing");
  ground->hub.stop();
  return ground;
}

// A hub with all that another one has, and some more of its devices revoked.
class Twin {
 public:
  Twin(const Hub& other, std::size_t first_revoked, std::size_t last_revoked) : hub_(options_in(folder_.path())) {
    std::filesystem::copy(other.data(), hub_.data(), std::filesystem::copy_options::recursive);
    std::filesystem::remove_all(hub_.data() / "brokers");  // the user of Mosquitto's; a hub makes it at each start
    revoke_devices(hub_, first_revoked, last_revoked);
  }
  Hub& hub() { return hub_; }

 private:
  static Hub::Options options_in(const std::filesystem::path& folder) {
    Hub::Options options;
    options.data = folder / "data";
    return options;
  }

  const tests::TemporaryFolder folder_;
  Hub hub_;
};

StockBroker::Files files_for(const Ground& ground, const std::filesystem::path& crl = {}) {
  const auto tls = ground.hub.data() / "tls";
  return {tls / "server.key", tls / "server.pem",
          tests::certificate_pem(ground.root.certificate) + tests::certificate_pem(ground.issuing.certificate), crl};
}

// A stock broker with a CRL of so many entries.
class ListedBroker {
 public:
  ListedBroker(const Ground& ground, std::size_t entries, const std::string& host)
      : crl_(write(ground, entries)), broker_("/usr/sbin/mosquitto", host, files_for(ground, crl_)) {}
  const StockBroker& broker() const { return broker_; }

 private:
  std::filesystem::path write(const Ground& ground, std::size_t entries) const {
    const auto crl = folder_.path() / "issuing.crl";
    write_crl(ground.issuing, entries, crl);
    return crl;
  }

  const tests::TemporaryFolder folder_;
  const std::filesystem::path crl_;
  const StockBroker broker_;
};

// One contender's CPU of a connect over another's, round by round, the median.
double ratio(const Contender& one, const Contender& other) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < one.cpu_us.size(); ++i) ratios.push_back(one.cpu_us[i] / other.cpu_us[i]);
  return median(ratios);
}

class Bench {
 public:
  Bench(std::size_t devices, int rounds)
      : some_(devices / 10),
        all_(devices),
        rounds_(rounds),
        report_("connect", "ec-p256"),
        ground_(make_ground(devices)),
        some_revoked_(ground_->hub, 0, some_),
        all_revoked_(some_revoked_.hub(), some_, all_),
        stock_("/usr/sbin/mosquitto", "127.0.0.3", files_for(*ground_)),
        some_listed_(*ground_, some_, "127.0.0.4"),
        all_listed_(*ground_, all_, "127.0.0.5"),
        storm_(ground_->clients, ground_->hub.ca_file()) {
    for (auto* hub : {&ground_->hub, &some_revoked_.hub(), &all_revoked_.hub()}) hub->start();
  }

  bool run() {
    paired();
    crowd();
    report_.check("connects that were lost", static_cast<double>(lost_), "connects", Goal::kAtMost, 0);
    return report_.finish();
  }

 private:
  void paired() {
    const std::string some = std::to_string(some_);
    const std::string all = std::to_string(all_);
    Contender none_revoked = contender_of("latchkey, " + all + " devices", ground_->hub);
    Contender some_revoked = contender_of("latchkey, " + some + " revoked", some_revoked_.hub());
    Contender all_revoked = contender_of("latchkey, " + all + " revoked", all_revoked_.hub());
    Contender stock = contender_of("stock Mosquitto", stock_);
    Contender some_listed = contender_of("stock Mosquitto, CRL of " + some, some_listed_.broker(), kConnectsWithCrl);
    Contender all_listed = contender_of("stock Mosquitto, CRL of " + all, all_listed_.broker(), kConnectsWithCrl);
    turns({&none_revoked, &stock, &some_revoked, &all_revoked, &some_listed, &all_listed});

    report_.check("connects a second per broker core, of the stock broker's", ratio(stock, none_revoked), "ratio",
                  Goal::kAtLeast, 1.75);
    report_.check("ours with " + some + " revoked over none revoked", ratio(some_revoked, none_revoked), "ratio",
                  Goal::kAtMost, 1.05);
    report_.check("ours with " + all + " revoked over none revoked", ratio(all_revoked, none_revoked), "ratio",
                  Goal::kAtMost, 1.05);
    report_.check("stock with a CRL of " + some + ", over ours", ratio(some_listed, some_revoked), "ratio");
    report_.check("stock with a CRL of " + all + ", over ours", ratio(all_listed, all_revoked), "ratio");
  }

  // Who comes first within a round differs from round to round.
  void turns(const std::vector<Contender*>& contenders) {
    for (auto* contender : contenders) take_turn(storm_, *contender);  // warms up, and does not count
    for (auto* contender : contenders) contender->cpu_us.clear();
    auto order = contenders;
    for (int round = 0; round < rounds_; ++round) {
      for (auto* contender : order) take_turn(storm_, *contender);
      std::rotate(order.begin(), order.begin() + 1, order.end());
    }
    for (const auto* contender : contenders) {
      report_.row({{"broker", contender->name},
                   {"CPU us a connect, median", median(contender->cpu_us)},
                   {"least", percentile(contender->cpu_us, 0)},
                   {"most", percentile(contender->cpu_us, 1)}});
      lost_ += contender->lost;
    }
  }

  void crowd() {
    for (const bool ours : {true, false}) {
      const auto& hub = ground_->hub;
      const auto figures = ours ? storm_.run(hub.hub_host(), hub.hub_port(), 5 * kCrowd, kCrowd)
                                : storm_.run(stock_.host(), stock_.port(), 5 * kCrowd, kCrowd);
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

  const std::size_t some_, all_;  // devices
  const int rounds_;
  Report report_;
  const std::unique_ptr<Ground> ground_;
  Twin some_revoked_, all_revoked_;
  const StockBroker stock_;
  const ListedBroker some_listed_, all_listed_;
  Storm storm_;
  std::size_t lost_ = 0;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const std::size_t devices = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 60;
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
