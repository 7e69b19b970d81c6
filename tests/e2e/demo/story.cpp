// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/demo/story.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

namespace latchkey::demo {
namespace {

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

double rounded(double ms) { return std::round(ms * 10) / 10; }

std::string shortened(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 3) + "...";
}

}  // namespace

void Story::act(const std::string& title, const std::string& words) {
  act_ = title;
  std::cout << "\n" << title << "\n  " << words << "\n" << std::flush;
}

void Story::step(const std::string& name, const std::string& expected, const std::function<Sight()>& look) {
  const auto began = std::chrono::steady_clock::now();
  Step step{act_, name, expected, {}, 0};
  try {
    step.sight = look();
  } catch (const std::exception& error) {
    step.sight = {std::string("it broke: ") + error.what(), false};
  }
  step.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  std::cout << "  " << (step.sight.ok ? "ok   " : "FAIL ") << name << "\n         expected " << expected << "; saw "
            << step.sight.seen << " (" << std::llround(step.ms) << " ms)\n"
            << std::flush;
  steps_.push_back(std::move(step));
}

bool Story::ok() const {
  return !steps_.empty() && std::all_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.sight.ok; });
}

void Story::print_table() const {
  constexpr int kName = 46;
  constexpr int kText = 40;
  std::cout << "\n"
            << std::left << std::setw(5) << "" << std::setw(kName) << "step" << std::setw(kText) << "expected"
            << std::setw(kText) << "seen" << std::right << std::setw(7) << "ms"
            << "\n";
  for (const auto& step : steps_) {
    std::cout << std::left << std::setw(5) << (step.sight.ok ? "ok" : "FAIL") << std::setw(kName)
              << shortened(step.name, kName - 1) << std::setw(kText) << shortened(step.expected, kText - 1)
              << std::setw(kText) << shortened(step.sight.seen, kText - 1) << std::right << std::setw(7)
              << std::llround(step.ms) << "\n";
  }
  const auto good = std::count_if(steps_.begin(), steps_.end(), [](const Step& step) { return step.sight.ok; });
  std::cout << "\n"
            << good << " of " << steps_.size() << " steps as expected. From the revoke command to the cut session: "
            << "p50 " << rounded(percentile(cuts_ms_, 0.5)) << " ms, max " << rounded(percentile(cuts_ms_, 1))
            << " ms (" << cuts_ms_.size() << " revocations).\n";
}

void Story::write_report(const std::filesystem::path& file, const std::string& key_profile) const {
  nlohmann::ordered_json report{{"ok", ok()}, {"steps", nlohmann::ordered_json::array()}};
  for (const auto& step : steps_) {
    report["steps"].push_back({{"act", step.act},
                               {"name", step.name},
                               {"expected", step.expected},
                               {"seen", step.sight.seen},
                               {"ok", step.sight.ok},
                               {"ms", rounded(step.ms)}});
  }
  report["revoke_to_cut_ms"] = {{"p50", rounded(percentile(cuts_ms_, 0.5))},
                                {"p99", rounded(percentile(cuts_ms_, 0.99))},
                                {"max", rounded(percentile(cuts_ms_, 1))}};
  report["key_profile"] = key_profile;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << report.dump(2) << "\n";
}

}  // namespace latchkey::demo
