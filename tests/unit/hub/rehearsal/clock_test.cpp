// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/clock.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.h"

namespace latchkey::hub::rehearsal {
namespace {

using nlohmann::json;
using registry::Reason;

constexpr UnixMs kReal = 1'900'000'000'000;

class ClockTest : public testing::Test {
 protected:
  UnixMs now(const registry::Outcome<json>& shown) {
    EXPECT_TRUE(shown) << (shown ? "" : shown.error().detail);
    return shown ? shown->value("nowMs", UnixMs{0}) : 0;
  }
  void expect_refused(const registry::Outcome<json>& outcome, Reason reason) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().reason, reason) << outcome.error().detail;
    EXPECT_EQ(settled, 0) << "nothing has changed";
  }

  tests::MemoryFolder folder;
  UnixMs real = kReal;
  int settled = 0;
  Clock clock{{folder.path() / "clock.json", [this] { return real; },
               [this](const posix::RehearsalDocument&) {
                 ++settled;
                 return registry::Outcome<registry::Nothing>(registry::Nothing{});
               }}};
};

TEST_F(ClockTest, without_a_document_it_is_real_time) { EXPECT_EQ(now(clock.show()), kReal); }

TEST_F(ClockTest, advancing_adds_up_and_waits_for_those_who_go_by_it) {
  EXPECT_EQ(now(clock.advance(R"({"seconds": 3600})")), kReal + 3'600'000);
  EXPECT_EQ(now(clock.advance(R"({"seconds": 0.5})")), kReal + 3'600'500);
  EXPECT_EQ(settled, 2);
}

TEST_F(ClockTest, setting_a_time_or_an_offset_is_the_same_clock) {
  EXPECT_EQ(now(clock.set(R"({"now": "2030-03-18T00:00:00.250Z"})")), 1'900'022'400'250);
  EXPECT_EQ(now(clock.set(R"({"offset": 86400})")), kReal + 86'400'000);
}

TEST_F(ClockTest, another_rate_goes_on_from_where_time_is) {
  ASSERT_TRUE(clock.advance(R"({"seconds": 60})"));
  EXPECT_EQ(now(clock.set(R"({"rate": 10})")), kReal + 60'000);
  real += 1'000;
  EXPECT_EQ(now(clock.show()), kReal + 70'000);
  EXPECT_EQ(now(clock.set(R"({"rate": 1})")), kReal + 70'000);
  real += 1'000;
  EXPECT_EQ(now(clock.show()), kReal + 71'000);
}

TEST_F(ClockTest, time_goes_back_only_for_those_who_say_so) {
  expect_refused(clock.advance(R"({"seconds": -1})"), Reason::kPreconditionFailed);
  expect_refused(clock.set(R"({"offset": -1})"), Reason::kPreconditionFailed);
  expect_refused(clock.set(R"({"now": "2020-01-01T00:00:00Z"})"), Reason::kPreconditionFailed);
  EXPECT_EQ(now(clock.advance(R"({"seconds": -1, "backwards": true})")), kReal - 1'000);
}

TEST_F(ClockTest, what_it_cannot_read_it_refuses) {
  for (const char* body : {"[]", "{", R"({"seconds": "1"})", "{}", R"({"seconds": 1e300})", R"({"second": 1})"}) {
    expect_refused(clock.advance(body), Reason::kMalformedRequest);
  }
  for (const char* body : {R"({"now": "tomorrow"})", R"({"now": "2030-03-18T00:00:00"})", R"({"rate": -1})",
                           R"({"now": "2030-03-18T00:00:00Z", "offset": 1})", R"({"offset": "1"})",
                           R"({"backwards": 1})", R"({"now": "2030-03-18T00:00:00.2Z"})"}) {
    expect_refused(clock.set(body), Reason::kMalformedRequest);
  }
}

}  // namespace
}  // namespace latchkey::hub::rehearsal
