// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/clock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <set>

#include "platform/posix/entropy.h"
#include "platform/posix/rehearsal_clock.h"
#include "tests/unit/platform/posix/test_servers.h"

namespace latchkey::posix {
namespace {

constexpr UnixMs kReal = 1'800'000'000'000;

Result<UnixMs> time_by(std::string_view document, UnixMs real = kReal) {
  LATCHKEY_TRY(parsed, parse_rehearsal_document(document));
  return rehearsal_time(parsed, real);
}

TEST(RehearsalDocumentTest, offset_moves_time_either_way) {
  EXPECT_EQ(time_by("{}").value(), kReal);
  EXPECT_EQ(time_by(R"({"offset": 86400})").value(), kReal + 86'400'000);
  EXPECT_EQ(time_by(R"({"offset": -0.25, "rate": 1})").value(), kReal - 250);
  EXPECT_EQ(time_by(R"({"offset": 1, "since": 5, "other": [1]})").value(), kReal + 1000)
      << "since does nothing at rate 1";
}

TEST(RehearsalDocumentTest, rate_counts_from_since) {
  constexpr std::string_view kFast = R"({"rate": 60, "since": 1800000000})";
  EXPECT_EQ(time_by(kFast, kReal).value(), kReal);
  EXPECT_EQ(time_by(kFast, kReal + 1'000).value(), kReal + 60'000);
  EXPECT_EQ(time_by(R"({"offset": 10.5, "rate": 0.5, "since": 1800000000})", kReal + 1'000).value(), kReal + 11'000);
  EXPECT_EQ(time_by(R"({"rate": 0, "since": 1800000000})", kReal + 123'456).value(), kReal) << "time stands still";
}

TEST(RehearsalDocumentTest, everything_else_is_malformed) {
  for (const char* text :
       {"", "x", "[]", "1", "null", R"({"offset": "1"})", R"({"offset": null})", R"({"rate": 2})", R"({"rate": 0})",
        R"({"rate": -1, "since": 1})", R"({"rate": 1e9, "since": 1})", R"({"offset": 1e300})", R"({"offset": true})",
        R"({"rate": 2, "since": "1"})", R"({"rate": 2, "since": -1})", R"({"offset": 1)"}) {
    const auto time = time_by(text);
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error(), Status::kMalformed) << text;
  }
}

class RehearsalClockTest : public testing::Test {
 protected:
  // Replaced as the hub does it: a new file over the old one.
  void put(const std::string& text) {
    folder_.write("clock.new", text);
    ASSERT_EQ(std::rename(folder_.file("clock.new").c_str(), folder_.file("clock.json").c_str()), 0);
  }
  UnixMs offset_at(ports::MonotonicMs monotonic) { return clock_.now(kReal, monotonic) - kReal; }

  tests::TemporaryFolder folder_;
  RehearsalClock clock_{folder_.file("clock.json")};
};

TEST_F(RehearsalClockTest, follows_the_file_after_50_ms) {
  put(R"({"offset": 1})");
  EXPECT_EQ(offset_at(1'000), 1'000);
  put(R"({"offset": 2})");
  EXPECT_EQ(offset_at(1'049), 1'000) << "not looked at yet";
  EXPECT_EQ(offset_at(1'050), 2'000);
}

TEST_F(RehearsalClockTest, keeps_the_last_good_document) {
  EXPECT_EQ(offset_at(0), 0) << "no file yet";
  put(R"({"offset": 3})");
  EXPECT_EQ(offset_at(100), 3'000);
  put(R"({"offset": )");
  EXPECT_EQ(offset_at(200), 3'000);
  put(std::string(5'000, ' ') + R"({"offset": 9})");
  EXPECT_EQ(offset_at(300), 3'000);
  unlink(folder_.file("clock.json").c_str());
  EXPECT_EQ(offset_at(400), 3'000);
  // Of another size: this file may get the inode and the time stamp (it ticks every few ms) of the good one above.
  put(R"({"offset": 40})");
  EXPECT_EQ(offset_at(500), 40'000);
}

TEST(PosixClockTest, tells_the_time_of_the_system) {
  const PosixClock clock;
  // Not time(): it runs a few milliseconds behind.
  const auto system_ms = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const UnixMs before = system_ms();
  const UnixMs now = clock.now();
  EXPECT_GE(now, before);
  EXPECT_LE(now, system_ms());
  EXPECT_TRUE(clock.is_set());
  const auto first = clock.monotonic();
  EXPECT_GE(clock.monotonic(), first);
}

TEST(PosixClockTest, rehearsal_moves_the_wall_clock_and_nothing_else) {
  const tests::TemporaryFolder folder;
  folder.write("clock.json", R"({"offset": -1000000000})");
  const PosixClock real;
  const PosixClock moved(folder.file("clock.json"));
  const UnixMs before = real.now();
  const UnixMs now = moved.now();
  EXPECT_GE(now, before - 1'000'000'000'000);
  EXPECT_LE(now, real.now() - 1'000'000'000'000);
  EXPECT_TRUE(moved.is_set()) << "judged by the real time";
  const auto monotonic = real.monotonic();
  EXPECT_GE(moved.monotonic(), monotonic);
  EXPECT_LE(moved.monotonic(), real.monotonic());
}

TEST(PosixEntropyTest, does_not_repeat_itself) {
  PosixEntropy entropy;
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(entropy.next());
  EXPECT_GT(seen.size(), 990u);
}

}  // namespace
}  // namespace latchkey::posix
