// SPDX-License-Identifier: Apache-2.0
// bench_sign [SECONDS]: sign operations of the signing service, from a digest to a durable result, against `openssl
// speed` for the same kind of key on the same cores. By the clock, all cores busy on both sides; and by processor time,
// which other work on the machine does not disturb.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/report.h"
#include "tests/support/subprocess.h"
#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey {
namespace {

using namespace hub::signing;        // NOLINT: the bench is about these rooms
using namespace hub::signing::test;  // NOLINT
using SteadyClock = std::chrono::steady_clock;

constexpr int kCallers = 64;  // operations in progress

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Rate {
  double by_clock = 0;
  double by_cpu = 0;  // for each second of processor time
  std::uint64_t failed = 0;
};

// The service as it is run, but for its keys, which lie in memory; its registry is on the disk, every commit synced.
class Bench {
 public:
  Bench() {
    registry_ = std::move(*registry::Registry::open({.path = folder_.path() / "registry.db"}, openssl::host_digest()));
    auto opened = Service::open(registry::rows_of(*registry_), keys_, directory_, nullptr, [] { return kStart; },
                                quick_options_of_cores(), {"bench", kStart});
    if (!opened) {
      std::cerr << opened.error().detail << "\n";
      std::exit(1);
    }
    service_ = std::move(*opened);
  }
  ~Bench() { service_.reset(); }

  ProfileFacts profile(const std::string& name, KeyKind key) {
    ProfileFacts facts;
    facts.account = random_id();
    facts.profile = random_id();
    facts.account_name = "bench";
    facts.profile_name = name;
    facts.subject = contoso();
    facts.durable_eku = durable_eku(facts.type, {1, 2, 3, 4});
    facts.key = key;
    return directory_.put(facts);
  }

  Rate measure(const ProfileFacts& facts, Algorithm algorithm, double seconds) {
    sign(facts, algorithm);  // its certificate is made
    std::atomic<std::uint64_t> done = 0;
    std::atomic<std::uint64_t> failed = 0;
    std::atomic<bool> over = false;
    const double cpu = cpu_seconds();
    const auto began = SteadyClock::now();
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        while (!over) ++(sign(facts, algorithm) ? done : failed);
      });
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    over = true;
    for (auto& caller : callers) caller.join();
    const std::chrono::duration<double> took = SteadyClock::now() - began;
    return {double(done) / took.count(), double(done) / (cpu_seconds() - cpu), failed};
  }

 private:
  static Service::Options quick_options_of_cores() {
    Service::Options options;
    options.authorities.timestamper_key = KeyKind::kEcP256;  // not what is measured
    return options;
  }
  bool sign(const ProfileFacts& facts, Algorithm algorithm) {
    const auto signed_one = service_->signing().sign({"bench", kStart}, facts, algorithm, Bytes(32, 7));
    return signed_one && signed_one->status == registry::signing::OperationStatus::kSucceeded;
  }

  tests::TemporaryFolder folder_;
  PaperKeys keys_;
  PaperDirectory directory_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<Service> service_;
};

// Signatures a second, as the last line of `openssl speed` has them before the verifications.
double openssl_speed(const std::string& what, int seconds, const std::vector<std::string>& options) {
  std::vector<std::string> command = {"/usr/bin/openssl", "speed", "-seconds", std::to_string(seconds)};
  command.insert(command.end(), options.begin(), options.end());
  command.push_back(what);
  const auto ran = tests::run(command, 120'000);
  std::istringstream lines(ran.out);
  std::string line;
  std::string last;
  while (std::getline(lines, line)) {
    if (line.find(" bits ") != std::string::npos) last = line;
  }
  std::istringstream words(last);
  std::vector<std::string> all;
  for (std::string word; words >> word;) all.push_back(word);
  const double rate = all.size() < 2 ? 0 : std::strtod(all[all.size() - 2].c_str(), nullptr);
  if (rate <= 0) throw std::runtime_error("openssl speed " + what + ": " + ran.err);
  return rate;
}

void compare(bench::Report& report, Bench& bench, KeyKind kind, Algorithm algorithm, const std::string& what,
             int seconds) {
  const std::string name(name_of(kind));
  const auto facts = bench.profile(name, kind);
  const std::string cores = std::to_string(std::max(1U, std::thread::hardware_concurrency()));
  // Before and after, so that what else the machine does weighs on both sides; on all cores also by processor time,
  // which is worth less where two of them share one.
  const auto by_clock = [&] { return openssl_speed(what, seconds, {"-elapsed", "-multi", cores}); };
  const auto by_cpu = [&] { return openssl_speed(what, seconds, {"-multi", cores}) / std::stod(cores); };
  const double cpu_before = by_cpu();
  const double clock_before = by_clock();
  const Rate ours = bench.measure(facts, algorithm, seconds * 2);
  const double clock_peer = (clock_before + by_clock()) / 2;
  const double cpu_peer = (cpu_before + by_cpu()) / 2;
  report.check(name + ": operations over openssl speed, by processor time", ours.by_cpu / cpu_peer, "",
               bench::Goal::kAtLeast, 0.8);
  report.check(name + ": operations over openssl speed, by the clock on all cores", ours.by_clock / clock_peer, "",
               bench::Goal::kAtLeast, 0.8);
  report.check(name + ": durable operations", ours.by_clock, "1/s");
  report.check(name + ": openssl speed", clock_peer, "1/s");
  report.check(name + ": operations that failed", double(ours.failed), "operations", bench::Goal::kAtMost, 0);
}

}  // namespace
}  // namespace latchkey

int main(int argc, char** argv) {
  using namespace latchkey;  // NOLINT
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 3;
  bench::Report report("sign", "rsa-3072 and ec-p256");
  Bench bench;
  compare(report, bench, KeyKind::kRsa3072, Algorithm::kRs256, "rsa3072", seconds);
  compare(report, bench, KeyKind::kEcP256, Algorithm::kEs256, "ecdsap256", seconds);
  return report.finish() ? 0 : 1;
}
