// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/words.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace latchkey::boards::fleet::forecast {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMinute = 60;
constexpr double kHour = 3600;
constexpr double kDay = 86'400;
// The published limit of the real provisioning service (docs/parity.md, DOC-DPS).
constexpr double kCloudPerMinute = 1000;
constexpr const char* kCloudSource = "docs/parity.md: DOC-DPS, 1,000 registrations a minute of each service";
constexpr std::size_t kRowEvery = 4;

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string print(const char* form, double number) {
  char text[64];
  std::snprintf(text, sizeof text, form, number);
  return text;
}

std::string percent(double share) { return print("%.0f %%", share * 100); }

std::string_view name_of(Part part) {
  switch (part) {
    case Part::kDpsBroker: return "the provisioning endpoint's broker";
    case Part::kHubBroker: return "the hub endpoint's broker";
    case Part::kHubProcess: return "the hub process";
    case Part::kFleetLoop: return "the fleet's own loop";
    case Part::kFleetKeys: break;
  }
  return "the fleet's key making";
}

std::string plant_text(const Plant& plant) {
  std::string text = plant.nodes == 1 ? "one machine" : std::to_string(plant.nodes) + " machines";
  text += plant.nodes == 1 ? " with " : " with each ";
  text += print("%.3g", plant.cores) + (plant.cores == 1 ? " core" : " cores") + " and " +
          std::to_string(plant.hub_brokers) + " hub broker" + (plant.hub_brokers == 1 ? "" : "s");
  if (plant.shares_machine) text += ", the fleet on the same cores";
  if (plant.registrations_per_minute != 0) {
    text += ", " + grouped(plant.registrations_per_minute) + " registrations a minute";
  }
  return text;
}

std::string limit_text(const Forecast& forecast) {
  switch (forecast.limit) {
    case Limit::kNothing: return "nothing is short: devices wait by their own clocks";
    case Limit::kCores: return "the cores (" + percent(forecast.cores_busy) + " busy)";
    case Limit::kThrottle: return "the limit on registrations";
    case Limit::kPart: break;
  }
  double busy = 0;
  for (const auto& part : forecast.parts) busy = part.part == forecast.narrowest ? part.busy : busy;
  const bool single = forecast.narrowest == Part::kDpsBroker || forecast.narrowest == Part::kHubBroker;
  return std::string(name_of(forecast.narrowest)) + (single ? ", one thread" : "") + " (" + percent(busy) + " busy)";
}

std::string_view limit_name(Limit limit) {
  constexpr std::string_view kNames[] = {"nothing", "cores", "part", "registrations"};
  return kNames[static_cast<std::size_t>(limit)];
}

std::string back_text(const Forecast& f) {
  if (f.returning == 0) return "Nobody who was put out has a way back.\n";
  const auto row = [](const char* share, const std::optional<double>& time) {
    return std::string("  ") + share + "  " + (time ? "after " + duration_text(*time) : std::string("not seen")) + "\n";
  };
  return "Back with the hub, of " + grouped(f.returning) + " devices that have a way back:\n" + row(" 50 %", f.half) +
         row(" 90 %", f.nine_tenths) + row(" 99 %", f.nearly_all) + row("100 %", f.all);
}

std::string needs_text(const Needs& needs) {
  const auto means = [](const std::optional<Means>& found, const std::string& otherwise) {
    return found ? plant_text(found->plant) + ": all back after " + duration_text(found->seconds) : otherwise;
  };
  return "To be back within " + duration_text(needs.within_s) + ":\n  " +
         means(needs.machine, "no number of cores in one machine is enough, up to " + std::to_string(kMostCores)) +
         "\n  " +
         means(needs.nodes, "no number of machines like the one above is enough, up to " + std::to_string(kMostNodes)) +
         "\n";
}

std::string warnings_text(const Forecast& f) {
  std::string text;
  if (f.telemetry_load > Model::kMostTelemetry) {
    text += "Telemetry alone would take " + percent(f.telemetry_load) +
            " of what the hub's brokers can do; here it has no more than half. Send less, or take more brokers.\n";
  }
  if (f.cut_short) {
    text +=
        "The forecast was ended after " + grouped(f.events) + " events, with " + grouped(f.back) + " devices back.\n";
  }
  return text;
}

Json or_null(const std::optional<double>& seconds) {
  return seconds ? Json(std::round(*seconds * 1000) / 1000) : Json(nullptr);
}

Json plant_json(const Plant& plant) {
  return {{"nodes", plant.nodes},
          {"cores", plant.cores},
          {"hubBrokers", plant.hub_brokers},
          {"registrationsPerMinute", plant.registrations_per_minute},
          {"sharesMachine", plant.shares_machine}};
}

