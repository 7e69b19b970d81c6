// SPDX-License-Identifier: Apache-2.0
// What cluster.py asks for that has to be quick, so that the cluster is measured and not its client:
//
//   bench_cluster_load devices STORE FIRST COUNT
//       creates device-0000001 (if FIRST is 1) and so on in the registry there, beside the nodes that serve it
//   bench_cluster_load revoke SECONDS IN_PROGRESS RATE COUNT FOLDER ...
//       revokes those devices in turn at the nodes with those data folders, in turn; RATE a second over all, 0: as many
//       as are answered
//
// Standard output: one line of JSON.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "hub/cli/client.h"
#include "tests/bench/manage_plant.h"
#include "tests/bench/manage_raw.h"
#include "tests/bench/report.h"

namespace latchkey::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kBlock = 10'000;

int create(const std::string& store, std::uint64_t first, std::uint64_t count) {
  Plant plant(store);
  const auto began = steady_clock::now();
  for (std::uint64_t made = 0; made < count; made += kBlock) {
    std::vector<registry::NewDevice> block(std::min(kBlock, count - made));
    for (std::size_t i = 0; i < block.size(); ++i) block[i].id = device_name(first + made + i);
    for (const auto& one : must(plant.registry().create_devices(plant.call(), "default", block)).value) {
      if (!one) throw std::runtime_error(one.error().detail);
    }
  }
  std::cout << nlohmann::json{{"devices", count}, {"seconds", ms_since(began) / 1000}} << std::endl;
  return 0;
}

struct Plan {
  double seconds;
  std::size_t in_progress;
  double per_second;
  std::uint64_t devices;
  std::vector<std::string> folders;
};

class Revokes {
 public:
  explicit Revokes(Plan plan) : plan_(std::move(plan)), began_(steady_clock::now()) {}

  void run() {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < plan_.in_progress; ++i) threads.emplace_back([this, i] { work(i); });
    for (auto& thread : threads) thread.join();
  }
  nlohmann::json told() const {
    return {{"revokes", ms_.size()},
            {"failed", failed_},
            {"seconds", last_},
            {"per_second", static_cast<double>(ms_.size()) / last_},
            {"p50_ms", percentile(ms_, 0.5)},
            {"p99_ms", percentile(ms_, 0.99)}};
  }

 private:
  void work(std::size_t number) {
    const auto api = hub::cli::unix_socket_api(plan_.folders[number % plan_.folders.size()]);
    for (std::uint64_t turn = next_++; wait_for_turn(turn); turn = next_++) {
      const auto asked = steady_clock::now();
      const auto reply = api->exchange(
          "POST", "/namespaces/default/devices/" + device_name(1 + turn % plan_.devices) + "/revoke", "{}");
      const double ms = ms_since(asked);
      const std::lock_guard lock(mutex_);
      last_ = ms_since(began_) / 1000;
      if (reply && reply->status / 100 == 2) {
        ms_.push_back(ms);
      } else {
        ++failed_;
      }
    }
  }
  // False when its turn comes behind the end.
  bool wait_for_turn(std::uint64_t turn) const {
    const auto end = began_ + std::chrono::duration<double>(plan_.seconds);
    if (plan_.per_second == 0) return steady_clock::now() < end;
    const auto due = began_ + std::chrono::duration_cast<steady_clock::duration>(
                                  std::chrono::duration<double>(static_cast<double>(turn) / plan_.per_second));
    if (due >= end) return false;
    std::this_thread::sleep_until(due);
    return steady_clock::now() < end;
  }

  const Plan plan_;
  const steady_clock::time_point began_;
  std::atomic<std::uint64_t> next_ = 0;
  std::mutex mutex_;
  std::vector<double> ms_;
  std::size_t failed_ = 0;
  double last_ = 0;
};

int revoke(Plan plan) {
  if (plan.folders.empty() || plan.devices == 0) throw std::runtime_error("no nodes, or no devices");
  Revokes revokes(std::move(plan));
  revokes.run();
  std::cout << revokes.told() << std::endl;
  return 0;
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 4 && words[0] == "devices") {
    return create(words[1], std::stoull(words[2]), std::stoull(words[3]));
  }
  if (words.size() > 5 && words[0] == "revoke") {
    return revoke({std::stod(words[1]),
                   std::stoul(words[2]),
                   std::stod(words[3]),
                   std::stoull(words[4]),
                   {words.begin() + 5, words.end()}});
  }
  throw std::runtime_error("devices STORE FIRST COUNT, or revoke SECONDS IN_PROGRESS RATE COUNT FOLDER ...");
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  try {
    return latchkey::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "bench_cluster_load: " << error.what() << std::endl;
    return 2;
  }
}
