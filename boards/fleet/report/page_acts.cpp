// SPDX-License-Identifier: Apache-2.0
// What operators did, and what became of the devices that it was about.
#include <algorithm>
#include <array>
#include <cctype>

#include "boards/fleet/report/internal/chart.h"
#include "boards/fleet/report/internal/sections.h"
#include "boards/fleet/report/internal/words.h"

namespace latchkey::boards::fleet::report {
namespace {

struct Curve {
  const char* style;
  const char* word;
  const char* tip;
  const Waits& waits;
};

// How many had it behind them, by seconds since the act.
Points curve_of(const Waits& waits, double until) {
  Points points;
  double sum = 0;
  for (const auto& [bucket, count] : waits.ended.used()) {
    const double at = static_cast<double>(std::max<TimeUs>(Histogram::highest_of(bucket), 1)) / 1e6;
    if (!points.empty() || sum > 0) points.emplace_back(at, sum);
    sum += static_cast<double>(count);
    points.emplace_back(at, sum);
  }
  if (!points.empty()) points.emplace_back(until, sum);
  return points;
}

std::string return_chart(const Figures& f, const ActFigures& act) {
  const std::array<Curve, 3> curves{{
      {"cut", "cut", "sessions ended", act.cut},
      {"ref dash", "refused", "devices refused for the first time", act.refused},
      {"back", "back", "devices connected again", act.back},
  }};
  double low = 1e9;
  for (const auto& curve : curves) {
    if (const auto least = curve.waits.percentile(0)) low = std::min(low, static_cast<double>(*least) / 1e6);
  }
  const double until = static_cast<double>(std::max<TimeUs>(f.length - act.begun, 1'000)) / 1e6;
  if (low > until) return "";
  double high = low;
  for (const auto& curve : curves) high = std::max(high, static_cast<double>(curve.waits.ended.max()) / 1e6);
  Axis x = duration_axis(low, high, "time since the act began");
  const double end = x.high;
  Chart chart({.height = 280, .right = 112, .top = 30}, std::move(x),
              count_axis(static_cast<double>(act.affected), "devices"), "cut, refused and back after the act");
  for (const auto& curve : curves) {
    const auto points = curve_of(curve.waits, end);
    if (points.empty()) continue;
    chart.line(points, curve.style, curve.tip);
    const std::string colour = std::string(curve.style).substr(0, std::string(curve.style).find(' '));
    chart.end_word(points.back().second, colour, std::string(curve.word) + " " + count_text(curve.waits.ended.count()));
  }
  if (act.answered) {
    const double answered = static_cast<double>(*act.answered - act.begun) / 1e6;
    if (answered <= end)
      chart.mark(std::max(answered, 1e-6), "", "answered",
                 "the act was answered after " + duration_text(*act.answered - act.begun));
  }
  return "<div class=\"wide\">" + chart.svg() + "</div>";
}

std::string row(const char* name, const Waits& waits) {
  std::string html =
      std::string("<tr><td>") + name + "</td><td class=\"n\">" + count_text(waits.ended.count()) + "</td>";
  if (waits.all() == 0) return html + "<td colspan=\"5\" class=\"note\">none</td></tr>\n";
  for (const double share : {0.5, 0.9, 0.99}) {
    const auto value = waits.percentile(share);
    html += value ? "<td class=\"n\">" + duration_text(*value) + "</td>" : "<td class=\"n bad\">not reached</td>";
  }
  html += "<td class=\"n\">" + (waits.ended.empty() ? "" : duration_text(waits.ended.max())) + "</td>";
  return html + "<td class=\"n" + (waits.waiting > 0 ? " bad\">" : "\">") + count_text(waits.waiting) + "</td></tr>\n";
}

std::string heading(const ActFigures& act) {
  std::string text = act_text(act.act);
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  const std::string name = act.act.name.empty() ? "" : " (" + act.act.name + ")";
  return std::to_string(act.act.act + 1) + " · " + text + name + ", at " + moment_text(act.begun);
}

std::string answer(const ActFigures& act) {
  if (!act.answered) return "It was not answered before the run ended.";
  const std::string after = duration_text(*act.answered - act.begun);
  if (!act.succeeded) return "It was refused after " + after + (act.text.empty() ? "." : ": " + act.text);
  return "It was answered after " + after + ".";
}

std::string about(const Figures& f, const ActFigures& act) {
  std::string html = "<h3>" + escaped(heading(act)) + "</h3>\n<p class=\"note\">" + escaped(answer(act));
  if (act.affected == 0) return html + "</p>\n";
  html += " It concerned " + counted(act.affected, "device", "devices") + ", " + count_text(act.live) +
          " of them connected.";
  if (act.let_in > 0) {
    html += " <b>" + counted(act.let_in, "device", "devices") +
            " got in with what was revoked, by an attempt that began after the answer.</b>";
  }
  html += "</p>\n" + return_chart(f, act) +
          "<div class=\"scroll\"><table><thead><tr><th>since the act began</th><th class=\"n\">devices</th><th "
          "class=\"n\">p50</th>"
          "<th class=\"n\">p90</th><th class=\"n\">p99</th><th class=\"n\">max</th><th class=\"n\">not "
          "yet</th></tr></thead><tbody>\n";
  if (act.live > 0) html += row("until the session was cut", act.cut);
  html += row("until the first refusal", act.refused);
  if (act.expects_return) html += row("until it was back", act.back);
  html += "</tbody></table></div>\n";
  if (!act.absent.empty()) {
    html += "<p>" + counted(act.absent.size(), "device is", "devices are") + " not back:</p>\n" +
            absent_list(f, act.absent);
  }
  return html;
}

}  // namespace

std::string acts_section(const Figures& f) {
  if (f.acts.empty()) return "";
  std::string html = "<section><h2>What operators did</h2>\n";
  for (const auto& act : f.acts) html += about(f, act);
  return html + "</section>\n";
}

std::string absent_list(const Figures& f, const std::vector<Absent>& absent) {
  constexpr std::size_t kAtOnce = 10;
  constexpr std::size_t kMost = 1000;
  const auto rows = [&](std::size_t from, std::size_t until) {
    std::string html = "<table><thead><tr><th>device</th><th>why</th></tr></thead><tbody>\n";
    for (std::size_t i = from; i < std::min(until, absent.size()); ++i) {
      html += "<tr><td>" + escaped(history::device_name(f.run.prefix, absent[i].device)) + "</td><td>" +
              escaped(absent[i].why) + "</td></tr>\n";
    }
    return html + "</tbody></table>\n";
  };
  if (absent.empty()) return "";
  std::string html = rows(0, kAtOnce);
  if (absent.size() > kAtOnce) {
    html += "<details><summary>and " + count_text(absent.size() - kAtOnce) + " more</summary>" + rows(kAtOnce, kMost);
    if (absent.size() > kMost) html += "<p class=\"note\">report.json names them all.</p>";
    html += "</details>\n";
  }
  return html;
}

std::string absent_section(const Figures& f) {
  if (f.absent.empty()) return "";
  return "<section><h2>Not connected in the end</h2>\n<p class=\"note\">Devices that were awake and not "
         "disabled.</p>\n" +
         absent_list(f, f.absent) + "</section>\n";
}

}  // namespace latchkey::boards::fleet::report
