// SPDX-License-Identifier: Apache-2.0
// What happened when: sessions by generation, work per second, refusals.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "boards/fleet/report/internal/chart.h"
#include "boards/fleet/report/internal/life.h"
#include "boards/fleet/report/internal/sections.h"
#include "boards/fleet/report/internal/words.h"

namespace latchkey::boards::fleet::report {
namespace {

constexpr std::size_t kColours = 6;

// Room above a chart for up to three rows of acts.
double top_of(const Figures& f) { return 30 + 15 * (std::clamp<double>(static_cast<double>(f.acts.size()), 1, 3) - 1); }

double seconds(TimeUs time) { return static_cast<double>(time) / 1e6; }
// The end of a bin, which lies within the run.
double end_of(const Figures& f, std::size_t bin) {
  return std::min(seconds(f.length), seconds(static_cast<TimeUs>(bin + 1) * f.timeline.width()));
}
std::string colour(std::size_t index) { return index < kColours ? "g" + std::to_string(index + 1) : "other"; }

Chart over_time(const Figures& f, double height, Axis y, std::string_view name) {
  Chart chart({.height = height, .top = top_of(f)}, time_axis(seconds(f.length), "time since the start"), std::move(y),
              name);
  for (const auto& cut : f.cuts) {
    chart.shade(seconds(cut.from), seconds(cut.until.value_or(f.length)), "gap",
                "network cut from " + moment_text(cut.from) + " to " + moment_text(cut.until.value_or(f.length)));
  }
  return chart;
}

void mark_acts(Chart& chart, const Figures& f) {
  for (const auto& act : f.acts) {
    const std::string number = std::to_string(act.act.act + 1);
    const std::string name = act.act.name.empty() ? std::string(to_string(act.act.kind)) : act.act.name;
    chart.mark(seconds(act.begun), number, number + " · " + name, act_text(act.act) + " at " + moment_text(act.begun));
  }
}

std::string legend_entry(const std::string& style, const std::string& shape, const std::string& text,
                         const std::string& more) {
  return "<li class=\"" + style + "\"><i class=\"" + shape + "\"></i><b>" + escaped(text) + "</b> <em>" +
         escaped(more) + "</em></li>";
}

struct Layer {
  std::string style;
  std::string name;
  Points values;  // at the end of each bin
  double most = 0;
};

// Stacks layers from below, and names each where it is thickest, if there is room.
void stack(Chart& chart, const std::vector<Layer>& layers) {
  Points base;
  for (const auto& layer : layers) {
    if (base.empty()) {
      for (const auto& [x, value] : layer.values) base.emplace_back(x, 0);
    }
    Points upper = base;
    std::size_t thickest = 0;
    for (std::size_t i = 0; i < upper.size(); ++i) {
      upper[i].second += layer.values[i].second;
      if (layer.values[i].second > layer.values[thickest].second) thickest = i;
    }
    chart.area(upper, base, "area " + layer.style, layer.name);
    // In the middle of where it is more than half as thick as that.
    const auto is_thick = [&](std::size_t i) { return layer.values[i].second > 0.6 * layer.values[thickest].second; };
    std::size_t first = thickest;
    while (first > 0 && is_thick(first - 1)) --first;
    std::size_t last = thickest;
    while (last + 1 < upper.size() && is_thick(last + 1)) ++last;
    const std::size_t middle = (first + last) / 2;
    const double width = upper[last].first - upper[first].first;
    const bool has_room = chart.height_of(0, layer.values[middle].second) > 22 && width > upper.back().first * 0.12;
    const std::string style = "inside on-" + layer.style;
    if (has_room) chart.word(upper[middle].first, (upper[middle].second + base[middle].second) / 2, style, layer.name);
    base = std::move(upper);
  }
}

std::vector<Layer> session_layers(const Figures& f) {
  std::set<std::uint32_t> generations;
  for (const auto& bin : f.timeline.bins()) {
    for (const auto& [generation, count] : bin.connected) generations.insert(generation);
  }
  std::vector<Layer> layers;
  std::map<std::uint32_t, std::size_t> layer_of;
  for (const auto generation : generations) {
    layer_of[generation] = std::min(layers.size(), kColours);
    if (layers.size() > kColours) continue;
    const bool is_rest = layers.size() == kColours;
    layers.push_back(
        {colour(layers.size()), is_rest ? "later generations" : "generation " + std::to_string(generation), {}});
  }
  layers.push_back({"sleep", "asleep", {}});
  for (std::size_t i = 0; i < f.timeline.bins().size(); ++i) {
    const auto& bin = f.timeline.bins()[i];
    for (auto& layer : layers) layer.values.emplace_back(end_of(f, i), 0);
    for (const auto& [generation, count] : bin.connected) layers[layer_of[generation]].values[i].second += count;
    layers.back().values[i].second = bin.asleep;
    for (auto& layer : layers) layer.most = std::max(layer.most, layer.values[i].second);
  }
  std::erase_if(layers, [](const Layer& layer) { return layer.most == 0; });
  return layers;
}

struct Rates {
  Points connects;
  Points certificates;
  double most_connects = 0;
  double most_certificates = 0;
};

// Per second, over seconds at the least: shorter times would be noise.
Rates rates_of(const Figures& f) {
  Rates rates;
  const auto& bins = f.timeline.bins();
  const double width = seconds(f.timeline.width());
  const auto group = static_cast<std::size_t>(std::max(1.0, std::round(1.0 / width)));
  for (std::size_t i = 0; i < bins.size(); i += group) {
    const std::size_t end = std::min(bins.size(), i + group);
    double connects = 0;
    double certificates = 0;
    for (std::size_t j = i; j < end; ++j) {
      connects += bins[j].connects;
      certificates += bins[j].certificates;
    }
    const double time = width * static_cast<double>(group);
    const double at = (seconds(static_cast<TimeUs>(i) * f.timeline.width()) + end_of(f, end - 1)) / 2;
    rates.connects.emplace_back(at, connects / time);
    rates.certificates.emplace_back(at, certificates / time);
    rates.most_connects = std::max(rates.most_connects, connects / time);
    rates.most_certificates = std::max(rates.most_certificates, certificates / time);
  }
  return rates;
}

// Refusals stacked in bars; each reason has its place in all of them.
struct Bars {
  std::vector<std::string> names;  // by place, the most frequent first, "other reasons" at last
  std::vector<std::uint64_t> counts;
  double width = 0;                       // seconds
  double most = 0;                        // of one bar
  std::vector<std::vector<double>> bars;  // by time, then by place
};

Bars bars_of(const Figures& f) {
  std::vector<std::pair<std::uint64_t, std::string>> reasons;
  for (const auto& [reason, count] : f.refusals) reasons.emplace_back(count, reason);
  std::sort(reasons.rbegin(), reasons.rend());
  Bars result;
  std::map<std::string, std::size_t> place_of;
  for (const auto& [count, reason] : reasons) {
    const std::size_t place = std::min(place_of.size(), kColours);
    place_of[reason] = place;
    if (place == result.names.size()) {
      result.names.push_back(place < kColours ? explained(reason) : "other reasons");
      result.counts.push_back(0);
    }
    result.counts[place] += count;
  }
  const auto& bins = f.timeline.bins();
  const auto group = std::max<std::size_t>(1, (bins.size() + 239) / 240);  // bars of four pixels at the least
  result.width = seconds(f.timeline.width()) * static_cast<double>(group);
  for (std::size_t i = 0; i < bins.size(); i += group) {
    std::vector<double> bar(result.names.size());
    for (std::size_t j = i; j < std::min(bins.size(), i + group); ++j) {
      for (const auto& [reason, count] : bins[j].refusals) bar[place_of[reason]] += count;
    }
    result.most = std::max(result.most, std::accumulate(bar.begin(), bar.end(), 0.0));
    result.bars.push_back(std::move(bar));
  }
  return result;
}

void draw(Chart& chart, const Bars& bars) {
  for (std::size_t i = 0; i < bars.bars.size(); ++i) {
    const double from = static_cast<double>(i) * bars.width;
    const std::string when = " at " + moment_text(static_cast<TimeUs>(from * 1e6));
    double base = 0;
    for (std::size_t place = 0; place < bars.names.size(); ++place) {
      const double count = bars.bars[i][place];
      if (count == 0) continue;
      chart.bar(from, from + bars.width * 0.9, base, base + count, "fill " + colour(place),
                bars.names[place] + ": " + count_text(static_cast<std::uint64_t>(count)) + when);
      base += count;
    }
  }
}

// Connections that ended without a refusal.
std::string failures_note(const Figures& f) {
  std::string list;
  for (const auto& [reason, count] : f.failures) {
    list += (list.empty() ? "" : "; ") + escaped(explained(reason)) + " " + count_text(count);
  }
  return list.empty() ? "" : "<p class=\"note\">Beside them, connections ended because of: " + list + ".</p>\n";
}

}  // namespace

std::string connected_section(const Figures& f) {
  const auto layers = session_layers(f);
  double most = f.run.devices;
  std::string legend;
  for (const auto& layer : layers) {
    legend +=
        legend_entry(layer.style, "", layer.name, "at most " + count_text(static_cast<std::uint64_t>(layer.most)));
  }
  if (!f.cuts.empty()) legend += legend_entry("gap", "", "network cut", counted(f.cuts.size(), "time", "times"));
  Chart chart =
      over_time(f, 360, count_axis(most, "devices"), "devices connected to the hub, by certificate generation");
  stack(chart, layers);
  mark_acts(chart, f);
  return "<section class=\"wide\"><h2>Connected devices</h2>\n<p class=\"note\">Sessions with the hub, by the "
         "generation of the "
         "certificate that they live on. Generation 1 is a device's first certificate.</p>\n<ul class=\"legend\">" +
         legend + "</ul>\n" + chart.svg() + "</section>\n";
}

std::string work_section(const Figures& f) {
  const Rates rates = rates_of(f);
  const double most = std::max(rates.most_connects, rates.most_certificates);
  if (most == 0) return "";
  Chart chart = over_time(f, 260, count_axis(most, "per second"), "connects and certificates per second");
  chart.line(rates.certificates, "cert dash", "certificates issued per second");
  chart.line(rates.connects, "try", "devices accepted by the hub per second");
  mark_acts(chart, f);
  return "<section class=\"wide\"><h2>Work per second</h2>\n<ul class=\"legend\">" +
         legend_entry("try", "stroke", "accepted by the hub", "at most " + number_text(rates.most_connects) + "/s") +
         legend_entry("cert", "stroke dashed", "certificates issued",
                      "at most " + number_text(rates.most_certificates) + "/s") +
         "</ul>\n" + chart.svg() + "</section>\n";
}

std::string refusals_section(const Figures& f) {
  const std::string heading = "<section class=\"wide\"><h2>Refusals</h2>\n";
  if (f.refusals.empty()) return heading + "<p>Nobody was refused.</p>\n" + failures_note(f) + "</section>\n";
  const Bars bars = bars_of(f);
  std::string legend;
  for (std::size_t place = 0; place < bars.names.size(); ++place) {
    legend += legend_entry(colour(place), "", bars.names[place], count_text(bars.counts[place]));
  }
  Chart chart =
      over_time(f, 250, count_axis(bars.most, "refusals in " + number_text(bars.width) + " s"), "refusals by reason");
  draw(chart, bars);
  mark_acts(chart, f);
  return heading + "<ul class=\"legend\">" + legend + "</ul>\n" + chart.svg() + failures_note(f) + "</section>\n";
}

}  // namespace latchkey::boards::fleet::report
