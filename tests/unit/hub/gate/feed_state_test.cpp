// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/feed_state.h"

#include <gtest/gtest.h>

#include "registry/table/verdict.h"
#include "tests/unit/hub/gate/certificates.h"

namespace latchkey::hub::gate {
namespace {

using test::id_of;
using Outcome = FeedState::Outcome;

wire::DeviceRecord record(const std::string& id, std::uint8_t credential, bool enabled = true) {
  return {id, id_of<Uuid>(1), id_of<CredentialId>(credential), enabled, 0};
}

class Feed : public ::testing::Test {
 protected:
  Outcome apply(std::uint64_t generation, std::uint64_t number, bool end, std::vector<wire::FeedChange> changes = {},
                std::uint64_t lease_end_ms = wire::kEndless) {
    touched = {};
    return feed.apply({generation, number, end, lease_end_ms, std::move(changes)}, touched);
  }
  bool current(const std::string& id, std::uint8_t credential) const {
    return registry::check(feed.table(), id, {id_of<Uuid>(1), id_of<CredentialId>(credential)}).good();
  }

  FeedState feed;
  FeedState::Touched touched;
  std::uint64_t now = 1'000;
};

TEST_F(Feed, is_ready_when_the_snapshot_is_whole) {
  EXPECT_FALSE(feed.ready(now));
  EXPECT_EQ(apply(5, 1, false, {record("a", 1)}), Outcome::kStaged);
  EXPECT_FALSE(feed.ready(now));
  EXPECT_EQ(feed.staged(5), 1u);
  EXPECT_EQ(feed.applied(), 0u);
  EXPECT_EQ(apply(5, 2, true, {record("b", 2)}), Outcome::kReplaced);
  EXPECT_TRUE(feed.ready(now));
  EXPECT_EQ(feed.applied(), 2u);
  EXPECT_EQ(feed.staged(5), 0u);
  EXPECT_TRUE(current("a", 1));
  EXPECT_TRUE(current("b", 2));
}

TEST_F(Feed, increments_say_what_they_touch) {
  const X509Ptr ca = test::make_certificate({"ca"});
  apply(5, 1, true, {record("a", 1), wire::AnchorAdded{id_of<Uuid>(9), test::der_of(ca.get())}});
  EXPECT_EQ(apply(5, 2, false,
                  {record("a", 2), wire::DeviceGone{"b"}, wire::AnchorGone{id_of<Uuid>(9)},
                   wire::AnchorGone{id_of<Uuid>(8)}}),
            Outcome::kApplied);
  EXPECT_EQ(touched.devices, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(touched.issuers, (std::vector<Uuid>{id_of<Uuid>(9)}));
  EXPECT_TRUE(current("a", 2));
  EXPECT_FALSE(current("a", 1));
}

TEST_F(Feed, the_same_anchor_again_touches_nobody_but_another_of_that_name_does) {
  const X509Ptr one = test::make_certificate({"ca"});
  const X509Ptr two = test::make_certificate({"ca"});
  apply(5, 1, true, {wire::AnchorAdded{id_of<Uuid>(9), test::der_of(one.get())}});
  apply(5, 2, false, {wire::AnchorAdded{id_of<Uuid>(9), test::der_of(one.get())}});
  EXPECT_TRUE(touched.issuers.empty());
  apply(5, 3, false, {wire::AnchorAdded{id_of<Uuid>(9), test::der_of(two.get())}});
  EXPECT_EQ(touched.issuers.size(), 1u);
}

TEST_F(Feed, a_gap_is_noticed_wherever_it_is) {
  EXPECT_EQ(apply(5, 2, true), Outcome::kNeedSnapshot);  // nothing before
  apply(5, 1, true);
  ASSERT_TRUE(feed.ready(now));
  EXPECT_EQ(apply(5, 3, false), Outcome::kNeedSnapshot);  // within increments
  EXPECT_FALSE(feed.ready(now));
  EXPECT_EQ(apply(5, 2, false), Outcome::kNeedSnapshot);  // what comes late does not mend it
  apply(6, 1, false);
  EXPECT_EQ(apply(6, 3, false), Outcome::kNeedSnapshot);  // within a snapshot
  EXPECT_EQ(apply(6, 2, true), Outcome::kNeedSnapshot);
  EXPECT_FALSE(feed.ready(now));
  EXPECT_EQ(apply(7, 1, true), Outcome::kReplaced);
  EXPECT_TRUE(feed.ready(now));
}

TEST_F(Feed, an_unknown_generation_needs_a_snapshot) {
  apply(5, 1, true);
  EXPECT_EQ(apply(6, 2, false), Outcome::kNeedSnapshot);
  EXPECT_FALSE(feed.ready(now));
}

TEST_F(Feed, a_repeated_batch_changes_nothing) {
  apply(5, 1, true, {record("a", 1)});
  apply(5, 2, false, {record("a", 2)});
  EXPECT_EQ(apply(5, 2, false, {record("a", 3)}), Outcome::kRepeated);
  EXPECT_EQ(apply(5, 1, true, {record("a", 3)}), Outcome::kRepeated);
  EXPECT_TRUE(current("a", 2));
  apply(6, 1, false, {record("a", 4)});
  EXPECT_EQ(apply(6, 1, false, {record("a", 5)}), Outcome::kRepeated);
  EXPECT_EQ(feed.staged(6), 1u);
}

TEST_F(Feed, the_old_state_stays_in_force_while_a_snapshot_comes_in) {
  apply(5, 1, true, {record("a", 1), record("gone", 1)});
  EXPECT_EQ(apply(6, 1, false, {record("a", 2)}), Outcome::kStaged);
  EXPECT_TRUE(feed.ready(now));
  EXPECT_TRUE(current("a", 1));
  EXPECT_EQ(feed.generation(), 5u);
  EXPECT_EQ(apply(6, 2, true), Outcome::kReplaced);
  EXPECT_TRUE(current("a", 2));
  EXPECT_FALSE(current("gone", 1));
  EXPECT_EQ(feed.generation(), 6u);
  EXPECT_EQ(feed.applied(), 2u);
}

TEST_F(Feed, a_newer_snapshot_replaces_one_that_is_not_whole) {
  apply(5, 1, false, {record("a", 1)});
  apply(6, 1, false, {record("b", 1)});
  EXPECT_EQ(apply(6, 2, true), Outcome::kReplaced);
  EXPECT_FALSE(current("a", 1));
  EXPECT_TRUE(current("b", 1));
}

TEST_F(Feed, an_anchor_that_is_no_certificate_needs_a_snapshot) {
  apply(5, 1, true);
  EXPECT_EQ(apply(5, 2, false, {wire::AnchorAdded{id_of<Uuid>(9), {1, 2, 3}}}), Outcome::kNeedSnapshot);
  EXPECT_FALSE(feed.ready(now));
}

TEST_F(Feed, a_lease_ends_and_is_renewed) {
  apply(5, 1, true, {}, 1'500);
  EXPECT_TRUE(feed.ready(1'499));
  EXPECT_FALSE(feed.ready(1'500));
  EXPECT_TRUE(feed.lease_ended(1'500));
  apply(5, 2, false, {}, 1'900);
  EXPECT_TRUE(feed.ready(1'899));
  apply(5, 3, false, {}, wire::kEndless);
  EXPECT_TRUE(feed.ready(1'000'000));
}

TEST_F(Feed, a_batch_that_was_held_up_lengthens_no_lease) {
  apply(5, 1, true, {}, 1'500);
  EXPECT_EQ(apply(5, 2, false, {record("a", 1)}, 1'400), Outcome::kApplied);  // comes at 1,450
  EXPECT_TRUE(feed.lease_ended(1'450));
  EXPECT_FALSE(feed.ready(1'450));
}

TEST_F(Feed, a_batch_that_says_nothing_of_the_lease_leaves_it) {
  apply(5, 1, true, {}, 1'500);
  apply(5, 2, false, {record("a", 1)}, 0);
  EXPECT_TRUE(feed.ready(1'499));
  EXPECT_FALSE(feed.ready(1'500));
  apply(6, 1, true, {}, 0);  // the next hub process has none to give yet
  EXPECT_TRUE(feed.ready(1'499));
  EXPECT_FALSE(feed.ready(1'500));
}

TEST_F(Feed, a_gate_that_never_had_a_lease_is_not_ready) {
  apply(5, 1, true, {record("a", 1)}, 0);
  EXPECT_FALSE(feed.ready(0));
  EXPECT_FALSE(feed.had_lease());
  apply(5, 2, false, {}, 1'500);
  EXPECT_TRUE(feed.ready(1'499));
}

TEST_F(Feed, a_lease_does_not_come_before_the_snapshot_is_whole) {
  apply(5, 1, true, {}, 1'500);
  apply(6, 1, false, {record("a", 1)}, 9'000);
  EXPECT_FALSE(feed.ready(1'500));
  apply(6, 2, true, {record("b", 1)}, 9'000);
  EXPECT_TRUE(feed.ready(8'999));
}

TEST_F(Feed, the_clock_is_the_one_that_was_fed) {
  apply(5, 1, true, {wire::ClockSet{1'000, 0, 1.0}});
  EXPECT_EQ(feed.clock().at(5'000), 6'000);
  apply(6, 1, true);
  EXPECT_EQ(feed.clock().at(5'000), 5'000);
}

}  // namespace
}  // namespace latchkey::hub::gate
