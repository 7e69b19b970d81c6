// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace latchkey::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string number(double value) {
  char text[40];
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    std::snprintf(text, sizeof text, "%.0f", value);
  } else {
    std::snprintf(text, sizeof text, "%.4g", value);
  }
  return text;
}

std::string text_of(const Report::Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return number(std::get<double>(cell));
}

// "key<separators>value" of the first line that starts with `key`.
std::string field(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const auto start = line.find_first_not_of(" \t:=\"", key.size());
    if (start == std::string::npos) return "";
    return line.substr(start, line.find_last_not_of(" \t\"") - start + 1);
  }
  return "";
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

Json machine() {
  utsname system{};
  uname(&system);
  return {{"cpu", field("/proc/cpuinfo", "model name")},
          {"cores", sysconf(_SC_NPROCESSORS_ONLN)},
          {"memory_mb", sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024)},
          {"l2_kb", std::max(0L, sysconf(_SC_LEVEL2_CACHE_SIZE)) / 1024},
          {"l3_kb", std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE)) / 1024},
          {"system", field("/etc/os-release", "PRETTY_NAME=")},
          {"kernel", std::string(system.release)},
          {"architecture", std::string(system.machine)},
          {"transparent_huge_pages", first_line("/sys/kernel/mm/transparent_hugepage/enabled")}};
}

std::string goal_text(Goal goal, double bound) {
  switch (goal) {
    case Goal::kAtMost: return "<= " + number(bound);
    case Goal::kBelow: return "< " + number(bound);
    case Goal::kAtLeast: return ">= " + number(bound);
    case Goal::kNone: return "";
  }
  return "";
}

bool reached(double value, Goal goal, double bound) {
  switch (goal) {
    case Goal::kAtMost: return value <= bound;
    case Goal::kBelow: return value < bound;
    case Goal::kAtLeast: return value >= bound;
    case Goal::kNone: return true;
  }
  return false;
}

void print_table(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      std::printf("%s%-*s", i == 0 ? "  " : "  ", static_cast<int>(widths[i]), line[i].c_str());
    }
    std::printf("\n");
  }
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(fraction * static_cast<double>(values.size()));
  const auto index = static_cast<std::size_t>(std::max(1.0, rank)) - 1;
  return values[std::min(index, values.size() - 1)];
}

Report::Report(std::string name, std::string key_profile)
    : name_(std::move(name)), key_profile_(std::move(key_profile)) {
#if defined(__clang__)
  version("compiler", "clang " __clang_version__);
#elif defined(__GNUC__)
  version("compiler", "g++ " __VERSION__);
#endif
#if defined(NDEBUG)
  version("build", "release");
#else
  version("build", "debug");
#endif
}

void Report::version(std::string what, std::string which) { versions_[std::move(what)] = std::move(which); }

void Report::check(std::string name, double value, std::string unit, Goal goal, double bound) {
  checks_.push_back({std::move(name), value, std::move(unit), goal_text(goal, bound), reached(value, goal, bound)});
}

void Report::row(Row row) { rows_.push_back(std::move(row)); }

void Report::print() const {
  std::printf("%s\n", name_.c_str());
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> previous;
  for (const Row& row : rows_) {  // rows with other columns start a new table
    std::vector<std::string> columns;
    for (const auto& [column, cell] : row) columns.push_back(column);
    if (columns != previous) {
      print_table(lines);
      lines = {columns};
      previous = columns;
    }
    std::vector<std::string> cells;
    for (const auto& [column, cell] : row) cells.push_back(text_of(cell));
    lines.push_back(std::move(cells));
  }
  print_table(lines);

  std::printf("\n");
  lines = {{"check", "value", "unit", "goal", ""}};
  for (const Check& check : checks_) {
    const char* mark = check.goal.empty() ? "" : check.ok ? "ok" : "MISSED";
    lines.push_back({check.name, number(check.value), check.unit, check.goal, mark});
  }
  print_table(lines);
}

std::string Report::json() const {
  Json checks = Json::array();
  for (const Check& check : checks_) {
    checks.push_back({{"name", check.name},
                      {"value", check.value},
                      {"unit", check.unit},
                      {"goal", check.goal.empty() ? Json() : Json(check.goal)},
                      {"ok", check.ok}});
  }
  Json rows = Json::array();
  for (const Row& row : rows_) {
    Json object = Json::object();
    for (const auto& [column, cell] : row) {
      std::visit([&, &key = column](const auto& value) { object[key] = value; }, cell);
    }
    rows.push_back(std::move(object));
  }
  const Json report = {{"name", name_},         {"machine", machine()},
                       {"versions", versions_}, {"key_profile", key_profile_},
                       {"checks", checks},      {"rows", rows}};
  return report.dump(2);
}

bool Report::finish(const std::string& folder) const {
  print();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string path = folder + "/" + name_ + ".json";
  std::ofstream file(path);
  file << json() << "\n";
  file.close();
  if (!file) {
    std::fprintf(stderr, "cannot write %s\n", path.c_str());
    return false;
  }
  std::printf("\nwritten: %s\n", path.c_str());
  return true;
}

}  // namespace latchkey::bench
