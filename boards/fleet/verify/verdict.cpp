// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/verify/verdict.h"

#include <cstdio>
#include <numeric>

namespace latchkey::boards::fleet::verify {
namespace {

constexpr std::array<std::string_view, kRules> kNames{"let-in",     "lost",    "not-back", "serial",
                                                      "generation", "pairing", "memory",   "history"};

// "1:02.500": minutes, seconds.
std::string moment(history::TimeUs time) {
  char text[40];
  const auto ms = time / 1000;
  std::snprintf(text, sizeof text, "%lld:%02lld.%03lld", static_cast<long long>(ms / 60'000),
                static_cast<long long>(ms / 1000 % 60), static_cast<long long>(ms % 1000));
  return text;
}

std::string line_of(const Violation& violation, const std::string& prefix) {
  std::string text = std::string(to_string(violation.rule)) + ": ";
  if (violation.device != history::kNoDevice) text += history::device_name(prefix, violation.device) + " ";
  text += "at " + moment(violation.time) + ": " + violation.text + "\n";
  if (!violation.place.empty())
    text += "  " + violation.place + (violation.record.empty() ? "" : ": ") + violation.record + "\n";
  return text;
}

}  // namespace

std::string_view to_string(Rule rule) { return kNames[static_cast<std::size_t>(rule)]; }

std::uint64_t Verdict::violated() const { return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}); }

std::string text_of(const Verdict& verdict) {
  std::string text;
  for (const auto& violation : verdict.violations) text += line_of(violation, verdict.run.prefix);
  const std::uint64_t all = verdict.violated();
  if (all > verdict.violations.size()) {
    text += "and " + std::to_string(all - verdict.violations.size()) + " more\n";
  }
  for (const auto& note : verdict.notes) text += "note: " + note + "\n";
  text += std::to_string(verdict.records) + " records of " + std::to_string(verdict.run.devices) + " devices: ";
  if (all == 0) return text + "every rule was kept\n";
  text += std::to_string(all) + (all == 1 ? " violation" : " violations");
  for (std::size_t rule = 0, told = 0; rule < kRules; ++rule) {
    if (verdict.counts[rule] == 0) continue;
    text +=
        std::string(told++ == 0 ? " (" : ", ") + std::string(kNames[rule]) + " " + std::to_string(verdict.counts[rule]);
  }
  return text + ")\n";
}

}  // namespace latchkey::boards::fleet::verify
