// SPDX-License-Identifier: Apache-2.0
// Model and reality: what `latchkey fleet plan` foretells for 2,000 devices on this machine, calibrated by smaller runs
// right before and right after, against what `latchkey fleet run` then measures.
//
// The machine may have other things to do. Costs are processor time, which that does not change much; and the forecast
// is made for the cores that were left to hub and fleet during the wave, by /proc/stat: what they used themselves and
// what nobody used. So a busy machine is busy in both. The bound of 20 % is the promise, and is not widened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "boards/fleet/forecast/calibration.h"
#include "boards/fleet/program/meter.h"
#include "tests/support/hub.h"

namespace latchkey::tests {
namespace {

using boards::fleet::forecast::Calibration;
using boards::fleet::program::Meter;
using boards::fleet::program::Reading;
using nlohmann::json;
using testing::HasSubstr;

constexpr int kDevices = 2000;
constexpr double kPromise = 0.20;
constexpr int kLongMs = 540'000;

std::string program(const std::string& name) { return std::string(LATCHKEY_BIN) + "/" + name; }

// The machine's processor time since it was started, in clock ticks of all cores.
struct Machine {
  double all = 0;
  double idle = 0;
};
Machine machine_now() {
  std::ifstream file("/proc/stat");
  std::string word;
  file >> word;
  Machine machine;
  for (int i = 0; i < 8; ++i) {  // user nice system idle iowait irq softirq steal (proc(5)); guests are in user
    double ticks = 0;
    file >> ticks;
    machine.all += ticks;
    if (i == 3 || i == 4) machine.idle += ticks;
  }
  return machine;
}

struct Look {
  double at_ms = 0;
  Machine machine;
  double used_us = 0;  // by hub and fleet
};

class ForecastTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Hub::Options options;
    options.rehearsal = false;
    options.retry_after_s = 1;  // as `latchkey up` has it by itself
    hub_ = std::make_unique<Hub>(options);
    hub_->start();
  }
  static void TearDownTestSuite() { hub_.reset(); }

  Calibration calibrated(const std::string& prefix) const {
    const auto file = (work_.path() / (prefix + ".json")).string();
    const auto done = run(
        {program("latchkey"), "fleet", "calibrate", "--data", hub_->data().string(), "--out", file, "--prefix", prefix},
        kLongMs);
    EXPECT_EQ(done.exit_status, 0) << done.err;
    const auto read = boards::fleet::forecast::read_calibration(read_text(file));
    EXPECT_TRUE(read) << read.error();
    return read.value_or(Calibration{});
  }
  // The run, looked at ten times a second.
  std::vector<Look> measured_run() const {
    std::string problem;
    const auto processes = boards::fleet::program::processes_of(hub_->data().string(), problem);
    EXPECT_TRUE(processes) << problem;
    std::vector<Look> looks;
    if (!processes) return looks;
    Subprocess fleet(
        {program("latchkey-fleet"), "run", "policy-rotation", "--devices", std::to_string(kDevices), "--data",
         hub_->data().string(), "--out", out().string(), "--prefix", "measured-", "--processes", "1"},
        work_.path() / "log");
    Meter meter(*processes, fleet.pid());
    while (fleet.running()) {
      if (const auto reading = meter.read()) {
        Look look{static_cast<double>(reading->at_ms), machine_now(), 0};
        for (const auto us : reading->used_us) look.used_us += us;
        looks.push_back(look);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_EQ(fleet.wait(kLongMs), 0) << read_text(work_.path() / "log");
    return looks;
  }
  std::filesystem::path out() const { return work_.path() / "run"; }

  static std::unique_ptr<Hub> hub_;
  const TemporaryFolder work_;
};
std::unique_ptr<Hub> ForecastTest::hub_;

const Look& nearest(const std::vector<Look>& looks, double at_ms) {
  return *std::min_element(looks.begin(), looks.end(), [at_ms](const Look& a, const Look& b) {
    return std::abs(a.at_ms - at_ms) < std::abs(b.at_ms - at_ms);
  });
}

// Cores that hub and fleet had, or could have had, between two looks.
double cores_left(const Look& from, const Look& to) {
  const double ticks_per_us = static_cast<double>(::sysconf(_SC_CLK_TCK)) / 1e6;
  const double own = (to.used_us - from.used_us) * ticks_per_us;
  const double all = to.machine.all - from.machine.all;
  return std::thread::hardware_concurrency() * std::min(1.0, (own + to.machine.idle - from.machine.idle) / all);
}

TEST_F(ForecastTest, return_of_2000_devices_is_foretold_within_a_fifth) {
  const auto before = calibrated("before-");
  const auto looks = measured_run();
  const auto after = calibrated("after-");
  ASSERT_FALSE(looks.empty());

  const auto report = json::parse(read_text(out() / "report.json"));
  const auto& act = report.at("acts").at(0);
  ASSERT_EQ(act.at("back").at("count"), kDevices) << act.dump(1);
  const double measured_s = act.at("back").at("max");
  std::ifstream history(out() / "history-000.jsonl");
  std::string line;
  std::getline(history, line);
  const double begun_ms = json::parse(line).at("started_ms").get<double>() + act.at("begun").get<double>() * 1e3;
  const double cores = cores_left(nearest(looks, begun_ms), nearest(looks, begun_ms + measured_s * 1e3));

  const auto file = (work_.path() / "calibration.json").string();
  std::ofstream(file) << boards::fleet::forecast::to_json(boards::fleet::forecast::middle({before, after}));
  std::ostringstream left;
  left << cores;
  const auto told = run({program("latchkey"), "fleet", "plan", "policy-rotation", "--devices", std::to_string(kDevices),
                         "--sample", "0", "--fleet-here", "--cores", left.str(), "--calibration", file, "-o", "json"},
                        kLongMs);
  ASSERT_EQ(told.exit_status, 0) << told.err;
  const double predicted_s = json::parse(told.out).at("seconds").at("all");
  std::printf("measured %.2f s, predicted %.2f s (%+.1f %%), with %.2f cores left\n", measured_s, predicted_s,
              (predicted_s / measured_s - 1) * 100, cores);
  EXPECT_NEAR(predicted_s, measured_s, kPromise * measured_s) << told.out << act.dump(1);
}

TEST_F(ForecastTest, what_cannot_be_foretold_is_refused_with_the_rule) {
  const auto plan = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {program("latchkey"), "fleet", "plan"});
    return run(words);
  };
  auto done = plan({"--devices", "0"});
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("--devices"));
  done = plan({"no-such-scenario"});
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("policy-rotation"));
  done = plan({"flaky-network"});
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("/networkCuts: network cuts are not modelled"));
  done = plan({"--calibration", "/nowhere/at-all.json"});
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("cannot be read"));
  const auto file = (work_.path() / "broken.json").string();
  std::ofstream(file) << R"({"kind":"latchkey-fleet-calibration","version":1})";
  done = plan({"--calibration", file});
  EXPECT_EQ(done.exit_status, 2);
  EXPECT_THAT(done.err, HasSubstr("/costs: is missing"));
  done = run({program("latchkey-fleet"), "calibrate", "--data", work_.path().string()});
  EXPECT_EQ(done.exit_status, 5);
  EXPECT_THAT(done.err, HasSubstr("there is no hub"));
}

}  // namespace
}  // namespace latchkey::tests
