// SPDX-License-Identifier: Apache-2.0
// The command line of latchkey-fleet, checked for its form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "boards/fleet/forecast/forecast.h"
#include "boards/fleet/program/exporter.h"

namespace latchkey::boards::fleet::program {

struct RunOptions {
  std::string scenario;  // a shipped one's name, or a file
  std::string data;
  std::string out;  // empty: a new folder here, named after scenario and time
  std::string prefix = "fleet-";
  std::optional<std::uint32_t> devices;
  std::optional<unsigned> processes;
  std::optional<std::uint64_t> seed;
  std::optional<double> duration_s;
  std::size_t handshakes = 192;
  double retry_max_s = 60;
  double slow_retry_s = 900;
  std::optional<MetricsAddress> metrics;  // where figures are served; nothing: nowhere
};
struct ListScenarios {};
struct ShowScenario {
  std::string name;
};
struct ReportOn {
  std::string folder;
};
struct Verify {
  std::string folder;
  std::optional<double> flat_percent;  // judge memory as well
  double warm_up_s = 0;
};
struct PlanOptions {
  std::string scenario = "policy-rotation";
  std::optional<std::uint32_t> devices;
  std::optional<std::uint64_t> seed;
  std::optional<double> telemetry_s;  // instead of the scenario's; 0: none
  forecast::Plant plant;
  std::string calibration;         // a file; empty: the documented defaults
  std::optional<double> within_s;  // what would one need?
  std::uint32_t sample = forecast::kUsualSample;
  double retry_max_s = 60;
  double slow_retry_s = 900;
  bool json = false;
};
struct CalibrateOptions {
  std::string data;  // empty: a hub is started for it
  std::string out;   // empty: standard output
  std::string prefix = "calibration-";
  std::uint32_t devices = 1000;
};
struct BeWorker {};

// What to do instead of anything else: print `text` and exit with `status` (0 for --help, 2 for a mistake).
struct Exit {
  int status;
  std::string text;
};

using Wish = std::variant<Exit, RunOptions, ListScenarios, ShowScenario, ReportOn, Verify, PlanOptions,
                          CalibrateOptions, BeWorker>;
Wish parse_options(int argc, const char* const* argv);

}  // namespace latchkey::boards::fleet::program
