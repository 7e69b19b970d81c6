// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/forecast.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "agent/core/endpoint.h"
#include "boards/fleet/forecast/device.h"

namespace latchkey::boards::fleet::forecast {
namespace {

using scenario::Act;
using scenario::ActKind;

constexpr UnixMs kStarted = 1'800'000'000'000;
constexpr int kDays = 30;  // certificates are good longer than any run lasts
constexpr std::uint64_t kMostEvents = 25'000'000;
constexpr double kBusy = 0.85;
constexpr std::size_t kPoints = 40;
// What each device costs while registrations are counted and it asks again and again (docs/planner.md).
constexpr double kMostAsks = 6e6;
constexpr double kAskAgainS = 11;
constexpr double kMinuteS = 60;

std::uint32_t of_each_node(const Question& question) {
  return (question.scenario.devices + question.plant.nodes - 1) / question.plant.nodes;
}

// How many cores are run.
std::uint32_t sample_of(const Question& question) {
  const auto devices = of_each_node(question);
  if (question.sample == 0) return devices;
  double sample = std::min(devices, question.sample);
  if (const double limit = question.plant.registrations_per_minute; limit > 0) {
    const double asks = devices / limit * kMinuteS / kAskAgainS / 2;
    if (asks > 1) sample = std::min(sample, kMostAsks / asks);
  }
  return static_cast<std::uint32_t>(std::clamp<double>(sample, std::min(devices, kLeastSample), devices));
}

std::optional<double> in_seconds(std::optional<TimeUs> time) {
  if (!time) return std::nullopt;
  return static_cast<double>(*time) / 1e6;
}

class World final : private Watcher, private Engine::Listener {
 public:
  World(const Question& question, Papers papers, std::uint32_t devices, double weight)
      : question_(question),
        plan_(shrunk(question.scenario, devices)),
        papers_(std::move(papers)),
        weight_(weight),
        model_(engine_, question.plant, question.calibration, devices, weight),
        room_(std::make_unique<agent::Workspace>()),
        fates_(devices) {
    config_.id_scope = "0ne00000000";
    config_.dps = *agent::parse_endpoint("dps.forecast:8883");
    config_.symmetric_key_size = 32;    // any: nobody checks what it proves
    config_.telemetry_interval_ms = 0;  // the model's: thousands of messages a second are not worth an event each
    config_.retry_max_ms = question.retry_max_ms;
    config_.slow_retry_ms = question.slow_retry_ms;
    around_.reset(new Surroundings{engine_, model_, papers_, *room_, plan_, config_, *this, kStarted});
    for (std::uint32_t i = 0; i < devices; ++i) devices_.push_back(std::make_unique<Device>(*around_, i));
  }

  Forecast live();

 private:
  struct Fate {
    bool out = false;      // condemned, and not back
    bool awaited = false;  // has a way back
    bool counted = false;  // as affected
  };
  struct Change {
    TimeUs at;
    int out;
  };

  static scenario::Scenario shrunk(scenario::Scenario scenario, std::uint32_t devices) {
    scenario.devices = devices;
    scenario.duration = scenario::kLongestRun;  // how long the run would be let go on is not the question
    return scenario;
  }
  TimeUs since() const { return engine_.now() - zero_; }
  void begin();
  void put_out(std::uint32_t device);
  void perform(std::size_t number);
  void look_back();
  bool over() const { return acts_done_ == plan_.scenario().acts.size() && awaited_ == returned_; }
  void measure_load();
  void draw(Forecast& forecast) const;
  std::optional<TimeUs> percentile(double share) const;

  void on_hub(std::uint32_t device) override;
  void on_failure() override { gave_up_ += begun_ ? 1 : 0; }
  void on_event(std::uint64_t number) override { perform(number); }

