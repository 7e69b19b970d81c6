// SPDX-License-Identifier: Apache-2.0
// Which numbers an axis names.
#include <algorithm>
#include <array>
#include <cmath>

#include "boards/fleet/report/internal/chart.h"
#include "boards/fleet/report/internal/words.h"

namespace latchkey::boards::fleet::report {

Axis count_axis(double most, std::string label) {
  const double wanted = std::max(most, 1.0) / 5;
  double step = std::pow(10, std::floor(std::log10(wanted)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (step * factor >= wanted) {
      step *= factor;
      break;
    }
  }
  step = std::max(step, 1.0);
  Axis axis{0, step * std::ceil(std::max(most, 1.0) / step), false, std::move(label), {}};
  for (double value = 0; value <= axis.high + step / 2; value += step) {
    axis.ticks.push_back({value, count_text(static_cast<std::uint64_t>(value))});
  }
  return axis;
}

Axis time_axis(double most, std::string label) {
  constexpr std::array<double, 19> kSteps{0.1, 0.2, 0.5, 1,   2,    5,    10,   15,    30,   60,
                                          120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400};
  Axis axis{0, std::max(most, 0.1), false, std::move(label), {}};
  const auto found = std::find_if(kSteps.begin(), kSteps.end(), [&](double s) { return axis.high / s <= 12; });
  const double step = found == kSteps.end() ? kSteps.back() : *found;
  for (int i = 0; i * step <= axis.high; ++i) {
    const double value = i * step;
    const auto whole = static_cast<long long>(value);
    std::string text = axis.high < 120 ? number_text(value) + " s" : std::to_string(whole / 60) + " min";
    if (axis.high >= 120 && step < 60)
      text = moment_text(whole * 1'000'000).substr(0, moment_text(whole * 1'000'000).rfind('.'));
    if (axis.high >= 4 * 3600) text = number_text(value / 3600) + " h";
    axis.ticks.push_back({value, text});
  }
  return axis;
}

Axis duration_axis(double low, double high, std::string label) {
  constexpr double kLeast = 1e-6;
  const int first = static_cast<int>(std::floor(std::log10(std::max(low, kLeast)) + 1e-9));
  Axis axis{std::pow(10, first), std::pow(10, first + 1), true, std::move(label), {}};
  for (int i = 1; axis.high < high * (1 - 1e-9); ++i) {  // 10, 20, 50, 100 ...
    const std::array<double, 3> steps{1, 2, 5};
    axis.high = std::pow(10, first + 1 + i / 3) * steps[static_cast<std::size_t>(i % 3)];
  }
  for (int decade = first; std::pow(10, decade) <= axis.high * (1 + 1e-9); ++decade) {
    const double value = std::pow(10, decade);
    const auto text = decade < -3  ? number_text(value * 1e6) + " µs"
                      : decade < 0 ? number_text(value * 1e3) + " ms"
                                   : count_text(static_cast<std::uint64_t>(value + 0.5)) + " s";
    axis.ticks.push_back({value, text});
    for (int i = 2; i < 10 && value * i <= axis.high * (1 + 1e-9); ++i) axis.ticks.push_back({value * i, ""});
  }
  return axis;
}

}  // namespace latchkey::boards::fleet::report
