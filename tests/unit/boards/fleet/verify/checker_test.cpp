// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/verify/checker.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include "boards/fleet/history/writer.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::verify {
namespace {

using history::ActKind;
using history::Device;
using history::Ending;
using history::Service;
using history::Why;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

history::RunBegun run_of(std::uint32_t worker) {
  history::RunBegun run;
  run.devices = 3;
  run.prefix = "d-";
  run.worker = worker;
  return run;
}

// A run that is made up by hand, times in seconds.
class MadeUpRun {
 public:
  MadeUpRun() { at(0, history::kNoDevice, run_of(0)); }

  void at(double seconds, Device device, const history::Body& body) {
    checker_.take({std::llround(seconds * 1e6), device, body, 0, ++line_});
  }
  void at(double seconds, const history::Body& body) { at(seconds, history::kNoDevice, body); }
  // A first certificate by DPS, and a session with it.
  void arrive(double seconds, Device device) {
    at(seconds, device, history::Due{history::Cause::kArrival, 0});
    provision(seconds, device, 1);
    connect(seconds + 0.2, device, 1);
  }
  void provision(double seconds, Device device, std::uint32_t generation) {
    at(seconds, device, history::Connecting{Service::kDps, 0});
    at(seconds, device, history::Connected{Service::kDps, 0});
    at(seconds, device, history::Stored{generation, std::to_string(++serial_), "ca", 0, false});
    at(seconds, device, history::Ended{Service::kDps, true, Why::kOwn, 0});
  }
  void connect(double seconds, Device device, std::uint32_t generation) {
    at(seconds, device, history::Connecting{Service::kHub, generation});
    at(seconds, device, history::Connected{Service::kHub, generation});
  }
  void refuse(double seconds, Device device, std::uint32_t generation) {
    at(seconds, device, history::Connecting{Service::kHub, generation});
    at(seconds, device, history::Refused{Service::kHub, history::RefusedBy::kConnack, 5, ""});
    at(seconds, device, history::Ended{Service::kHub, false, Why::kRefused, 5});
  }
  void end(double seconds, Device device, Why why) { at(seconds, device, history::Ended{Service::kHub, true, why, 0}); }
  void act(double seconds, ActKind kind, std::vector<Device> devices = {}, bool disable = false) {
    at(seconds, history::ActBegun{acts_, kind, "", "", std::move(devices), disable});
  }
  void answered(double seconds, bool succeeded = true) { at(seconds, history::ActAnswered{acts_++, succeeded, ""}); }
  void network(double seconds, bool gone) { at(seconds, history::Fault{history::FaultKind::kNetworkCut, gone, 0}); }
  Verdict over(double seconds = 60, Ending why = Ending::kTimeUp) {
    at(seconds, history::RunEnded{why, ""});
    return checker_.finish();
  }

 private:
  Checker checker_;
  std::uint64_t line_ = 0;
  std::uint32_t acts_ = 0;
  int serial_ = 0;
};

MATCHER_P3(Breaks, rule, device, seconds, "") {
  return arg.rule == rule && arg.device == static_cast<Device>(device) && arg.time == std::llround(seconds * 1e6);
}

// Everything that may befall a fleet, and a hub that keeps its word.
TEST(Checker, a_clean_run_has_no_violation) {
  MadeUpRun run;
  for (Device device = 0; device < 3; ++device) run.arrive(1 + device, device);
  run.act(10, ActKind::kRevokeDevices, {0});
  run.end(10.1, 0, Why::kLost);
  run.answered(10.2);
  run.refuse(10.5, 0, 1);
  run.provision(11, 0, 2);
  run.connect(12, 0, 2);
  run.act(15, ActKind::kRevokeDevices, {1}, true);
  run.end(15.1, 1, Why::kLost);
  run.answered(15.2);
  run.refuse(15.5, 1, 1);
  run.end(20, 2, Why::kCut);
  run.network(20.8, true);  // the parent tells of it a little later
  run.network(25, false);
  run.connect(26, 2, 1);
  run.end(30, 2, Why::kOwn);
  run.at(30, 2, history::Asleep{40'000'000});
  const auto verdict = run.over();
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_EQ(verdict.violated(), 0u);
  EXPECT_THAT(verdict.notes, IsEmpty());
  EXPECT_THAT(text_of(verdict), EndsWith("of 3 devices: every rule was kept\n"));
}

TEST(Checker, condemned_certificate_that_is_let_in_is_found) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.act(10, ActKind::kRevokePolicy);
  run.end(10.1, 0, Why::kLost);
  run.answered(10.2);
  run.connect(11, 0, 1);
  EXPECT_THAT(run.over().violations, ElementsAre(Breaks(Rule::kLetIn, 0, 11.0)));
}