  const Question& question_;
  const scenario::Plan plan_;
  Papers papers_;
  const double weight_;
  Engine engine_;
  Model model_;
  const std::unique_ptr<agent::Workspace> room_;
  agent::Config config_;
  std::unique_ptr<Surroundings> around_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<Fate> fates_;
  TimeUs zero_ = 0;
  bool begun_ = false;
  std::size_t acts_done_ = 0;
  std::uint64_t affected_ = 0;
  std::uint64_t awaited_ = 0;
  std::uint64_t returned_ = 0;
  std::uint64_t gave_up_ = 0;
  std::vector<TimeUs> back_;  // rising
  std::vector<Change> changes_;
  bool measured_ = false;
  Forecast loads_;
};

// The time that counts.
void World::begin() {
  const auto& scenario = plan_.scenario();
  begun_ = true;
  zero_ = scenario.acts.empty() ? engine_.now() : scenario.acts.front().at;
  model_.begin_to_charge(scenario.telemetry.every > 0 ? 1e6 / static_cast<double>(scenario.telemetry.every) : 0);
  if (scenario.acts.empty()) {
    for (std::uint32_t i = 0; i < fates_.size(); ++i) put_out(i);
  }
  for (std::size_t i = 0; i < scenario.acts.size(); ++i) engine_.at(scenario.acts[i].at, *this, i);
}

void World::put_out(std::uint32_t device) {
  Fate& fate = fates_[device];
  if (!fate.counted) ++affected_;
  fate.counted = true;
  if (fate.out) return;
  if (fate.awaited) --returned_;  // it was back already
  fate.out = true;
  if (!fate.awaited && plan_.comes_back(device)) {
    fate.awaited = true;
    ++awaited_;
  }
  changes_.push_back({since(), 1});
}

void World::perform(std::size_t number) {
  const Act& act = plan_.scenario().acts[number];
  ++acts_done_;
  if (act.kind == ActKind::kRevokePolicy) {
    for (std::uint32_t i = 0; i < devices_.size(); ++i) {
      if (devices_[i]->holds_certificate()) put_out(i);
    }
    return model_.revoke_policy();
  }
  for (const auto device : plan_.chosen(number)) {
    if (act.kind == ActKind::kEnableDevices) {
      model_.enable(device, true);
      continue;
    }
    put_out(device);
    if (act.disable || act.kind == ActKind::kDisableDevices) model_.enable(device, false);
    if (act.kind == ActKind::kRevokeDevices) model_.revoke(device);
    if (act.kind == ActKind::kDeleteDevices) model_.forget(device);
  }
}

void World::on_hub(std::uint32_t device) {
  Fate& fate = fates_[device];
  if (!begun_ || !fate.out) return;
  fate.out = false;
  changes_.push_back({since(), -1});
  if (!fate.awaited) return;
  ++returned_;
  back_.push_back(since());
  if (!measured_ && returned_ * 10 >= awaited_ * 9) measure_load();
}

void World::measure_load() {
  measured_ = true;
  const auto passed = static_cast<double>(std::max<TimeUs>(since(), 1));
  double all = 0;
  for (const auto part : {Part::kDpsBroker, Part::kHubBroker, Part::kHubProcess, Part::kFleetLoop, Part::kFleetKeys}) {
    const double worked = model_.worked_us(part);
    all += worked;
    loads_.parts.push_back({part, worked / passed / model_.threads(part)});
  }
  loads_.cores_busy = all / passed / question_.plant.cores;
  const auto most = std::max_element(loads_.parts.begin(), loads_.parts.end(),
                                     [](const PartLoad& a, const PartLoad& b) { return a.busy < b.busy; });
  loads_.narrowest = most->part;
  const auto turned_away = model_.figures().turned_away;
  if (question_.plant.registrations_per_minute != 0 && turned_away > model_.figures().registrations) {
    loads_.limit = Limit::kThrottle;
  } else if (most->busy > kBusy) {
    loads_.limit = Limit::kPart;
  } else if (loads_.cores_busy > kBusy) {
    loads_.limit = Limit::kCores;
  }
}

std::optional<TimeUs> World::percentile(double share) const {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(awaited_)));
  if (rank == 0 || rank > back_.size()) return std::nullopt;
  return back_[rank - 1];
}

