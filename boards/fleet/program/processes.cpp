// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/processes.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace latchkey::boards::fleet::program {
namespace {

// proc(5): resident pages are the second number of statm.
std::uint64_t resident_kib(const std::filesystem::path& folder) {
  std::ifstream statm(folder / "statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

// proc(5): user and system time are the 14th and 15th field of stat; the second ends with the last ')'.
std::uint64_t cpu_ms(const std::filesystem::path& folder) {
  std::ifstream stat(folder / "stat");
  std::string line;
  std::getline(stat, line);
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  return (user + system) * 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
}

pid_t hub_of(const std::filesystem::path& data) {
  std::ifstream file(data / "endpoints.json");
  const auto json = nlohmann::json::parse(file, nullptr, false);
  return json.is_object() && json.contains("pid") && json["pid"].is_number_integer() ? json["pid"].get<pid_t>() : 0;
}

}  // namespace

std::vector<Named> processes_of_hub(const std::filesystem::path& data) {
  std::vector<Named> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(data / "brokers", error)) {
    if (entry.path().extension() != ".pid") continue;
    pid_t pid = 0;
    if (std::ifstream(entry.path()) >> pid) found.emplace_back(entry.path().stem().string() + " broker", pid);
  }
  std::sort(found.begin(), found.end());
  if (const pid_t hub = hub_of(data); hub > 0) found.insert(found.begin(), {"hub process", hub});
  return found;
}

std::vector<history::Process> look_at(const std::vector<Named>& processes) {
  std::vector<history::Process> seen;
  for (const auto& [name, pid] : processes) {
    const auto folder = std::filesystem::path("/proc") / std::to_string(pid);
    const auto memory = pid > 0 ? resident_kib(folder) : 0;
    if (memory > 0) seen.push_back({name, static_cast<std::uint32_t>(pid), memory, cpu_ms(folder)});
  }
  return seen;
}

}  // namespace latchkey::boards::fleet::program