TEST(Checker, attempt_under_way_when_the_act_is_answered_is_not_let_in) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.act(10, ActKind::kRevokeDevices, {0});
  run.end(10.1, 0, Why::kLost);
  run.at(10.1, 0, history::Connecting{Service::kHub, 1});
  run.answered(10.2);
  run.at(10.3, 0, history::Connected{Service::kHub, 1});
  run.end(10.4, 0, Why::kLost);
  run.provision(11, 0, 2);
  run.connect(12, 0, 2);
  EXPECT_THAT(run.over().violations, IsEmpty());
}

TEST(Checker, act_that_was_refused_condemns_nothing) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.act(10, ActKind::kRevokeDevices, {0});
  run.answered(10.2, false);
  run.end(11, 0, Why::kOwn);
  run.connect(12, 0, 1);
  EXPECT_THAT(run.over().violations, IsEmpty());
}

TEST(Checker, disabled_device_that_is_let_in_is_found_and_an_enabled_one_is_not) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.arrive(2, 1);
  run.act(10, ActKind::kDisableDevices, {0, 1});
  run.end(10.1, 0, Why::kLost);
  run.end(10.1, 1, Why::kLost);
  run.answered(10.2);
  run.connect(11, 0, 1);
  run.act(12, ActKind::kEnableDevices, {1});
  run.answered(12.1);
  run.connect(13, 1, 1);
  EXPECT_THAT(run.over().violations, ElementsAre(Breaks(Rule::kLetIn, 0, 11.0)));
}

TEST(Checker, session_that_is_lost_unasked_is_found) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.arrive(2, 1);
  run.act(10, ActKind::kRevokeDevices, {1});
  run.end(10.1, 0, Why::kLost);  // the other one was meant
  run.end(10.1, 1, Why::kLost);
  run.answered(10.2);
  run.connect(11, 0, 1);
  run.provision(11, 1, 2);
  run.connect(12, 1, 2);
  EXPECT_THAT(run.over().violations, ElementsAre(Breaks(Rule::kLost, 0, 10.1)));
}

TEST(Checker, new_session_that_is_lost_long_after_an_act_is_found) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.act(10, ActKind::kRevokeDevices, {0});
  run.end(10.1, 0, Why::kLost);
  run.answered(10.2);
  run.provision(11, 0, 2);
  run.connect(12, 0, 2);
  run.end(12.5, 0, Why::kLost);
  run.connect(13, 0, 2);
  EXPECT_THAT(run.over().violations, ElementsAre(Breaks(Rule::kLost, 0, 12.5)));
}

TEST(Checker, session_of_a_certificate_issued_during_the_act_may_be_cut) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.act(10, ActKind::kRevokePolicy);
  run.arrive(10.1, 1);
  run.end(10.4, 1, Why::kLost);
  run.end(10.4, 0, Why::kLost);
  run.answered(10.5);
  for (const Device device : {0, 1}) {
    run.provision(11, device, 2);
    run.connect(12, device, 2);
  }
  EXPECT_THAT(run.over().violations, IsEmpty());
}

