// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/tally.h"

#include <gmock/gmock.h>

#include "tests/unit/boards/fleet/report/story.h"

namespace latchkey::boards::fleet::report {
namespace {

using history::ActKind;
using history::Cause;
using history::Why;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

MATCHER_P(Takes, seconds, "") { return arg.has_value() && std::abs(*arg - seconds * 1e6) <= seconds * 1e6 / 64; }

TEST(Tally, an_empty_run_has_no_figures_and_no_faults) {
  const auto figures = Tally().figures();
  EXPECT_EQ(figures.records, 0U);
  EXPECT_EQ(figures.length, 0);
  EXPECT_EQ(figures.connect.from_due.percentile(0.5), std::nullopt);
  EXPECT_THAT(figures.timeline.bins(), SizeIs(1));
  EXPECT_FALSE(figures.end.has_value());
}

TEST(Tally, a_wait_is_measured_from_when_it_was_due_and_from_when_it_was_begun) {
  Story story(1);
  story.due(3, 0, 1);  // the fleet came two seconds late
  story.provision(3, 4, 0, 1);
  story.connect(4, 4.5, 0, 1);
  story.over(10);
  const auto figures = story.figures();
  EXPECT_THAT(figures.connect.from_begun.percentile(0.5), Takes(0.5));
  EXPECT_THAT(figures.connect.from_due.percentile(0.5), Takes(3.5));
  EXPECT_THAT(figures.provisioning.from_begun.percentile(0.5), Takes(1.0));
  EXPECT_THAT(figures.provisioning.from_due.percentile(0.5), Takes(3.0));
  EXPECT_EQ(figures.connected, 1U);
  EXPECT_EQ(figures.certificates, 1U);
  EXPECT_EQ(figures.length, 10'000'000);
}

TEST(Tally, attempts_that_fail_count_in_the_wait_and_not_in_the_latency) {
  Story story(1);
  story.due(0, 0, 0);
  story.refuse(0, 1, 0, 1);
  story.at(2, 0, history::Connecting{history::Service::kHub, 1});
  story.end(3, 0, Why::kUnreachable, false);
  story.connect(7, 7.25, 0, 1);
  const auto figures = story.figures();
  EXPECT_EQ(figures.connect.from_begun.ended.count(), 1U);
  EXPECT_THAT(figures.connect.from_begun.percentile(1), Takes(0.25));
  EXPECT_THAT(figures.connect.from_due.percentile(1), Takes(7.25));
  EXPECT_THAT(figures.refusals, ElementsAre(Pair("connack 5", 1)));
  EXPECT_THAT(figures.failures, ElementsAre(Pair("unreachable", 1)));
}

TEST(Tally, those_who_wait_to_the_end_are_slower_than_all_others) {
  Story story(10);
  for (Device device = 0; device < 10; ++device) story.due(0, device, 0);
  for (Device device = 0; device < 8; ++device) story.connect(1, 2, device, 1);
  story.over(60);
  const auto figures = story.figures();
  EXPECT_EQ(figures.connect.from_due.waiting, 2U);
  EXPECT_THAT(figures.connect.from_due.percentile(0.8), Takes(2.0));
  EXPECT_EQ(figures.connect.from_due.percentile(0.9), std::nullopt);
  EXPECT_THAT(figures.absent, SizeIs(2));
}

TEST(Tally, a_lost_session_begins_a_wait_and_sleep_ends_it) {
  Story story(2);
  story.connect(0, 1, 0, 1);
  story.connect(0, 1, 1, 1);
  story.end(5, 0, Why::kLost);
  story.connect(6, 8, 0, 1);
  story.end(5, 1, Why::kOwn);
  story.at(5, 1, history::Asleep{Story::us(30)});
  const auto asleep = story.figures();
  EXPECT_THAT(asleep.connect.from_due.percentile(1), Takes(3.0));
  EXPECT_EQ(asleep.connect.from_due.waiting, 0U);
  EXPECT_EQ(asleep.asleep, 1U);
  EXPECT_THAT(asleep.absent, IsEmpty());
}

TEST(Tally, a_sleeper_waits_from_when_it_was_to_wake) {
  Story story(1);
  story.at(5, 0, history::Asleep{Story::us(30)});
  story.due(31, 0, 30, Cause::kWake);
  story.connect(31, 32, 0, 1);
  const auto figures = story.figures();
  EXPECT_THAT(figures.connect.from_due.percentile(1), Takes(2.0));
  EXPECT_EQ(figures.asleep, 0U);
}

TEST(Tally, the_timeline_counts_sessions_by_generation) {
  Story story(3);
  story.connect(0.1, 0.2, 0, 1);
  story.connect(0.1, 0.2, 1, 1);
  story.connect(0.3, 0.4, 2, 2);
  story.end(0.6, 0, Why::kLost);
  story.over(1);
  const auto figures = story.figures();
  const auto& bins = figures.timeline.bins();
  ASSERT_THAT(bins, SizeIs(5));
  EXPECT_THAT(bins[0].connected, ElementsAre(Pair(1, 2)));
  EXPECT_EQ(bins[0].connects, 2U);
  EXPECT_THAT(bins[1].connected, ElementsAre(Pair(1, 2), Pair(2, 1)));
  EXPECT_THAT(bins[2].connected, ElementsAre(Pair(1, 1), Pair(2, 1)));
  EXPECT_THAT(bins[4].connected, ElementsAre(Pair(1, 1), Pair(2, 1)));
}

TEST(Tally, a_policy_revoke_is_followed_until_everybody_is_back) {
  Story story(4);
  for (Device device = 0; device < 3; ++device) {
    story.provision(0, 1, device, 1);
    story.connect(1, 2, device, 1);
  }
  // device 3 has no certificate: the revoke does not concern it
  story.act(10, ActKind::kRevokePolicy, {});
  story.end(10.5, 0, Why::kLost);
  story.end(10.75, 1, Why::kLost);
  story.answered(11);
  story.end(11, 2, Why::kLost);
  for (Device device = 0; device < 2; ++device) {
    story.refuse(12, 12.5 + device, device, 1);
    story.provision(14, 15, device, 2);
    story.connect(15, 16 + device, device, 2);
  }
  story.refuse(20, 22, 2, 1);
  story.over(60);
  const auto figures = story.figures();
  ASSERT_THAT(figures.acts, SizeIs(1));
  const auto& act = figures.acts[0];
  EXPECT_EQ(act.affected, 3U);
  EXPECT_EQ(act.live, 3U);
  EXPECT_TRUE(act.succeeded);
  EXPECT_EQ(act.answered, 11'000'000);
  EXPECT_THAT(act.cut.percentile(0.5), Takes(0.75));
  EXPECT_THAT(act.cut.percentile(1), Takes(1.0));
  EXPECT_THAT(act.refused.percentile(1), Takes(12.0));
  EXPECT_THAT(act.back.percentile(0.5), Takes(7.0));
  EXPECT_EQ(act.back.percentile(0.9), std::nullopt);
  EXPECT_EQ(act.back.waiting, 1U);
  EXPECT_EQ(act.let_in, 0U);
  ASSERT_THAT(act.absent, SizeIs(1));
  EXPECT_EQ(act.absent[0].device, 2U);
  EXPECT_EQ(act.absent[0].why, "waits for its next try; last: CONNACK 5, not authorised");
}

TEST(Tally, a_session_with_what_was_condemned_is_no_return_and_is_counted) {
  Story story(2);
  for (Device device = 0; device < 2; ++device) {
    story.provision(0, 1, device, 1);
    story.connect(1, 2, device, 1);
  }
  story.act(10, ActKind::kRevokeDevices, {0, 1});
  story.end(10.5, 0, Why::kLost);
  story.connect(10.6, 11.2, 0, 1);  // began before the answer: the gate may have decided before
  story.answered(11);
  story.end(11.5, 0, Why::kLost);
  story.end(11.5, 1, Why::kLost);
  story.connect(12, 13, 1, 1);
  const auto figures = story.figures();
  EXPECT_EQ(figures.acts[0].let_in, 1U);
  EXPECT_EQ(figures.acts[0].back.ended.count(), 0U);
  EXPECT_EQ(figures.acts[0].back.waiting, 2U);
}

TEST(Tally, an_act_that_failed_forbids_nothing) {
  Story story(1);
  story.provision(0, 1, 0, 1);
  story.act(10, ActKind::kRevokeDevices, {0});
  story.answered(11, false);
  story.connect(12, 13, 0, 1);
  const auto figures = story.figures();
  EXPECT_EQ(figures.acts[0].let_in, 0U);
  EXPECT_FALSE(figures.acts[0].succeeded);
  EXPECT_EQ(figures.acts[0].text, "no");
}

TEST(Tally, nobody_waits_for_a_disabled_device_until_it_is_enabled) {
  Story story(3);
  for (Device device = 0; device < 3; ++device) {
    story.provision(0, 1, device, 1);
    story.connect(1, 2, device, 1);
  }
  story.act(10, ActKind::kRevokeDevices, {0}, true);
  story.answered(10.5);
  story.end(10.5, 0, Why::kLost);
  story.act(11, ActKind::kDisableDevices, {1});
  story.answered(11.5);
  story.end(11.5, 1, Why::kLost);
  story.act(20, ActKind::kEnableDevices, {1});
  story.answered(20.5);
  story.connect(24, 25, 1, 1);
  story.over(30);
  const auto figures = story.figures();
  ASSERT_THAT(figures.acts, SizeIs(3));
  EXPECT_FALSE(figures.acts[0].expects_return);
  EXPECT_THAT(figures.acts[0].cut.percentile(1), Takes(0.5));
  EXPECT_THAT(figures.acts[0].absent, IsEmpty());
  EXPECT_FALSE(figures.acts[1].expects_return);
  EXPECT_TRUE(figures.acts[2].expects_return);
  EXPECT_THAT(figures.acts[2].back.percentile(1), Takes(5.0));  // with the certificate that it had
  EXPECT_EQ(figures.disabled, 1U);
  EXPECT_THAT(figures.absent, IsEmpty());
}

TEST(Tally, a_live_session_that_outlives_the_act_is_told) {
  Story story(1);
  story.provision(0, 1, 0, 1);
  story.connect(1, 2, 0, 1);
  story.act(10, ActKind::kRevokeDevices, {0});
  story.answered(11);
  story.over(60);
  const auto figures = story.figures();
  EXPECT_EQ(figures.acts[0].cut.waiting, 1U);
  EXPECT_EQ(figures.acts[0].cut.percentile(0.5), std::nullopt);
}

TEST(Tally, acts_that_concern_no_device_are_kept_as_moments) {
  Story story(1);
  story.act(1, ActKind::kSync, {});
  story.answered(2);
  const auto figures = story.figures();
  ASSERT_THAT(figures.acts, SizeIs(1));
  EXPECT_EQ(figures.acts[0].affected, 0U);
  EXPECT_EQ(figures.acts[0].answered, 2'000'000);
}

TEST(Tally, an_interrupted_run_is_told_up_to_there) {
  Story story(5);
  story.due(0, 0, 0);
  story.connect(0, 1, 0, 1);
  story.over(2, history::Ending::kInterrupted);
  story.end(2.5, 0, Why::kOwn);  // how devices stop is no part of the run
  const auto figures = story.figures();
  EXPECT_EQ(figures.end->why, history::Ending::kInterrupted);
  EXPECT_EQ(figures.length, 2'000'000);
  EXPECT_EQ(figures.connected, 1U);
  EXPECT_EQ(figures.not_begun, 4U);
}

TEST(Tally, a_run_that_broke_off_says_which_files_have_no_end) {
  Tally tally;
  history::RunBegun run;
  run.devices = 2;
  run.workers = 2;
  for (const std::uint32_t worker : {0U, 1U, 2U}) {
    run.worker = worker;
    tally.take({0, history::kNoDevice, run, worker});
  }
  tally.take({5'000'000, history::kNoDevice, history::RunEnded{}, 2});
  const auto figures = tally.figures();
  EXPECT_EQ(figures.files_without_end, 2U);
  EXPECT_FALSE(figures.end.has_value());
  EXPECT_EQ(figures.run.worker, 0U);
}

TEST(Tally, memory_of_the_workers_is_added_up) {
  Tally tally;
  tally.take({1, history::kNoDevice, history::Load{100, 5, 1}, 1});
  tally.take({2, history::kNoDevice, history::Load{300, 6, 1}, 2});
  tally.take({3, history::kNoDevice, history::Load{150, 9, 1}, 1});
  tally.take({4, history::kNoDevice, history::Load{10, 9, 1}, 2});
  const auto figures = tally.figures();
  EXPECT_EQ(figures.most_memory_kib, 450U);
  EXPECT_EQ(figures.cpu_ms, 18U);
}

TEST(Tally, messages_that_were_never_acknowledged_are_slower_than_all) {
  Tally tally;
  history::Telemetry telemetry;
  telemetry.sent = 10;
  telemetry.acknowledged = 9;
  telemetry.from_sent.add(1000, 9);
  tally.take({1, history::kNoDevice, telemetry});
  const auto figures = tally.figures();
  EXPECT_THAT(figures.telemetry.from_begun.percentile(0.9), Takes(0.001));
  EXPECT_EQ(figures.telemetry.from_begun.percentile(0.95), std::nullopt);
  EXPECT_TRUE(figures.telemetry.from_due.ended.empty());
}

TEST(Tally, nonsense_in_a_history_is_left_out) {
  Story story(1);
  story.connect(0, 1, 4'000'000'000U, 1);
  story.at(1e14, 0, history::Asleep{});
  story.at(2, history::ActBegun{0, ActKind::kRevokeDevices, "", "", {0, 0, 77, 4'000'000'000U}, false});
  const auto figures = story.figures();
  EXPECT_EQ(figures.connected, 0U);
  EXPECT_EQ(figures.length, 2'000'000);
  EXPECT_EQ(figures.acts[0].affected, 1U);
}

TEST(Timeline, a_long_run_has_wider_bins_and_the_same_sums) {
  Timeline timeline;
  const auto day = history::TimeUs{86'400} * 1'000'000;
  for (int i = 0; i < 10'000; ++i) {
    timeline.advance(day * i / 10'000);
    timeline.session(1, +1);
    ++timeline.now().connects;
    ++timeline.now().refusals["x"];
  }
  timeline.finish(day);
  EXPECT_LE(timeline.bins().size(), Timeline::kMostBins);
  EXPECT_GT(timeline.bins().size(), Timeline::kMostBins / 2 - 1);
  EXPECT_GE(static_cast<history::TimeUs>(timeline.bins().size()) * timeline.width(), day);
  std::uint64_t connects = 0;
  std::uint64_t refusals = 0;
  for (const auto& bin : timeline.bins()) {
    connects += bin.connects;
    if (bin.refusals.contains("x")) refusals += bin.refusals.at("x");
  }
  EXPECT_EQ(connects, 10'000U);
  EXPECT_EQ(refusals, 10'000U);
  EXPECT_EQ(timeline.bins().back().connected.at(1), 10'000U);
  const auto half = timeline.bins().size() / 2;
  EXPECT_NEAR(timeline.bins()[half].connected.at(1), 5'000.0, 50);
}

}  // namespace
}  // namespace latchkey::boards::fleet::report
