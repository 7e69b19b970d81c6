// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/preflight.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "boards/fleet/program/progress.h"
#include "boards/fleet/scenario/shipped.h"
#include "platform/files/file.h"

namespace latchkey::boards::fleet::program {
namespace {

using scenario::TimeUs;

constexpr std::size_t kMostDocument = 1 << 20;
constexpr std::uint64_t kBytesPerDevice = 16 * 1024;  // of history; a device that provisions twice writes 1.6 KiB

scenario::Changes changes_of(const RunOptions& options) {
  scenario::Changes changes;
  changes.devices = options.devices;
  changes.seed = options.seed;
  if (options.duration_s) changes.duration = static_cast<TimeUs>(*options.duration_s * 1e6);
  return changes;
}

std::string default_out(const std::string& scenario) {
  char stamp[32];
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &parts);
  return "fleet-" + scenario + "-" + stamp;
}

// Makes it. Empty, or why it cannot be used.
std::string prepare_out(const std::filesystem::path& out, std::uint32_t devices) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) return "the folder " + out.string() + " cannot be made: " + error.message();
  if (!std::filesystem::is_empty(out, error) || error) return "the folder " + out.string() + " has to be empty";
  struct statvfs disk {};
  const std::uint64_t wanted = devices * kBytesPerDevice;
  if (::statvfs(out.c_str(), &disk) == 0 && disk.f_bavail * disk.f_frsize < wanted) {
    return "the histories of " + grouped(devices) + " devices take about " + grouped(wanted / 1'000'000 + 1) +
           " MB, and the disk below " + out.string() + " has less";
  }
  return "";
}

tl::unexpected<Refusal> refuse(int status, std::string problem) {
  return tl::unexpected(Refusal{status, std::move(problem)});
}

}  // namespace

Result<std::string> scenario_document(const std::string& scenario, std::string& problem) {
  if (const auto shipped = scenario::find_shipped(scenario)) return std::string(*shipped);
  auto text = files::read_text(scenario, kMostDocument);
  if (text) return std::move(*text);
  problem = "there is no scenario '" + scenario + "': neither a file, nor one of these\n" + scenario::list_of_shipped();
  return fail(Status::kNotFound);
}

tl::expected<Prepared, Refusal> prepare(const RunOptions& options) {
  std::string problem;
  auto document = scenario_document(options.scenario, problem);
  if (!document) return refuse(kBadInput, problem);
  auto scenario = scenario::read_scenario(*document, changes_of(options));
  if (!scenario) return refuse(kBadInput, "the scenario is not sound:\n" + scenario::to_text(scenario.error()));
  auto shards = spread(scenario->devices, options.processes, this_machine(), problem);
  if (shards.empty()) return refuse(kBadInput, problem);
  auto target = find_target(options.data, problem);
  if (!target) return refuse(kNoHub, problem);
  if (scenario->needs_rehearsal() && target->clock_document.empty()) {
    return refuse(kBadInput, "scenario " + scenario->name + " wants a rehearsal: start the hub with 'up --rehearsal'");
  }
  auto key = read_group_key(target->key_file, problem);
  if (key.empty()) return refuse(kBadInput, problem);
  wipe(MutableBytes(key.data(), key.size()));
  const std::string out = options.out.empty() ? default_out(scenario->name) : options.out;
  problem = prepare_out(out, scenario->devices);
  if (!problem.empty()) return refuse(kBadInput, problem);

  Job job;
  job.document = std::move(*document);
  job.changes = changes_of(options);
  job.prefix = options.prefix;
  job.out = std::filesystem::absolute(out).string();
  job.workers = static_cast<std::uint32_t>(shards.size());
  job.target = std::move(*target);
  job.handshakes = options.handshakes == 0 ? 0 : std::max<std::size_t>(1, options.handshakes / shards.size());
  job.retry_max_ms = static_cast<std::uint32_t>(options.retry_max_s * 1000);
  job.slow_retry_ms = static_cast<std::uint32_t>(options.slow_retry_s * 1000);
  return Prepared{std::move(*scenario), std::move(shards), std::move(job)};
}

}  // namespace latchkey::boards::fleet::program
