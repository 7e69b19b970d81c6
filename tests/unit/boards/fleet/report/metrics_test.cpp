// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/metrics.h"

#include <gmock/gmock.h>

#include <regex>
#include <sstream>

#include "tests/unit/boards/fleet/report/story.h"

namespace latchkey::boards::fleet::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, are_the_same_numbers_as_the_reports) {
  Story story(3);
  for (Device device = 0; device < 3; ++device) story.due(0, device, 0);
  for (Device device = 0; device < 2; ++device) {
    story.provision(3.0 * device, 3.0 * device + 1, device, 1);
    story.connect(3.0 * device + 1, 3.0 * device + 2, device, 1);
  }
  story.act(10, history::ActKind::kRevokeDevices, {0});
  story.end(10.5, 0, history::Why::kLost);
  story.refuse(11, 12, 0, 1);
  const auto text = metrics_of(story.figures());
  for (const char* line :
       {"latchkey_fleet_devices 3\n", "latchkey_fleet_sessions{generation=\"1\"} 1\n", "latchkey_fleet_absent 2\n",
        "latchkey_fleet_connects_total 2\n", "latchkey_fleet_certificates_total{how=\"provisioned\"} 2\n",
        "latchkey_fleet_refusals_total{reason=\"connack 5\"} 1\n", "latchkey_fleet_failures_total{reason=\"lost\"} 1\n",
        "latchkey_fleet_latency_seconds{what=\"connect\",from=\"begun\",quantile=\"0.5\"} 1.000000\n",
        "latchkey_fleet_latency_seconds{what=\"connect\",from=\"due\",quantile=\"0.999\"} +Inf\n",
        "latchkey_fleet_latency_seconds_count{what=\"connect\",from=\"due\"} 4\n",
        "latchkey_fleet_act_devices{act=\"0\",kind=\"revokeDevices\",state=\"cut\"} 1\n",
        "latchkey_fleet_run_seconds 12.000000\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Metrics, every_line_has_the_form_that_scrapers_read) {
  Story story(1);
  story.due(0, 0, 0);
  story.refuse(0, 1, 0, 1);
  std::istringstream lines(metrics_of(story.figures()));
  const std::regex form(R"re(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z]+="[^"\\]*",?)+\})? (\+Inf|[0-9.]+))re");
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(std::regex_match(line, form)) << line;
}

TEST(Metrics, of_an_empty_run_have_no_latencies) {
  const auto text = metrics_of(Tally().figures());
  EXPECT_THAT(text, HasSubstr("latchkey_fleet_devices 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("quantile")));
}

TEST(Metrics, figures_can_be_asked_for_while_records_come) {
  Story story(2);
  story.connect(0, 1, 0, 1);
  EXPECT_THAT(metrics_of(story.figures()), HasSubstr("latchkey_fleet_connects_total 1\n"));
  story.connect(2, 3, 1, 1);
  EXPECT_THAT(metrics_of(story.figures()), HasSubstr("latchkey_fleet_connects_total 2\n"));
  EXPECT_THAT(metrics_of(story.figures()), HasSubstr("latchkey_fleet_sessions{generation=\"1\"} 2\n"));
}

}  // namespace
}  // namespace latchkey::boards::fleet::report
