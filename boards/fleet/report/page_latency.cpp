// SPDX-License-Identifier: Apache-2.0
// How long things took: percentile curves and their table.
#include <algorithm>
#include <array>
#include <cmath>

#include "boards/fleet/report/internal/chart.h"
#include "boards/fleet/report/internal/sections.h"
#include "boards/fleet/report/internal/words.h"

namespace latchkey::boards::fleet::report {
namespace {

struct Kind {
  const char* name;
  const char* begun;
  const char* due;
  const Latency& latency;
};

std::string cell(const std::optional<TimeUs>& value) {
  return value ? "<td class=\"n\">" + duration_text(*value) + "</td>" : "<td class=\"n bad\">not reached</td>";
}

std::string row(const std::string& name, const Waits& waits, bool is_sub) {
  std::string html = std::string("<tr") + (is_sub ? " class=\"sub\"" : "") + "><td>" + escaped(name) +
                     "</td><td class=\"n\">" + count_text(waits.ended.count()) + "</td>";
  if (waits.all() == 0) return html + "<td colspan=\"6\" class=\"note\">none</td></tr>\n";
  for (const double share : {0.5, 0.9, 0.99, 0.999}) html += cell(waits.percentile(share));
  html += "<td class=\"n\">" + (waits.ended.empty() ? "" : duration_text(waits.ended.max())) + "</td>";
  return html + "<td class=\"n" + (waits.waiting > 0 ? " bad\">" : "\">") + count_text(waits.waiting) + "</td></tr>\n";
}

// Percentiles on a scale on which each further nine is as wide as the one before.
double nines(double share) { return -std::log10(1 - share); }

Points curve(const Waits& waits, double most_nines) {
  Points points;
  for (int i = 0; i <= 160; ++i) {
    const double at = most_nines * i / 160;
    const auto value = waits.percentile(1 - std::pow(10, -at));
    if (!value) break;
    points.emplace_back(at, static_cast<double>(std::max<TimeUs>(*value, 1)) / 1e6);
  }
  return points;
}

void dots(Chart& chart, const Waits& waits, const std::string& style, const std::string& name) {
  constexpr std::array<std::pair<double, const char*>, 4> kShares{
      {{0.5, "p50"}, {0.9, "p90"}, {0.99, "p99"}, {0.999, "p99.9"}}};
  for (const auto& [share, text] : kShares) {
    const auto value = waits.percentile(share);
    if (!value || static_cast<double>(waits.all()) < 1 / (1 - share) - 1e-9) continue;
    chart.dot(nines(share), static_cast<double>(*value) / 1e6, style,
              name + ", " + text + ": " + duration_text(*value));
  }
}

std::string small_chart(const Kind& kind) {
  const auto& begun = kind.latency.from_begun;
  const auto& due = kind.latency.from_due;
  const auto most = static_cast<double>(std::max({begun.all(), due.all(), std::uint64_t{10}}));
  const double most_nines = std::clamp(std::ceil(std::log10(most)), 1.0, 4.0);
  Axis x{0, most_nines, false, "percentile", {}};
  for (const double share : {0.0, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    std::string text = number_text(share * 100);
    if (share == 0.9999) text = "99.99";
    if (nines(share) <= most_nines) x.ticks.push_back({nines(share), text});
  }
  double low = 1e9;
  double high = 0;
  for (const auto* waits : {&begun, &due}) {
    if (const auto least = waits->percentile(0)) low = std::min(low, static_cast<double>(*least) / 1e6);
    high = std::max(high, static_cast<double>(waits->ended.max()) / 1e6);
  }
  Chart chart({.width = 330, .height = 250, .left = 54, .right = 14, .top = 24, .bottom = 42}, std::move(x),
              duration_axis(low, high, ""), kind.name);
  chart.line(curve(due, most_nines), "due dash", kind.due);
  chart.line(curve(begun, most_nines), "try", kind.begun);
  dots(chart, due, "due", kind.due);
  dots(chart, begun, "try", kind.begun);
  return "<div><h3>" + escaped(kind.name) + "</h3>" + chart.svg() + "</div>\n";
}

}  // namespace

std::string latency_section(const Figures& f) {
  const std::array<Kind, 3> kinds{{
      {"Connecting to the hub", "one attempt, TCP to CONNACK", "from when it was due", f.connect},
      {"Provisioning", "one conversation with DPS", "from when it was due", f.provisioning},
      {"Telemetry", "publish to PUBACK", "from when it was due", f.telemetry},
  }};
  std::string charts;
  std::string rows;
  for (const auto& kind : kinds) {
    if (kind.latency.from_begun.all() + kind.latency.from_due.all() == 0) continue;
    charts += small_chart(kind);
    rows += "<tr><td colspan=\"8\"><b>" + escaped(kind.name) + "</b></td></tr>\n" +
            row(kind.begun, kind.latency.from_begun, true) + row(kind.due, kind.latency.from_due, true);
  }
  if (charts.empty()) return "";
  return "<section><h2>How long it took</h2>\n<p class=\"note\">Each curve tells what part of all took at most how "
         "long. From when "
         "it was due counts all that a device waits: a start that came late, attempts that failed, the pauses between "
         "them. Who "
         "still waits at the end counts as slower than all others.</p>\n<ul class=\"legend\"><li class=\"try\"><i "
         "class=\"stroke\"></i>"
         "<b>the work itself</b></li><li class=\"due\"><i class=\"stroke dashed\"></i><b>from when it was "
         "due</b></li></ul>\n"
         "<div class=\"three\">" +
         charts +
         "</div>\n<div class=\"scroll\"><table><thead><tr><th></th><th class=\"n\">count</th><th class=\"n\">p50</th>"
         "<th class=\"n\">p90</th><th class=\"n\">p99</th><th class=\"n\">p99.9</th><th class=\"n\">max</th>"
         "<th class=\"n\">still waiting</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></div></section>\n";
}

}  // namespace latchkey::boards::fleet::report