TEST(Checker, session_that_is_lost_while_the_hub_is_faulty_was_asked_for) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.act(5, ActKind::kSetFaults);
  run.answered(5.1);
  run.end(6, 0, Why::kLost);
  run.connect(7, 0, 1);
  run.act(8, ActKind::kClearFaults);
  run.answered(8.1);
  run.end(30, 0, Why::kLost);
  run.connect(31, 0, 1);
  EXPECT_THAT(run.over().violations, ElementsAre(Breaks(Rule::kLost, 0, 30.0)));
}

TEST(Checker, session_cut_off_by_a_network_that_was_there_is_found) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.end(5, 0, Why::kCut);
  run.connect(6, 0, 1);
  run.network(30, true);
  run.network(31, false);
  EXPECT_THAT(run.over().violations, ElementsAre(Breaks(Rule::kLost, 0, 5.0)));
}

TEST(Checker, device_that_is_missing_in_the_end_is_found) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.end(20, 0, Why::kOwn);
  run.refuse(21, 0, 1);
  run.arrive(2, 1);
  run.end(55, 1, Why::kOwn);  // still on its way
  const auto verdict = run.over();
  EXPECT_THAT(verdict.violations, ElementsAre(Breaks(Rule::kNotBack, 0, 60.0)));
}

TEST(Checker, who_cannot_come_back_is_not_missed) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.at(5, 0, history::Fault{history::FaultKind::kCredentialLost, true, 0});
  run.arrive(2, 1);
  run.arrive(3, 2);
  run.act(10, ActKind::kRevokeDevices, {0});
  run.end(10.1, 0, Why::kLost);
  run.answered(10.2);
  run.act(15, ActKind::kDisableDevices, {1});
  run.end(15.1, 1, Why::kLost);
  run.answered(15.2);
  run.end(20, 2, Why::kCut);
  run.network(20, true);
  EXPECT_THAT(run.over().violations, IsEmpty());
}

TEST(Checker, clock_that_is_behind_excuses_only_who_holds_no_certificate) {
  MadeUpRun run;
  for (const Device device : {0, 1}) run.at(0, device, history::Fault{history::FaultKind::kClockSkew, true, -900'000});
  run.at(1, 0, history::Due{history::Cause::kArrival, 0});
  run.arrive(2, 1);
  run.end(20, 1, Why::kOwn);
  EXPECT_THAT(run.over().violations, ElementsAre(Breaks(Rule::kNotBack, 1, 60.0)));
}

TEST(Checker, who_is_missing_in_a_run_that_was_broken_off_is_not_judged) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.end(20, 0, Why::kOwn);
  const auto verdict = run.over(60, Ending::kInterrupted);
  EXPECT_THAT(verdict.violations, IsEmpty());
  EXPECT_THAT(verdict.notes, ElementsAre(HasSubstr("not judged")));
}

TEST(Checker, serial_number_of_two_certificates_is_found) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.arrive(2, 1);
  run.at(3, 1, history::Stored{2, "1", "ca", 0, true});  // device 0's
  const auto verdict = run.over();
  ASSERT_THAT(verdict.violations, ElementsAre(Breaks(Rule::kSerial, 1, 3.0)));
  EXPECT_THAT(verdict.violations[0].text, HasSubstr("d-000001"));
}

TEST(Checker, generation_that_goes_back_is_found) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.provision(5, 0, 2);
  run.end(6, 0, Why::kOwn);
  run.connect(6, 0, 2);
  run.end(7, 0, Why::kOwn);
  run.connect(8, 0, 1);
  run.arrive(9, 1);
  run.at(10, 1, history::Stored{1, "99", "ca", 0, true});
  EXPECT_THAT(run.over().violations,
              ElementsAre(Breaks(Rule::kGeneration, 0, 8.0), Breaks(Rule::kGeneration, 1, 10.0)));
}

TEST(Checker, falling_back_from_a_certificate_that_was_never_accepted_is_no_step_back) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.at(5, 0, history::Stored{2, "99", "ca", 0, true});
  run.end(6, 0, Why::kOwn);
  run.refuse(6, 0, 2);
  run.connect(7, 0, 1);
  EXPECT_THAT(run.over().violations, IsEmpty());
}

