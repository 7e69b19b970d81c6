// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/calibration.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "hub/text/strict_json.h"

namespace latchkey::boards::fleet::forecast {
namespace {

using nlohmann::json;

constexpr std::string_view kKind = "latchkey-fleet-calibration";
constexpr int kVersion = 1;
constexpr double kMostUs = 1e7;
constexpr double kMostCommitMs = 1e4;
constexpr std::size_t kMostText = 200;
constexpr unsigned kMostCores = 4096;
constexpr std::uint32_t kMostDevices = 1'000'000;

constexpr std::string_view kStepNames[kSteps] = {"provisioningConnect", "registration", "issuance", "hubConnect",
                                                 "refusedConnect",      "cut",          "message"};
constexpr std::string_view kPartNames[kParts] = {"dpsBroker", "hubBroker", "hubProcess", "fleetLoop", "fleetKeys"};

// One object of the document, read member by member.
class Reader {
 public:
  Reader(const json& object, std::string at, std::string& faults)
      : object_(object), at_(std::move(at)), faults_(faults) {
    if (!object.is_object()) fault("", "must be an object");
  }
  const json* take(std::string_view name) {
    if (!object_.is_object()) return nullptr;
    const std::string key(name);
    asked_.push_back(key);
    if (const auto found = object_.find(key); found != object_.end()) return &*found;
    fault("/" + key, "is missing");
    return nullptr;
  }
  double number(std::string_view name, double least, double most) {
    const json* value = take(name);
    if (value == nullptr) return least;
    if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most)
      return value->get<double>();
    fault("/" + std::string(name),
          "must be a number from " + json(std::llround(least)).dump() + " to " + json(std::llround(most)).dump());
    return least;
  }
  double whole(std::string_view name, double least, double most) {
    const json* value =
        object_.is_object() && object_.contains(std::string(name)) ? &object_[std::string(name)] : nullptr;
    if (value != nullptr && value->is_number() && !value->is_number_unsigned()) {
      asked_.emplace_back(name);
      fault("/" + std::string(name), "must be a whole number");
      return least;
    }
    return number(name, least, most);
  }
  std::string text(std::string_view name) {
    const json* value = take(name);
    if (value == nullptr) return {};
    if (value->is_string() && value->get_ref<const std::string&>().size() <= kMostText)
      return value->get<std::string>();
    fault("/" + std::string(name), "must be a text of up to " + std::to_string(kMostText) + " bytes");
    return {};
  }
  void finish() {
    if (!object_.is_object()) return;
    for (const auto& [name, value] : object_.items()) {
      if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) {
        fault("/" + hub::text::shown(name), "there is no such member here");
      }
    }
  }
  void fault(const std::string& where, const std::string& rule) {
    if (!faults_.empty()) faults_ += '\n';
    faults_ += (at_ + where).empty() ? "the document: " + rule : at_ + where + ": " + rule;
  }

 private:
  const json& object_;
  const std::string at_;
  std::string& faults_;
  std::vector<std::string> asked_;
};

Costs read_costs(const json& object, std::string& faults) {
  Costs costs;
  Reader steps(object, "/costs", faults);
  for (std::size_t s = 0; s < kSteps; ++s) {
    const json* one = steps.take(kStepNames[s]);
    if (one == nullptr) continue;
    Reader parts(*one, "/costs/" + std::string(kStepNames[s]), faults);
    if (!one->is_object()) continue;
    for (std::size_t p = 0; p < kParts; ++p) {
      costs.of(static_cast<Step>(s), static_cast<Part>(p)) = parts.number(kPartNames[p], 0, kMostUs);
    }
    parts.finish();
  }
  steps.finish();
  return costs;
}

double middle_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

std::string_view to_string(Step step) { return kStepNames[static_cast<std::size_t>(step)]; }
std::string_view to_string(Part part) { return kPartNames[static_cast<std::size_t>(part)]; }

Calibration middle(const std::vector<Calibration>& all) {
  Calibration result = all.front();
  std::vector<double> values;
  for (const auto& one : all) values.push_back(one.commit_ms);
  result.commit_ms = middle_of(values);
  for (std::size_t s = 0; s < kSteps; ++s) {
    for (std::size_t p = 0; p < kParts; ++p) {
      values.clear();
      for (const auto& one : all) values.push_back(one.costs.of(static_cast<Step>(s), static_cast<Part>(p)));
      result.costs.of(static_cast<Step>(s), static_cast<Part>(p)) = middle_of(values);
    }
  }
  return result;
}

std::string to_json(const Calibration& calibration) {
  nlohmann::ordered_json steps;
  for (std::size_t s = 0; s < kSteps; ++s) {
    auto& parts = steps[std::string(kStepNames[s])];
    for (std::size_t p = 0; p < kParts; ++p) {
      parts[std::string(kPartNames[p])] =
          std::round(calibration.costs.of(static_cast<Step>(s), static_cast<Part>(p)) * 10) / 10;
    }
  }
  const nlohmann::ordered_json document{{"kind", kKind},
                                        {"version", kVersion},
                                        {"processor", calibration.processor},
                                        {"cores", calibration.cores},
                                        {"measuredAt", calibration.measured_at},
                                        {"devices", calibration.devices},
                                        {"commitMilliseconds", std::round(calibration.commit_ms * 1000) / 1000},
                                        {"costs", steps}};
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

tl::expected<Calibration, std::string> read_calibration(std::string_view document) {
  const auto parsed = hub::text::parse_strict(document);
  if (!parsed) return tl::unexpected("the document: " + parsed.error());
  std::string faults;
  Calibration result;
  Reader root(*parsed, "", faults);
  if (const json* kind = root.take("kind"); kind != nullptr && *kind != kKind) {
    root.fault("/kind", "must be '" + std::string(kKind) + "'");
  }
  if (const json* version = root.take("version"); version != nullptr && *version != kVersion) {
    root.fault("/version", "must be " + std::to_string(kVersion));
  }
  result.processor = root.text("processor");
  result.cores = static_cast<unsigned>(root.whole("cores", 1, kMostCores));
  result.measured_at = root.text("measuredAt");
  result.devices = static_cast<std::uint32_t>(root.whole("devices", 0, kMostDevices));
  result.commit_ms = root.number("commitMilliseconds", 0, kMostCommitMs);
  if (const json* costs = root.take("costs")) result.costs = read_costs(*costs, faults);
  root.finish();
  if (!faults.empty()) return tl::unexpected(faults);
  return result;
}

}  // namespace latchkey::boards::fleet::forecast