Json means_json(const std::optional<Means>& means) {
  if (!means) return nullptr;
  return {{"plant", plant_json(means->plant)}, {"seconds", or_null(means->seconds)}};
}

double cloud_seconds(const Forecast& forecast) {
  return static_cast<double>(forecast.devices) / kCloudPerMinute * kMinute;
}

}  // namespace

std::string duration_text(double seconds) {
  if (seconds < 2 * kMinute) return print("%.1f s", seconds);
  if (seconds < 2 * kHour) return print("%.1f min", seconds / kMinute);
  if (seconds < 3 * kDay) return print("%.1f h", seconds / kHour);
  return print("%.1f days", seconds / kDay);
}

std::optional<double> parse_duration(std::string_view text) {
  double unit = 1;
  if (!text.empty()) {
    const char last = text.back();
    unit = last == 'd' ? kDay : last == 'h' ? kHour : last == 'm' ? kMinute : 1;
    if (last == 'd' || last == 'h' || last == 'm' || last == 's') text.remove_suffix(1);
  }
  if (text.empty() || text.size() > 12 || text.find_first_not_of("0123456789.") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string digits(text);
  char* end = nullptr;
  const double seconds = std::strtod(digits.c_str(), &end) * unit;
  const bool sound = *end == '\0' && seconds > 0 && seconds <= static_cast<double>(scenario::kLongestRun) / 1e6;
  return sound ? std::optional<double>(seconds) : std::nullopt;
}

std::string to_text(const Question& question, const Forecast& f, const std::optional<Needs>& needs) {
  const auto& calibration = question.calibration;
  std::string text = question.scenario.name + ": " + grouped(f.devices) + " devices, " + plant_text(question.plant) +
                     "\nCosts measured on " + calibration.processor + ", " + calibration.measured_at + "\n" +
                     (f.simulated == f.devices ? "Every device was run in virtual time.\n"
                                               : grouped(f.simulated) + " devices were run in virtual time, each for " +
                                                     print("%.1f", f.weight) +
                                                     " (a sample; within 3 % of a run of all where both were made)\n") +
                     "\n" + grouped(f.affected) + " devices are put out.\n" + back_text(f) +
                     "What holds them up: " + limit_text(f) + "\n" + warnings_text(f) + "\nLocked out over time:\n";
  for (std::size_t i = 0; i < f.locked_out.size(); i += kRowEvery) {
    const auto& point = f.locked_out[i];
    char row[64];
    std::snprintf(row, sizeof row, "  %10s  %12s\n", duration_text(point.at_s).c_str(),
                  grouped(point.locked_out).c_str());
    text += row;
  }
  if (needs) text += "\n" + needs_text(*needs);
  return text + "\nThe cloud's published limit of 1,000 registrations a minute alone would take " +
         duration_text(cloud_seconds(f)) + " (" + kCloudSource + ")\n";
}

std::string to_json(const Question& question, const Forecast& f, const std::optional<Needs>& needs) {
  Json document{{"version", 1},
                {"scenario", question.scenario.name},
                {"devices", f.devices},
                {"plant", plant_json(question.plant)},
                {"calibration",
                 {{"processor", question.calibration.processor},
                  {"cores", question.calibration.cores},
                  {"measuredAt", question.calibration.measured_at}}},
                {"method",
                 {{"kind", f.simulated == f.devices ? "every device" : "sample"},
                  {"simulated", f.simulated},
                  {"weight", f.weight},
                  {"events", f.events},
                  {"cutShort", f.cut_short}}},
                {"affected", f.affected},
                {"returning", f.returning},
                {"back", f.back},
                {"seconds",
                 {{"half", or_null(f.half)},
                  {"nineTenths", or_null(f.nine_tenths)},
                  {"nearlyAll", or_null(f.nearly_all)},
                  {"all", or_null(f.all)}}}};
  for (const auto& point : f.locked_out) {
    document["lockedOut"].push_back({{"at", or_null(point.at_s)}, {"devices", point.locked_out}});
  }
  document["limit"] = limit_name(f.limit);
  document["busy"] = {{"cores", f.cores_busy}};
  for (const auto& part : f.parts) document["busy"][std::string(to_string(part.part))] = part.busy;
  document["narrowest"] = to_string(f.narrowest);
  document["telemetryLoad"] = f.telemetry_load;
  document["turnedAway"] = f.turned_away;
  document["gaveUp"] = f.gave_up;
  if (needs) {
    document["needs"] = {
        {"within", needs->within_s}, {"machine", means_json(needs->machine)}, {"nodes", means_json(needs->nodes)}};
  }
  document["cloud"] = {
      {"registrationsPerMinute", kCloudPerMinute}, {"seconds", cloud_seconds(f)}, {"source", kCloudSource}};
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace latchkey::boards::fleet::forecast
