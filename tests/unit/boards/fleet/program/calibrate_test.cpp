// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/calibrate.h"

#include <gtest/gtest.h>

#include "boards/fleet/history/writer.h"
#include "boards/fleet/scenario/scenario.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::program {
namespace {

using forecast::Step;

constexpr std::int64_t kStartedMs = 1'000'000;
constexpr history::TimeUs kSecond = 1'000'000;

double times(const forecast::Stretch& stretch, Step step) { return stretch.happened[static_cast<std::size_t>(step)]; }

TEST(CalibrateTest, its_scenario_is_sound) {
  for (const std::uint32_t devices : {50U, 600U, 2000U}) {
    const auto read = scenario::read_scenario(calibration_scenario(devices));
    ASSERT_TRUE(read) << scenario::to_text(read.error());
    EXPECT_EQ(read->devices, devices);
    EXPECT_FALSE(read->needs_rehearsal());
  }
}

TEST(CalibrateTest, records_and_readings_fall_into_the_stretches_of_their_times) {
  const tests::MemoryFolder folder;
  history::RunBegun begun;
  begun.devices = begun.count = 2;
  begun.started_ms = kStartedMs;
  begun.worker = begun.workers = 1;
  {
    auto writer = history::Writer::create(history::file_of(folder.path().string(), 1), begun);
    ASSERT_TRUE(writer);
    writer->write(kSecond, 0, history::Connected{history::Service::kDps, 0});
    writer->write(2 * kSecond, 0, history::Stored{1, "01", "ab", 0, false});
    writer->write(3 * kSecond, 0, history::Connected{history::Service::kHub, 1});
    writer->write(11 * kSecond, 0,
                  history::Ended{history::Service::kHub, true, history::Why::kCut, 0});  // no act of the hub
    writer->write(12 * kSecond, 0, history::Connected{history::Service::kHub, 1});
    writer->write(15 * kSecond + kSecond / 10, 0, history::Ended{history::Service::kHub, true, history::Why::kLost, 0});
    writer->write(16 * kSecond, 0, history::Refused{history::Service::kHub, history::RefusedBy::kConnack, 5, ""});
    writer->write(17 * kSecond, 1, history::Refused{history::Service::kDps, history::RefusedBy::kConnack, 5, ""});
  }
  std::vector<Reading> readings;
  for (int i = 0; i <= 31; ++i) {  // each second a thousand microseconds of the first part
    Reading reading;
    reading.at_ms = kStartedMs + i * 1000;
    reading.used_us[0] = 1000.0 * i;
    readings.push_back(reading);
  }
  const auto stretches = stretches_of(readings, folder.path().string());
  ASSERT_EQ(stretches.size(), 5u);
  EXPECT_EQ(times(stretches[0], Step::kProvisioningConnect), 1);
  EXPECT_EQ(times(stretches[0], Step::kIssuance), 1);
  EXPECT_EQ(times(stretches[0], Step::kRegistration), 1);
  EXPECT_EQ(times(stretches[0], Step::kHubConnect), 1);
  EXPECT_EQ(times(stretches[2], Step::kHubConnect), 1);
  EXPECT_EQ(times(stretches[2], Step::kCut), 0);
  EXPECT_EQ(times(stretches[3], Step::kCut), 1);
  EXPECT_EQ(times(stretches[4], Step::kRefusedConnect), 1);
  EXPECT_EQ(times(stretches[4], Step::kProvisioningConnect), 1);
  double seconds = 0;
  for (const auto& stretch : stretches) {
    EXPECT_NEAR(stretch.used_us[0], 1000 * stretch.seconds, 1);
    seconds += stretch.seconds;
  }
  EXPECT_NEAR(seconds, 30, 0.01);
}

TEST(CalibrateTest, without_histories_or_readings_there_is_nothing) {
  const tests::MemoryFolder folder;
  EXPECT_TRUE(stretches_of({Reading{}}, folder.path().string()).empty());
  EXPECT_TRUE(stretches_of({}, folder.path().string()).empty());
}

TEST(MeterTest, what_is_not_there_is_told) {
  const tests::MemoryFolder folder;
  std::string problem;
  EXPECT_FALSE(commit_ms((folder.path() / "nowhere").string()));
  EXPECT_FALSE(Meter({}, 0).read());
  ASSERT_TRUE(commit_ms(folder.path().string()));
  EXPECT_GT(*commit_ms(folder.path().string()), 0);
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
