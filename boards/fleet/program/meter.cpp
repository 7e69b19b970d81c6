// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/meter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "boards/fleet/program/child.h"
#include "platform/files/descriptor.h"
#include "platform/files/file.h"

namespace latchkey::boards::fleet::program {
namespace {

using forecast::Part;

constexpr int kCommits = 21;
constexpr std::size_t kMostText = 64 * 1024;

double in_us(const timespec& time) {
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// Of all its threads, those that have ended included.
std::optional<double> used_us(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (pid <= 0 || ::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return std::nullopt;
  return in_us(time);
}

// Of its first thread alone (proc(5), schedstat: nanoseconds on a processor).
std::optional<double> used_by_first_thread_us(pid_t pid) {
  const auto id = std::to_string(pid);
  std::ifstream file("/proc/" + id + "/task/" + id + "/schedstat");
  double ns = 0;
  if (!(file >> ns)) return std::nullopt;
  return ns / 1e3;
}

pid_t first_child_of(pid_t pid) {
  const auto id = std::to_string(pid);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  pid_t child = 0;
  return file >> child ? child : 0;
}

std::int64_t unix_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1000LL + time.tv_nsec / 1'000'000;
}

}  // namespace

std::optional<Reading> Meter::read() {
  if (worker_ == 0) worker_ = first_child_of(fleet_);
  if (worker_ == 0) return std::nullopt;
  Reading reading;
  reading.at_ms = unix_ms();
  const auto set = [&reading](Part part, std::optional<double> us) {
    reading.used_us[static_cast<std::size_t>(part)] += us.value_or(0);
    return us.has_value();
  };
  const auto all = used_us(worker_);
  const auto loop = used_by_first_thread_us(worker_);
  if (!all || !loop) return std::nullopt;
  bool good = set(Part::kFleetLoop, loop) && set(Part::kFleetKeys, std::max(0.0, *all - *loop)) &&
              set(Part::kDpsBroker, used_us(hub_.dps_broker)) && set(Part::kHubProcess, used_us(hub_.hub_process));
  for (const auto broker : hub_.hub_brokers) good = good && set(Part::kHubBroker, used_us(broker));
  return good ? std::optional<Reading>(reading) : std::nullopt;
}

std::optional<Meter::Processes> processes_of(const std::string& data, std::string& problem) {
  Meter::Processes found;
  const auto endpoints =
      nlohmann::json::parse(files::read_text(data + "/endpoints.json", kMostText).value_or(""), nullptr, false);
  if (endpoints.is_object()) found.hub_process = endpoints.value("pid", 0);
  auto child =
      Child::start({own_folder() + "/latchkey", "--data", data, "-o", "json", "status"}, Child::Errors::kWithOutput);
  const auto status = nlohmann::json::parse(child ? child->read_all() : "", nullptr, false);
  if (status.is_object() && status.contains("gates") && status["gates"].is_array()) {
    for (const auto& gate : status["gates"]) {
      if (!gate.is_object()) continue;
      const pid_t pid = gate.value("brokerPid", 0);
      if (gate.value("endpoint", "") == "dps") {
        found.dps_broker = pid;
      } else {
        found.hub_brokers.push_back(pid);
      }
    }
  }
  if (used_us(found.dps_broker) && used_us(found.hub_process) && !found.hub_brokers.empty()) return found;
  problem = "the processes of the hub in " + data + " cannot be found: is 'latchkey up' running, on this machine?";
  return std::nullopt;
}

std::optional<double> commit_ms(const std::string& folder) {
  std::string name = folder + "/commit-XXXXXX";
  const files::Descriptor file(::mkstemp(name.data()));
  if (!file) return std::nullopt;
  ::unlink(name.c_str());
  const std::array<char, 4096> page{};
  std::vector<double> times;
  for (int i = 0; i < kCommits; ++i) {
    timespec from{};
    timespec to{};
    ::clock_gettime(CLOCK_MONOTONIC, &from);
    if (::write(file.get(), page.data(), page.size()) < 0 || ::fdatasync(file.get()) != 0) return std::nullopt;
    ::clock_gettime(CLOCK_MONOTONIC, &to);
    times.push_back((in_us(to) - in_us(from)) / 1e3);
  }
  std::nth_element(times.begin(), times.begin() + kCommits / 2, times.end());
  return times[kCommits / 2];
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace latchkey::boards::fleet::program
