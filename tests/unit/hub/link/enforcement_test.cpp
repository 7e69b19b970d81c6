// SPDX-License-Identifier: Apache-2.0
#include "hub/link/enforcement.h"

#include "tests/unit/hub/link/world.h"

namespace latchkey::hub::link {
namespace {

using test::FakeGate;

class EnforcementTest : public test::World {
 protected:
  Enforcement enforcement(std::function<void()> fence) { return Enforcement({{feeder_.get(), std::move(fence)}}, 50); }
  int fences_ = 0;
};

TEST_F(EnforcementTest, gate_that_follows_is_not_fenced) {
  begin();
  const auto sequence = create("dev-1");
  const Enforcement patient({{feeder_.get(), [this] { ++fences_; }}}, test::kPatienceMs);
  EXPECT_TRUE(patient.wait(sequence, Progress::kApplied));
  EXPECT_TRUE(patient.wait(sequence, Progress::kCut));
  EXPECT_EQ(fences_, 0);
}

TEST_F(EnforcementTest, silent_gate_is_fenced_and_then_the_act_holds) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_acks(FakeGate::Acks::kNever);
  const auto sequence = revoke("dev-1");
  const auto outcome = enforcement([this] {
                         ++fences_;
                         feeder_->process_ended();
                       }).wait(sequence, Progress::kCut);
  EXPECT_TRUE(outcome);
  EXPECT_EQ(fences_, 1);
}

TEST_F(EnforcementTest, fresh_broker_answers_for_the_fenced_one) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_acks(FakeGate::Acks::kAppliedOnly);  // a session that cannot be cut
  const auto sequence = revoke("dev-1");
  const Enforcement patient({{feeder_.get(),
                              [this] {
                                feeder_->process_ended();
                                gate_.set_acks(FakeGate::Acks::kAtOnce);
                                feeder_->process_started();
                                feeder_->gate_up();
                                EXPECT_TRUE(feeder_->wait_clock(test::kPatienceMs)) << "it takes its snapshot";
                              }}},
                            1000);
  EXPECT_TRUE(patient.wait(sequence, Progress::kCut));
  EXPECT_EQ(gate_.snapshots(), 2);
}

TEST_F(EnforcementTest, act_is_not_confirmed_while_a_broker_lives_that_has_not_followed) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_acks(FakeGate::Acks::kNever);
  const auto sequence = revoke("dev-1");
  const auto outcome = enforcement([this] { ++fences_; }).wait(sequence, Progress::kCut);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, registry::Reason::kEnforcementTimeout);
  EXPECT_EQ(fences_, 1);
}

TEST_F(EnforcementTest, every_gate_has_to_confirm) {
  begin();
  FakeGate silent;
  Feeder second(registry_.get(), "hub", [&](const wire::Batch& batch) { return silent.take(batch); });
  silent.feeder = &second;
  silent.set_acks(FakeGate::Acks::kNever);
  second.start();
  second.process_started();
  second.gate_up();
  ASSERT_TRUE(silent.wait([](const FakeGate& gate) { return gate.snapshots() == 1; })) << "it may serve";
  const auto sequence = create("dev-1");
  ASSERT_TRUE(applied(sequence)) << "by the first gate, before its patience is measured";
  int second_fences = 0;
  const Enforcement both({{feeder_.get(), [this] { ++fences_; }}, {&second, [&] { ++second_fences; }}}, 300);
  EXPECT_FALSE(both.wait(sequence, Progress::kApplied));
  EXPECT_EQ(second_fences, 1);
  second.stop();
}

TEST_F(EnforcementTest, silent_gate_is_fenced_alone_and_uses_nobody_elses_time) {
  begin();
  FakeGate silent;
  Feeder second(registry_.get(), "hub", [&](const wire::Batch& batch) { return silent.take(batch); });
  silent.feeder = &second;
  silent.set_acks(FakeGate::Acks::kNever);
  second.start();
  second.process_started();
  second.gate_up();
  ASSERT_TRUE(silent.wait([](const FakeGate& gate) { return gate.snapshots() == 1; })) << "it may serve";
  const auto sequence = create("dev-1");
  ASSERT_TRUE(applied(sequence));
  int second_fences = 0;
  // The silent one stands first: the other has to be found ready when all the time is used up.
  const Enforcement both({{&second,
                           [&] {
                             ++second_fences;
                             second.process_ended();
                           }},
                          {feeder_.get(), [this] { ++fences_; }}},
                         200);
  EXPECT_TRUE(both.wait(sequence, Progress::kApplied));
  EXPECT_EQ(second_fences, 1);
  EXPECT_EQ(fences_, 0);
  second.stop();
}

TEST_F(EnforcementTest, clock_is_awaited_without_a_fence_while_the_gate_follows) {
  begin();
  feeder_->set_clock({60'000, 0, 1.0});
  const Enforcement patient({{feeder_.get(), [this] { ++fences_; }}}, test::kPatienceMs);
  EXPECT_TRUE(patient.wait_clock({}));
  EXPECT_EQ(fences_, 0);
}

TEST_F(EnforcementTest, gate_that_goes_on_by_the_old_clock_is_fenced) {
  begin();
  gate_.set_acks(FakeGate::Acks::kNever);
  feeder_->set_clock({60'000, 0, 1.0});
  const auto outcome = enforcement([this] {
                         ++fences_;
                         feeder_->process_ended();
                       }).wait_clock({});
  EXPECT_TRUE(outcome) << "nobody is served by the old clock any more";
  EXPECT_EQ(fences_, 1);
}

TEST_F(EnforcementTest, clock_is_not_set_while_a_broker_lives_that_goes_by_the_old_one) {
  begin();
  gate_.set_acks(FakeGate::Acks::kNever);
  feeder_->set_clock({60'000, 0, 1.0});
  const auto outcome = enforcement([this] { ++fences_; }).wait_clock({});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, registry::Reason::kEnforcementTimeout);
  EXPECT_EQ(fences_, 1);
}

TEST_F(EnforcementTest, wait_for_the_clock_ends_without_a_fence_when_the_hub_stops) {
  begin();
  gate_.set_acks(FakeGate::Acks::kNever);
  feeder_->set_clock({60'000, 0, 1.0});
  std::stop_source ending;
  ending.request_stop();
  const Enforcement patient({{feeder_.get(), [this] { ++fences_; }}}, 600'000);
  (void)patient.wait_clock(ending.get_token());
  EXPECT_EQ(fences_, 0);
}

}  // namespace
}  // namespace latchkey::hub::link
