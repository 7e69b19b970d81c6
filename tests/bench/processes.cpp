// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/processes.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace latchkey::bench {
namespace {

std::filesystem::path folder_of(pid_t process) { return "/proc/" + std::to_string(process); }

}  // namespace

// schedstat: nanoseconds on a processor, of one thread.
double cpu_seconds(pid_t process) {
  double sum = 0;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator(folder_of(process) / "task", error)) {
    std::ifstream in(thread.path() / "schedstat");
    double nanoseconds = 0;
    in >> nanoseconds;
    sum += nanoseconds / 1e9;
  }
  return sum;
}

double rss_mb(pid_t process) {
  std::ifstream in(folder_of(process) / "statm");
  double size = 0;
  double resident = 0;
  in >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

pid_t broker_of(tests::Hub& hub, const std::string& endpoint) {
  const auto status = hub.json({"status"});
  for (const auto& gate : status.at("gates")) {
    if (gate.at("endpoint") == endpoint) return gate.at("brokerPid").get<pid_t>();
  }
  throw std::runtime_error("no gate of the endpoint " + endpoint);
}

}  // namespace latchkey::bench