void World::draw(Forecast& forecast) const {
  const TimeUs end = std::max<TimeUs>(since(), 1);
  std::int64_t out = 0;
  auto change = changes_.begin();
  for (std::size_t i = 0; i <= kPoints; ++i) {
    const TimeUs at = end / static_cast<TimeUs>(kPoints) * static_cast<TimeUs>(i) + (i == kPoints ? end % kPoints : 0);
    for (; change != changes_.end() && change->at <= at; ++change) out += change->out;
    forecast.locked_out.push_back({static_cast<double>(at) / 1e6, static_cast<std::uint64_t>(std::llround(
                                                                      static_cast<double>(out) * forecast.weight))});
  }
}

Forecast World::live() {
  for (const auto& device : devices_) device->begin();
  const auto& acts = plan_.scenario().acts;
  if (!acts.empty()) {
    while (engine_.step(acts.front().at - 1)) {
    }
  }
  begin();
  const TimeUs end = zero_ + scenario::kLongestRun;
  bool more = true;
  while (!over() && more && engine_.done() < kMostEvents) more = engine_.step(end);
  // All nodes live alike: their figures are those of one, as often as there are nodes.
  const double all_nodes = static_cast<double>(question_.scenario.devices) / static_cast<double>(devices_.size());
  const auto whole = [&](std::uint64_t count) {
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(count) * all_nodes));
  };
  if (!measured_) measure_load();
  Forecast result = loads_;
  result.devices = question_.scenario.devices;
  result.simulated = devices_.size();
  result.weight = all_nodes;
  result.affected = whole(affected_);
  result.returning = whole(awaited_);
  result.back = whole(returned_);
  result.half = in_seconds(percentile(0.5));
  result.nine_tenths = in_seconds(percentile(0.9));
  result.nearly_all = in_seconds(percentile(0.99));
  result.all = over() ? in_seconds(percentile(1)) : std::nullopt;
  result.turned_away = whole(model_.figures().turned_away);
  result.gave_up = whole(gave_up_);
  result.telemetry_load = model_.telemetry_load();
  result.cut_short = !over() && more;
  result.events = engine_.done();
  draw(result);
  return result;
}

}  // namespace

std::string unmodelled(const Question& question) {
  const auto& scenario = question.scenario;
  std::string faults;
  const auto fault = [&faults](const std::string& where, const std::string& rule) {
    faults += (faults.empty() ? "" : "\n") + where + ": " + rule;
  };
  const bool whole = sample_of(question) == scenario.devices;
  for (std::size_t i = 0; i < scenario.acts.size(); ++i) {
    const auto& act = scenario.acts[i];
    const auto at = "/acts/" + std::to_string(i);
    switch (act.kind) {
      case ActKind::kSync:
      case ActKind::kSetFaults:
      case ActKind::kClearFaults:
      case ActKind::kAdvanceClock:
        fault(at + "/act", "'" + std::string(scenario::to_string(act.kind)) + "' is not modelled");
        break;
      default: break;
    }
    if (!act.policy.empty() && act.policy != "default") fault(at + "/policy", "only the default policy is modelled");
    if (act.devices.count > 0 && !whole) {
      fault(at + "/devices/count",
            "is modelled only where every device is (take a share, fewer devices, or --sample 0 on one node)");
    }
  }
  if (!scenario.generations.empty()) fault("/earlierGenerations", "renewals are not modelled");
  if (!scenario.cuts.empty()) fault("/networkCuts", "network cuts are not modelled");
  if (scenario.crash_share > 0) fault("/crashBeforeCertificate", "crashes are not modelled");
  return faults;
}

tl::expected<Forecast, std::string> foretell(const Question& question) {
  auto papers = Papers::create(kStarted, kDays);
  if (!papers) return tl::unexpected(std::string("no key can be made"));
  const auto devices = sample_of(question);
  const double weight = static_cast<double>(of_each_node(question)) / devices;
  return std::make_unique<World>(question, std::move(*papers), devices, weight)->live();
}

}  // namespace latchkey::boards::fleet::forecast
