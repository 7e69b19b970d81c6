// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/forecast.h"

#include <cmath>
#include <cstdio>

#include "boards/fleet/forecast/words.h"
#include "boards/fleet/program/preflight.h"
#include "boards/fleet/scenario/scenario.h"
#include "platform/files/file.h"

namespace latchkey::boards::fleet::program {
namespace {

constexpr std::size_t kMostCalibration = 64 * 1024;

int refuse(int status, const std::string& problem) {
  std::fprintf(stderr, "latchkey-fleet: %s\n", problem.c_str());
  return status;
}

}  // namespace

int make_forecast(const PlanOptions& options) {
  std::string problem;
  const auto document = scenario_document(options.scenario, problem);
  if (!document) return refuse(kBadInput, problem);
  scenario::Changes changes;
  changes.devices = options.devices;
  changes.seed = options.seed;
  auto scenario = scenario::read_scenario(*document, changes);
  if (!scenario) return refuse(kBadInput, "the scenario is not sound:\n" + scenario::to_text(scenario.error()));
  forecast::Question question;
  question.scenario = std::move(*scenario);
  if (options.telemetry_s) {
    question.scenario.telemetry.every = static_cast<scenario::TimeUs>(std::llround(*options.telemetry_s * 1e6));
  }
  question.plant = options.plant;
  question.sample = options.sample;
  question.retry_max_ms = static_cast<std::uint32_t>(options.retry_max_s * 1000);
  question.slow_retry_ms = static_cast<std::uint32_t>(options.slow_retry_s * 1000);
  question.calibration = forecast::default_calibration();
  if (!options.calibration.empty()) {
    const auto text = files::read_text(options.calibration, kMostCalibration);
    if (!text) return refuse(kBadInput, "the calibration " + options.calibration + " cannot be read");
    auto read = forecast::read_calibration(*text);
    if (!read) return refuse(kBadInput, "the calibration " + options.calibration + " is not sound:\n" + read.error());
    question.calibration = std::move(*read);
  }
  problem = forecast::unmodelled(question);
  if (!problem.empty()) return refuse(kBadInput, "no forecast can be made of this:\n" + problem);
  const auto forecast = forecast::foretell(question);
  if (!forecast) return refuse(kBroken, forecast.error());
  std::optional<forecast::Needs> needs;
  if (options.within_s) {
    auto found = forecast::find_needs(question, *options.within_s);
    if (!found) return refuse(kBroken, found.error());
    needs = *found;
  }
  const auto text = options.json ? to_json(question, *forecast, needs) : to_text(question, *forecast, needs);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kDone;
}

}  // namespace latchkey::boards::fleet::program
