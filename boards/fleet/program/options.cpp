// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/options.h"

#include <CLI/CLI.hpp>

#include "boards/fleet/program/plan_options.h"
#include "boards/fleet/scenario/scenario.h"
#include "platform/base/ids.h"

namespace latchkey::boards::fleet::program {
namespace {

constexpr int kMistake = 2;
constexpr double kLongestRunSeconds = static_cast<double>(scenario::kLongestRun) / 1e6;

// With six digits behind it, it has to be a registration id.
std::string check_prefix(const std::string& prefix) {
  return valid_registration_id(prefix + "000001") && prefix.size() <= 100
             ? std::string()
             : "a prefix is up to 100 letters, digits, . _ - :, with a letter or digit first";
}

std::string check_metrics(const std::string& text) {
  return parse_metrics_address(text) ? std::string()
                                     : "a loopback address and a port, like 127.0.0.1:9465 or [::1]:0, is wanted";
}

void declare_run(CLI::App& run, RunOptions& o) {
  run.add_option("scenario", o.scenario, "A scenario's name (latchkey fleet scenarios), or a file with one")
      ->required();
  run.add_option("--data", o.data, "The data folder of a running hub ($LATCHKEY_DATA)")
      ->envname("LATCHKEY_DATA")
      ->required()
      ->type_name("FOLDER");
  run.add_option("--devices", o.devices, "So many instead of the scenario's number")
      ->check(CLI::Range(1U, scenario::kMostDevices));
  run.add_option("--processes", o.processes, "Spread the devices over so many processes (default: as many as needed)")
      ->check(CLI::Range(1U, 256U));
  run.add_option("--out", o.out, "Folder for histories and reports, new or empty (default: a new one here)")
      ->type_name("FOLDER");
  run.add_option("--seed", o.seed, "Another roll of the scenario's dice");
  run.add_option("--duration", o.duration_s, "Seconds that the run may take, instead of the scenario's")
      ->check(CLI::Range(1.0, kLongestRunSeconds));
  run.add_option("--prefix", o.prefix, "Devices are named PREFIX000001 and so on")
      ->check(CLI::Validator(check_prefix, ""))
      ->capture_default_str();
  run.add_option("--handshakes", o.handshakes,
                 "So many connections may be under way with each endpoint at one time; 0: no limit")
      ->check(CLI::Range(std::size_t{0}, std::size_t{100'000}))
      ->capture_default_str();
  run.add_option("--retry-max", o.retry_max_s, "Longest wait of a device after a failure, in seconds")
      ->check(CLI::Range(1.0, 86'400.0))
      ->capture_default_str();
  run.add_option("--slow-retry", o.slow_retry_s, "Wait after provisioning has said no, in seconds; grows to four times")
      ->check(CLI::Range(1.0, 86'400.0))
      ->capture_default_str();
  run.add_option_function<std::string>(
         "--metrics", [&o](const std::string& text) { o.metrics = parse_metrics_address(text); },
         "Serve the run's figures to Prometheus at http://ADDRESS:PORT/metrics; port 0 takes a free one")
      ->check(CLI::Validator(check_metrics, ""))
      ->type_name("ADDRESS:PORT");
}

}  // namespace

Wish parse_options(int argc, const char* const* argv) {
  CLI::App app{"latchkey-fleet: thousands of devices that live, each with a key and a certificate of its own"};
  app.require_subcommand(1);
  RunOptions run;
  ShowScenario show;
  auto* const run_verb = app.add_subcommand("run", "Let a fleet live through a scenario, against a running hub");
  declare_run(*run_verb, run);
  auto* const list_verb = app.add_subcommand("scenarios", "List the scenarios that come with the program");
  auto* const show_verb = app.add_subcommand("show", "Print one of them: a start for your own");
  show_verb->add_option("scenario", show.name, "Its name")->required();
  ReportOn report;
  auto* const report_verb = app.add_subcommand("report", "Make the report of a run's folder anew");
  report_verb->add_option("folder", report.folder, "Where its histories lie")->required();
  Verify verify;
  auto* const verify_verb =
      app.add_subcommand("verify", "Judge from a run's histories alone whether the hub kept its word");
  verify_verb->add_option("folder", verify.folder, "Where its histories lie")->required();
  auto* const flat =
      verify_verb->add_option("--flat", verify.flat_percent, "No process of hub or fleet may grow by more, in percent")
          ->check(CLI::Range(0.1, 1000.0));
  verify_verb->add_option("--warm-up", verify.warm_up_s, "What they hold before is not judged, in seconds")
      ->check(CLI::Range(0.0, kLongestRunSeconds))
      ->needs(flat);
  PlanOptions plan;
  auto* const plan_verb =
      app.add_subcommand("plan", "Foretell how long it takes until a fleet is back, in virtual time");
  declare_plan(*plan_verb, plan);
  CalibrateOptions calibration;
  auto* const calibrate_verb =
      app.add_subcommand("calibrate", "Measure on this machine what `plan` reckons with: half a minute of real work");
  declare_calibrate(*calibrate_verb, calibration, check_prefix);
  auto* const worker_verb = app.add_subcommand("worker", "")->group("");  // what `run` starts; not for people
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Exit{0, (app.get_subcommands().empty() ? app.help() : app.get_subcommands().front()->help())};
  } catch (const CLI::ParseError& mistake) {
    return Exit{kMistake, mistake.what()};
  }
  if (*list_verb) return ListScenarios{};
  if (*show_verb) return show;
  if (*report_verb) return report;
  if (*verify_verb) return verify;
  if (*plan_verb) return plan;
  if (*calibrate_verb) return calibration;
  if (*worker_verb) return BeWorker{};
  return run;
}

}  // namespace latchkey::boards::fleet::program
