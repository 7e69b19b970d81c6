// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/page.h"

#include <gmock/gmock.h>

#include <regex>

#include "boards/fleet/report/internal/chart.h"
#include "boards/fleet/report/internal/life.h"
#include "boards/fleet/report/internal/words.h"
#include "tests/unit/boards/fleet/report/story.h"

namespace latchkey::boards::fleet::report {
namespace {

using history::ActKind;
using history::Why;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Three devices, a policy revoke at 10 s, two of them back.
Figures rotation() {
  Story story(3);
  for (Device device = 0; device < 3; ++device) {
    story.due(0, device, 0);
    story.provision(0, 1, device, 1);
    story.connect(1, 2, device, 1);
  }
  story.act(10, ActKind::kRevokePolicy, {});
  for (Device device = 0; device < 3; ++device) story.end(10.25, device, Why::kLost);
  story.answered(10.5);
  for (Device device = 0; device < 2; ++device) {
    story.refuse(11, 12, device, 1);
    story.provision(12, 14, device, 2);
    story.connect(14, 15 + device, device, 2);
  }
  story.refuse(11, 12, 2, 1);
  story.over(20);
  return story.figures();
}

// Opening and closing tags fit each other: what a browser would otherwise guess.
void expect_well_formed(const std::string& html) {
  static const std::regex kTag("<(/?)([a-z0-9]+)[^>]*?(/?)>");
  std::vector<std::string> open;
  for (auto tag = std::sregex_iterator(html.begin(), html.end(), kTag); tag != std::sregex_iterator(); ++tag) {
    const std::string name = (*tag)[2];
    if ((*tag)[3] == "/" || name == "meta") continue;
    if ((*tag)[1] != "/") {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    ASSERT_EQ(open.back(), name) << "at " << tag->position();
    open.pop_back();
  }
  EXPECT_THAT(open, IsEmpty());
}

TEST(Page, needs_nothing_from_elsewhere_and_runs_nothing) {
  const auto page = page_of(rotation());
  for (const char* foreign : {"http:", "https:", "src=", "href=", "@import", "url(", "<script", "<link"}) {
    EXPECT_THAT(page, Not(HasSubstr(foreign)));
  }
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(page, HasSubstr("@media print"));
}

TEST(Page, is_well_formed_with_and_without_something_to_show) {
  expect_well_formed(page_of(rotation()));
  expect_well_formed(page_of(Figures{}));
  expect_well_formed(page_of(Tally().figures()));
  Story nothing(5);
  nothing.over(0);
  expect_well_formed(page_of(nothing.figures()));
}

TEST(Page, holds_no_number_that_is_none) {
  for (const auto& page : {page_of(rotation()), page_of(Tally().figures())}) {
    EXPECT_THAT(page, Not(HasSubstr("nan")));
    EXPECT_THAT(page, Not(HasSubstr("inf\"")));
  }
}

TEST(Page, shows_what_others_wrote_as_text_and_not_as_html) {
  Tally tally;
  history::RunBegun run;
  run.scenario = "<script>alert(1)</script>";
  run.prefix = "<b>";
  run.devices = 2;
  tally.take({0, history::kNoDevice, run});
  tally.take({1, 0, history::Connecting{history::Service::kDps, 0}});
  tally.take({2, history::kNoDevice, history::ActBegun{0, ActKind::kRevokePolicy, "<i>", "\"><img>", {}, false}});
  tally.take({3, history::kNoDevice, history::ActAnswered{0, false, "<u>no</u>"}});
  tally.take({4, history::kNoDevice, history::RunEnded{history::Ending::kFailed, "<s>"}});
  const auto page = page_of(tally.figures());
  for (const char* raw : {"<script>alert", "<b>000001", "<i>", "<img>", "<u>no", "<s>"})
    EXPECT_THAT(page, Not(HasSubstr(raw)));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;000001"));
  expect_well_formed(page);
}

TEST(Page, names_the_devices_that_are_not_back_and_why) {
  EXPECT_THAT(page_of(rotation()),
              HasSubstr("<td>d-000003</td><td>waits for its next try; last: CONNACK 5, not authorised</td>"));
}

TEST(Page, says_how_many_more_there_are_than_it_lists) {
  Story story(2000);
  for (Device device = 0; device < 2000; ++device) story.due(0, device, 0);
  story.over(1);
  const auto page = page_of(story.figures());
  EXPECT_THAT(page, HasSubstr("and 1,990 more"));
  EXPECT_THAT(page, HasSubstr("report.json names them all"));
  EXPECT_THAT(page, HasSubstr("d-001000"));
  EXPECT_THAT(page, Not(HasSubstr("d-001001")));
}

TEST(Summary, tells_a_rotation_in_three_sentences) {
  EXPECT_THAT(
      summary_of(rotation()),
      ElementsAre("The policy revoke at 0:10.0 cut all 3 sessions within 250 ms; 2 of 3 devices came back, the last of "
                  "them after 6.00 s; 1 did not.",
                  "No revoked certificate was let in again.", "In the end 2 devices are connected, and 1 missing."));
}

TEST(Summary, tells_of_a_revoked_certificate_that_was_let_in) {
  Story story(1);
  story.provision(0, 1, 0, 1);
  story.connect(1, 2, 0, 1);
  story.act(10, ActKind::kRevokeDevices, {0});
  story.end(10.5, 0, Why::kLost);
  story.answered(11);
  story.connect(12, 13, 0, 1);
  const auto figures = story.figures();
  EXPECT_THAT(summary_of(figures), testing::Contains(HasSubstr("1 device got in with a revoked certificate")));
  EXPECT_THAT(page_of(figures), HasSubstr("<b>1 device got in with what was revoked"));
}

TEST(Summary, of_a_history_with_holes_claims_no_more_than_it_holds) {
  auto figures = rotation();
  figures.damages.push_back({"history-001.jsonl", 9, "torn last line"});
  EXPECT_THAT(summary_of(figures),
              testing::Contains("No revoked certificate was let in again, as far as the histories go."));
}

TEST(Summary, tells_of_sessions_that_outlived_the_revoke) {
  Story story(1);
  story.provision(0, 1, 0, 1);
  story.connect(1, 2, 0, 1);
  story.act(10, ActKind::kRevokeDevices, {0}, true);
  story.answered(11);
  story.over(20);
  EXPECT_THAT(summary_of(story.figures()), testing::Contains(HasSubstr("left 1 session of 1 alive")));
}

TEST(Summary, tells_of_an_act_that_was_refused) {
  Story story(1);
  story.act(1, ActKind::kRevokePolicy, {});
  story.answered(2, false);
  EXPECT_THAT(summary_of(story.figures()), testing::Contains("The policy revoke at 0:01.0 was refused: no"));
}

TEST(Warnings, a_whole_run_has_none) { EXPECT_THAT(warnings_of(rotation()), IsEmpty()); }

TEST(Warnings, tell_of_runs_that_did_not_end_well) {
  Story stopped(1);
  stopped.over(62.5, history::Ending::kInterrupted);
  EXPECT_THAT(warnings_of(stopped.figures()), ElementsAre("The run was stopped by hand at 1:02.5."));
  Story torn(1);
  torn.due(5, 0, 5);
  EXPECT_THAT(warnings_of(torn.figures()), ElementsAre(HasSubstr("The run broke off")));
  EXPECT_THAT(warnings_of(Tally().figures()), ElementsAre("The histories hold no records."));
  auto figures = rotation();
  figures.files_without_end = 1;
  figures.damages.assign(7, {"history-001.jsonl", 9, "torn last line"});
  const auto warnings = warnings_of(figures);
  EXPECT_EQ(warnings.front(), "1 worker broke off: of these devices the rest of the run is missing.");
  EXPECT_EQ(warnings[1], "history-001.jsonl, line 9: torn last line.");
  EXPECT_EQ(warnings.back(), "2 more lines could not be read.");
}

TEST(Words, are_what_people_read) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(duration_text(999), "999 µs");
  EXPECT_EQ(duration_text(1'234), "1.23 ms");
  EXPECT_EQ(duration_text(12'340), "12.3 ms");
  EXPECT_EQ(duration_text(340'000), "340 ms");
  EXPECT_EQ(duration_text(72'340'000), "72.3 s");
  EXPECT_EQ(duration_text(245'000'000), "4 min 5 s");
  EXPECT_EQ(duration_text(TimeUs{7500} * 1'000'000), "2 h 5 min");
  EXPECT_EQ(duration_text(std::nullopt), "not reached");
  EXPECT_EQ(moment_text(62'500'000), "1:02.5");
  EXPECT_EQ(moment_text(TimeUs{3'661} * 1'000'000), "1:01:01");
  EXPECT_EQ(explained("dps 429001"), "DPS 429001, too many requests");
  EXPECT_EQ(explained("dps 200"), "DPS, disabled");
  EXPECT_EQ(explained("connack 9"), "CONNACK 9");
  EXPECT_EQ(explained("tls alert 46"), "TLS alert 46");
  EXPECT_EQ(explained("renewal 409005"), "renewal 409005, conflict");
}

TEST(Axis, names_round_numbers_and_covers_the_values) {
  const auto texts = [](const Axis& axis) {
    std::vector<std::string> result;
    for (const auto& tick : axis.ticks) {
      if (!tick.text.empty()) result.push_back(tick.text);
    }
    return result;
  };
  EXPECT_THAT(texts(count_axis(5000, "")), ElementsAre("0", "1,000", "2,000", "3,000", "4,000", "5,000"));
  EXPECT_THAT(texts(count_axis(1, "")), ElementsAre("0", "1"));
  EXPECT_THAT(texts(count_axis(0, "")), ElementsAre("0", "1"));
  EXPECT_THAT(texts(time_axis(60, "")), ElementsAre("0 s", "5 s", "10 s", "15 s", "20 s", "25 s", "30 s", "35 s",
                                                    "40 s", "45 s", "50 s", "55 s", "60 s"));
  EXPECT_THAT(texts(time_axis(150, "")), testing::Contains("1:30"));
  EXPECT_THAT(texts(time_axis(1800, "")), testing::Contains("10 min"));
  EXPECT_THAT(texts(duration_axis(0.02, 3, "")), ElementsAre("10 ms", "100 ms", "1 s"));
  EXPECT_NEAR(duration_axis(0.02, 3, "").high, 5, 1e-9);
  EXPECT_NEAR(duration_axis(0.02, 0.03, "").high, 0.1, 1e-9);  // a decade at the least
  EXPECT_NEAR(duration_axis(0.02, 167, "").high, 200, 1e-9);
  for (const double most : {0.5, 7.0, 99.0, 101.0, 12345.0, 1e6}) EXPECT_GE(count_axis(most, "").high, most);
}

}  // namespace
}  // namespace latchkey::boards::fleet::report
