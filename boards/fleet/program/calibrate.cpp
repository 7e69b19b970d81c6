// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/calibrate.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <thread>

#include "boards/fleet/history/reader.h"
#include "boards/fleet/program/child.h"
#include "boards/fleet/program/preflight.h"
#include "boards/fleet/program/target.h"
#include "platform/files/file.h"

namespace latchkey::boards::fleet::program {
namespace {

using forecast::Step;
using forecast::Stretch;
using std::chrono::milliseconds;

// The scenario's moments, in seconds. All devices arrive, and at once: in a wave work is done in batches, and costs
// less than one by one; some quiet; the network goes and comes back; some quiet; a part loses its onboarding
// credential, and the policy is revoked. A cut device waits at least 0.8 s before it tries again: until then all work
// is that of the cut.
constexpr double kQuietFrom = 8;
constexpr double kNetworkCut = 10;
constexpr double kRevoked = 15;
constexpr double kCutDone = kRevoked + 0.75;
constexpr double kEnd = 30;
constexpr double kMoments[] = {0, kQuietFrom, kNetworkCut, kRevoked, kCutDone, kEnd};
constexpr milliseconds kReadEvery{50};
constexpr int kHubTriesS = 30;

std::atomic<bool> g_asked_to_end{false};
void on_signal(int) { g_asked_to_end = true; }

int refuse(int status, const std::string& problem) {
  std::fprintf(stderr, "latchkey-fleet: %s\n", problem.c_str());
  return status;
}

// A folder that brokers can enter, gone afterwards.
class Workshop {
 public:
  Workshop() {
    std::string name = (std::filesystem::temp_directory_path() / "latchkey-calibrate-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    ::chmod(name.c_str(), 0711);
    path_ = name;
  }
  ~Workshop() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A hub for this measurement alone, on free loopback ports.
class OwnHub {
 public:
  explicit OwnHub(const std::string& data)
      : child_(Child::start(
            {own_folder() + "/latchkey", "--data", data, "up", "--dps", "127.0.0.1:0", "--hub", "127.0.0.1:0"},
            Child::Errors::kWithOutput)) {
    std::string ignored;
    for (int i = 0; child_ && i < kHubTriesS * 10 && !g_asked_to_end; ++i) {
      std::this_thread::sleep_for(milliseconds(100));
      if (processes_of(data, ignored)) return;
    }
  }
  ~OwnHub() {
    if (child_) ::kill(child_->pid(), SIGTERM);  // it ends its brokers itself
  }
  OwnHub(const OwnHub&) = delete;
  OwnHub& operator=(const OwnHub&) = delete;

 private:
  std::optional<Child> child_;
};

std::string now_text() {
  char text[32];
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// Between two readings at one moment.
Reading reading_at(const std::vector<Reading>& readings, double at_ms) {
  const auto after = std::lower_bound(readings.begin(), readings.end(), at_ms, [](const Reading& one, double ms) {
    return static_cast<double>(one.at_ms) < ms;
  });
  if (after == readings.begin()) return readings.front();
  if (after == readings.end()) return readings.back();
  const auto& before = *(after - 1);
  const double part = (at_ms - static_cast<double>(before.at_ms)) / static_cast<double>(after->at_ms - before.at_ms);
  Reading result;
  result.at_ms = static_cast<std::int64_t>(at_ms);
  for (std::size_t p = 0; p < forecast::kParts; ++p) {
    result.used_us[p] = before.used_us[p] + (after->used_us[p] - before.used_us[p]) * part;
  }
  return result;
}

struct Counter {
  std::vector<Stretch>& stretches;
  double at_s = 0;

  void count(Step step, double times = 1) {
    for (std::size_t i = stretches.size(); i-- > 0;) {
      if (at_s >= kMoments[i]) {
        stretches[i].happened[static_cast<std::size_t>(step)] += times;
        return;
      }
    }
  }
  void operator()(const history::Connected& one) {
    count(one.service == history::Service::kDps ? Step::kProvisioningConnect : Step::kHubConnect);
  }
  void operator()(const history::Refused& one) {
    if (one.by != history::RefusedBy::kConnack) return;
    count(one.service == history::Service::kDps ? Step::kProvisioningConnect : Step::kRefusedConnect);
  }
  void operator()(const history::Stored&) {
    count(Step::kRegistration);
    count(Step::kIssuance);
  }
  void operator()(const history::Ended& one) {
    if (one.service == history::Service::kHub && one.was_connected && one.why == history::Why::kLost) count(Step::kCut);
  }
  void operator()(const history::Telemetry& one) { count(Step::kMessage, static_cast<double>(one.sent)); }
  template <class Other>
  void operator()(const Other&) {}
};

// The run itself; readings until its worker has gone.
std::vector<Reading> run_and_read(Child& fleet, Meter& meter) {
  std::vector<Reading> readings;
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(fleet.pid()), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0)
      break;
    if (const auto one = meter.read()) readings.push_back(*one);
    if (g_asked_to_end) ::kill(fleet.pid(), SIGTERM);
    std::this_thread::sleep_for(kReadEvery);
  }
  return readings;
}

}  // namespace

std::string calibration_scenario(std::uint32_t devices) {
  char text[1024];
  std::snprintf(text, sizeof text,
                R"({"name":"calibration","title":"What each step costs","devices":%u,"durationSeconds":%.0f,)"
                R"("endWhen":"time-up","arrival":{"curve":"at-once"},)"
                R"("telemetry":{"everySeconds":0.25,"bytes":64},)"
                R"("networkCuts":[{"atSeconds":%.0f,"forSeconds":0.5,"share":1}],)"
                R"("credentialLost":{"share":0.3,"atSeconds":%.0f},)"
                R"("acts":[{"atSeconds":%.0f,"act":"revokePolicy"}]})",
                devices, kEnd, kNetworkCut, kRevoked - 1, kRevoked);
  return text;
}

std::vector<Stretch> stretches_of(const std::vector<Reading>& readings, const std::string& folder) {
  auto reader = history::Reader::open(folder);
  std::vector<Stretch> stretches(std::size(kMoments) - 1);
  if (!reader || readings.empty()) return {};
  double started_ms = 0;
  while (const auto record = reader->next()) {
    if (const auto* begun = std::get_if<history::RunBegun>(&record->body)) {
      started_ms = static_cast<double>(begun->started_ms);
    }
    Counter counter{stretches, static_cast<double>(record->time) / 1e6};
    std::visit(counter, record->body);
  }
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const auto from = reading_at(readings, started_ms + kMoments[i] * 1e3);
    const auto to = reading_at(readings, started_ms + kMoments[i + 1] * 1e3);
    stretches[i].seconds = static_cast<double>(to.at_ms - from.at_ms) / 1e3;
    for (std::size_t p = 0; p < forecast::kParts; ++p) stretches[i].used_us[p] = to.used_us[p] - from.used_us[p];
  }
  return stretches;
}

namespace {

// The run, and the costs that it shows. `data`: a running hub.
tl::expected<forecast::Calibration, Refusal> measure(const CalibrateOptions& options, const std::string& data,
                                                     const std::filesystem::path& workshop) {
  const auto refusal = [](int status, std::string text) { return tl::unexpected(Refusal{status, std::move(text)}); };
  std::string problem;
  if (const auto target = find_target(data, problem); !target) return refusal(kNoHub, problem);
  const auto hub = processes_of(data, problem);
  if (!hub) return refusal(kNoHub, problem);
  const auto file = (workshop / "scenario.json").string();
  const auto out = (workshop / "run").string();
  const auto commit = commit_ms(workshop.string());
  if (!commit || !files::replace_file(file, ByteView(std::string_view(calibration_scenario(options.devices))))) {
    return refusal(kBroken, "nothing can be written to " + workshop.string());
  }
  std::fprintf(stderr, "calibrating with %u devices: %.0f s\n", options.devices, kEnd);
  auto fleet = Child::start({own_folder() + "/latchkey-fleet", "run", file, "--data", data, "--out", out, "--processes",
                             "1", "--prefix", options.prefix},
                            Child::Errors::kWithOutput);
  if (!fleet) return refusal(kBroken, "latchkey-fleet cannot be started");
  Meter meter(*hub, fleet->pid());
  const auto readings = run_and_read(*fleet, meter);
  const auto said = fleet->read_all();
  if (fleet->wait() != 0 || g_asked_to_end) return refusal(kBroken, "the run did not come to its end:\n" + said);
  const auto stretches = stretches_of(readings, out);
  double issued = 0;
  for (const auto& stretch : stretches) issued += stretch.happened[static_cast<std::size_t>(Step::kIssuance)];
  if (issued < options.devices) {
    return refusal(kBroken, "too few devices got through: try fewer (--devices)\n" + said);
  }
  forecast::Calibration result;
  result.processor = processor_name();
  result.cores = std::max(1U, std::thread::hardware_concurrency());
  result.measured_at = now_text();
  result.devices = options.devices;
  result.commit_ms = *commit;
  result.costs = forecast::fit(stretches);
  return result;
}

}  // namespace

int calibrate(const CalibrateOptions& options) {
  const Workshop workshop;
  if (workshop.path().empty()) return refuse(kBroken, "no temporary folder can be made");
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<OwnHub> own;
  std::string data = options.data;
  if (data.empty()) {
    data = (workshop.path() / "hub").string();
    own = std::make_unique<OwnHub>(data);
  }
  const auto measured = measure(options, data, workshop.path());
  if (!measured) return refuse(measured.error().status, measured.error().problem);
  const auto text = to_json(*measured);
  if (options.out.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  } else if (!files::replace_file(options.out, ByteView(std::string_view(text)), files::kPublicFile)) {
    return refuse(kBroken, options.out + " cannot be written");
  }
  return kDone;
}

}  // namespace latchkey::boards::fleet::program
