// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/plan_options.h"

#include <CLI/CLI.hpp>

#include "boards/fleet/forecast/needs.h"
#include "boards/fleet/forecast/words.h"
#include "boards/fleet/scenario/scenario.h"

namespace latchkey::boards::fleet::program {
namespace {

constexpr std::uint32_t kMostPerMinute = 100'000'000;

std::string check_duration(const std::string& text) {
  return forecast::parse_duration(text) ? std::string()
                                        : "a time like 90s, 30m, 1.5h or 2d is wanted, of more than 0 and up to 7 days";
}

// Below the least sample shares would be chance.
std::string check_sample(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 7 && text.find_first_not_of("0123456789") == std::string::npos;
  const auto number = digits ? std::stoul(text) : 1;
  return number == 0 || (number >= forecast::kLeastSample && number <= scenario::kMostDevices)
             ? std::string()
             : "0, or a number from " + std::to_string(forecast::kLeastSample) + " to " +
                   std::to_string(scenario::kMostDevices) + " is wanted";
}

void declare_plant(CLI::App& app, forecast::Plant& plant) {
  app.add_option("--cores", plant.cores, "Cores of each machine; decimals allowed: what other programs leave")
      ->check(CLI::Range(0.1, 1024.0))
      ->capture_default_str();
  app.add_option("--nodes", plant.nodes, "So many machines, each a whole hub with an equal part of the devices")
      ->check(CLI::Range(1U, forecast::kMostNodes))
      ->capture_default_str();
  app.add_option("--hub-brokers", plant.hub_brokers, "Hub endpoint brokers of each machine (latchkey up --hub-brokers)")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  app.add_option("--registrations-per-minute", plant.registrations_per_minute,
                 "The limit of each machine's provisioning (latchkey up --registrations-per-minute); 0: none")
      ->check(CLI::Range(std::uint32_t{0}, kMostPerMinute))
      ->capture_default_str();
  auto* const shared = app.add_flag("--fleet-here", plant.shares_machine,
                                    "The devices are a `fleet run` on the same machine, and their work counts");
  app.add_option("--handshakes", plant.handshakes, "As of that run")
      ->check(CLI::Range(std::size_t{0}, std::size_t{100'000}))
      ->needs(shared)
      ->capture_default_str();
  app.add_option("--processes", plant.fleet_processes, "As of that run")
      ->check(CLI::Range(1U, 256U))
      ->needs(shared)
      ->capture_default_str();
}

}  // namespace

void declare_plan(CLI::App& app, PlanOptions& o) {
  app.add_option("scenario", o.scenario, "A scenario's name (latchkey fleet scenarios), or a file with one")
      ->capture_default_str();
  app.add_option("--devices", o.devices, "So many instead of the scenario's number")
      ->check(CLI::Range(1U, scenario::kMostDevices));
  declare_plant(app, o.plant);
  app.add_option_function<std::string>(
         "--within", [&o](const std::string& text) { o.within_s = forecast::parse_duration(text); },
         "Say as well what it takes to be back within that time, like 30m or 1h")
      ->check(CLI::Validator(check_duration, ""))
      ->type_name("TIME");
  app.add_option("--calibration", o.calibration,
                 "What `latchkey fleet calibrate` has measured (default: docs/planner.md)")
      ->type_name("FILE");
  app.add_option("--telemetry", o.telemetry_s,
                 "Seconds between two messages of a device, instead of the scenario's; 0: none")
      ->check(CLI::Range(0.0, 86'400.0));
  app.add_option("--sample", o.sample, "Run at most so many devices for each machine, each for many; 0: every one")
      ->check(CLI::Validator(check_sample, ""))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "Another roll of the scenario's dice");
  app.add_option("--retry-max", o.retry_max_s, "Longest wait of a device after a failure, in seconds")
      ->check(CLI::Range(1.0, 86'400.0))
      ->capture_default_str();
  app.add_option("--slow-retry", o.slow_retry_s, "Wait after provisioning has said no, in seconds; grows to four times")
      ->check(CLI::Range(1.0, 86'400.0))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "-o,--output", [&o](const std::string& form) { o.json = form == "json"; }, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
}

void declare_calibrate(CLI::App& app, CalibrateOptions& o,
                       const std::function<std::string(const std::string&)>& check_prefix) {
  app.add_option("--data", o.data,
                 "Measure the running hub in that data folder, and revoke its default policy on the way (default: a "
                 "hub of its own, for half a minute)")
      ->type_name("FOLDER");
  app.add_option("--devices", o.devices, "So many live through it")
      ->check(CLI::Range(50U, 2'000U))
      ->capture_default_str();
  app.add_option("--prefix", o.prefix, "Devices are named PREFIX000001 and so on")
      ->check(CLI::Validator(check_prefix, ""))
      ->capture_default_str();
  app.add_option("--out", o.out, "Write the calibration there instead of standard output")->type_name("FILE");
}

}  // namespace latchkey::boards::fleet::program