TEST(Checker, connection_without_exactly_one_end_is_found) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.connect(5, 0, 1);  // the one before has no end
  run.arrive(2, 1);
  run.end(6, 1, Why::kOwn);
  run.end(7, 1, Why::kOwn);  // a second one
  run.at(8, 1, history::Connected{Service::kHub, 1});
  EXPECT_THAT(run.over().violations, ElementsAre(Breaks(Rule::kPairing, 0, 5.0), Breaks(Rule::kPairing, 1, 7.0),
                                                 Breaks(Rule::kPairing, 1, 8.0)));
}

TEST(Checker, what_happens_after_the_end_is_no_part_of_the_run) {
  MadeUpRun run;
  run.arrive(1, 0);
  run.at(10, history::RunEnded{Ending::kAllBack, ""});
  run.end(11, 0, Why::kLost);
  EXPECT_THAT(run.over(12).violations, IsEmpty());
}

TEST(Checker, violations_beyond_a_thousand_are_counted) {
  MadeUpRun run;
  for (int i = 0; i < 1'200; ++i) run.at(1, 0, history::Stored{static_cast<std::uint32_t>(i) + 1, "7", "ca", 0, true});
  const auto verdict = run.over();
  EXPECT_THAT(verdict.violations, SizeIs(1'000));
  EXPECT_EQ(verdict.violated(), 1'199u);
  EXPECT_THAT(text_of(verdict), HasSubstr("and 199 more"));
}

TEST(Checker, each_violation_names_the_line_that_shows_it) {
  const tests::MemoryFolder folder;
  {
    auto parent = history::Writer::create(history::file_of(folder.path(), 0), run_of(0));
    auto worker = history::Writer::create(history::file_of(folder.path(), 1), run_of(1));
    worker->write(1'000'000, 2, history::Stored{1, "0a", "ca", 0, false});
    worker->write(2'500'000, 2, history::Stored{1, "0b", "ca", 0, false});
    worker->write(3'000'000, history::RunEnded{Ending::kTimeUp, ""});
    parent->write(3'000'000, history::RunEnded{Ending::kTimeUp, ""});
  }
  auto reader = history::Reader::open(folder.path());
  ASSERT_TRUE(reader);
  const auto verdict = verdict_of(*reader);
  ASSERT_THAT(verdict.violations, ElementsAre(Breaks(Rule::kGeneration, 2, 2.5)));
  EXPECT_EQ(verdict.violations[0].place, "history-001.jsonl:3");
  EXPECT_THAT(text_of(verdict), HasSubstr("generation: d-000003 at 0:02.500: stored generation 1 after generation 1\n"
                                          "  history-001.jsonl:3: {\"k\":\"stored\",\"t\":2500000,\"d\":2,"));
  EXPECT_THAT(text_of(verdict), EndsWith(": 1 violation (generation 1)\n"));
}

TEST(Checker, line_that_cannot_be_read_is_a_violation_and_a_torn_last_one_is_not) {
  const tests::MemoryFolder folder;
  { auto parent = history::Writer::create(history::file_of(folder.path(), 0), run_of(0)); }
  std::ofstream(history::file_of(folder.path(), 0), std::ios::app) << "{\"k\":\"surprise\"}\n{\"k\":\"en";
  auto reader = history::Reader::open(folder.path());
  ASSERT_TRUE(reader);
  const auto verdict = verdict_of(*reader);
  ASSERT_THAT(verdict.violations, SizeIs(1));
  EXPECT_EQ(verdict.violations[0].rule, Rule::kHistory);
  EXPECT_EQ(verdict.violations[0].place, "history-000.jsonl:2");
  EXPECT_THAT(verdict.notes, testing::Contains(HasSubstr("history-000.jsonl:3")));
}

}  // namespace
}  // namespace latchkey::boards::fleet::verify
