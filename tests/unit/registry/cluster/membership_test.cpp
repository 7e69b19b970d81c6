// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/membership.h"

#include <gtest/gtest.h>

namespace latchkey::registry::cluster {
namespace {

using Join = Membership::Join;

Uuid uuid(std::uint8_t fill) {
  Uuid id;
  id.bytes.fill(fill);
  return id;
}

Node row(std::uint8_t incarnation, std::int64_t beat, NodeState state = NodeState::kLive) {
  Node node;
  node.name = "a";
  node.incarnation = uuid(incarnation);
  node.state = state;
  node.beat = beat;
  node.lease_ms = 8'000;
  return node;
}

TEST(Node, enforces_what_it_confirmed) {
  Node node = row(1, 1);
  node.applied = 7;
  node.cut = 5;
  EXPECT_TRUE(enforces(node, 7, Confirmed::kApplied));
  EXPECT_FALSE(enforces(node, 8, Confirmed::kApplied));
  EXPECT_TRUE(enforces(node, 5, Confirmed::kCut));
  EXPECT_FALSE(enforces(node, 6, Confirmed::kCut));
  for (const auto state : {NodeState::kLost, NodeState::kLeft}) {
    node.state = state;
    EXPECT_TRUE(enforces(node, 100, Confirmed::kCut)) << "it serves nobody";
  }
}

TEST(Silence, covers_clocks_that_drift_apart_by_one_percent_each) {
  for (const std::int64_t lease : {1'000, 8'000, 60'000, 600'000}) {
    // the watcher's clock is fast, the node's slow
    EXPECT_GT(static_cast<double>(silence_ms(lease)) / 1.01, static_cast<double>(lease) / 0.99) << lease;
  }
}

TEST(Silence, is_over_when_the_beat_stood_still_for_that_long) {
  Silence silence;
  EXPECT_FALSE(silence.over(row(1, 1), 1'000'000)) << "never seen";
  silence.seen({row(1, 1)}, 1'000);
  const auto wait = silence_ms(8'000);
  EXPECT_FALSE(silence.over(row(1, 1), 1'000 + wait - 1));
  EXPECT_TRUE(silence.over(row(1, 1), 1'000 + wait));
  EXPECT_EQ(silence.over_at(row(1, 1), 5'000), 1'000 + wait);
  silence.seen({row(1, 1)}, 5'000);  // the same again
  EXPECT_TRUE(silence.over(row(1, 1), 1'000 + wait));
}

TEST(Silence, begins_anew_with_each_beat_and_each_incarnation) {
  Silence silence;
  const auto wait = silence_ms(8'000);
  silence.seen({row(1, 1)}, 1'000);
  silence.seen({row(1, 2)}, 2'000);
  EXPECT_FALSE(silence.over(row(1, 1), 1'000 + wait)) << "that is not how it stands";
  EXPECT_FALSE(silence.over(row(1, 2), 1'000 + wait));
  EXPECT_TRUE(silence.over(row(1, 2), 2'000 + wait));
  silence.seen({row(2, 2)}, 3'000);
  EXPECT_FALSE(silence.over(row(2, 2), 2'000 + wait));
  silence.seen({row(2, 1)}, 4'000);  // back, as after a restore
  EXPECT_FALSE(silence.over(row(2, 1), 3'000 + wait));
  silence.seen({}, 5'000);
  silence.seen({row(2, 1)}, 6'000);
  EXPECT_FALSE(silence.over(row(2, 1), 4'000 + wait)) << "it was gone between";
  EXPECT_TRUE(silence.over(row(2, 1), 6'000 + wait));
}

TEST(Silence, goes_by_each_nodes_own_lease) {
  Silence silence;
  Node slow = row(1, 1);
  slow.name = "b";
  slow.lease_ms = 20'000;
  silence.seen({row(1, 1), slow}, 0);
  EXPECT_TRUE(silence.over(row(1, 1), silence_ms(8'000)));
  EXPECT_FALSE(silence.over(slow, silence_ms(8'000)));
  EXPECT_TRUE(silence.over(slow, silence_ms(20'000)));
}

TEST(Membership, new_name_is_inserted) {
  Membership member({"a", 8'000}, {});
  EXPECT_EQ(member.how_to_join({}, 0), Join::kInsert);
  EXPECT_FALSE(member.member());
  member.joined(uuid(1));
  EXPECT_TRUE(member.member());
  EXPECT_FALSE(member.leased(0)) << "to be a member is no lease";
}

TEST(Membership, name_of_a_node_that_left_or_was_lost_is_free_at_once) {
  Membership member({"a", 8'000}, {});
  EXPECT_EQ(member.how_to_join(row(1, 5, NodeState::kLost), 0), Join::kTakeOver);
  EXPECT_EQ(member.how_to_join(row(1, 5, NodeState::kLeft), 0), Join::kTakeOver);
}

TEST(Membership, second_node_of_a_name_is_refused_while_the_first_lives) {
  Membership member({"a", 8'000}, {});
  EXPECT_EQ(member.how_to_join(row(1, 5), 0), Join::kWait);
  EXPECT_EQ(member.how_to_join(row(1, 5), 1'999), Join::kWait);
  EXPECT_EQ(member.how_to_join(row(1, 6), 2'000), Join::kRefuse);
  EXPECT_EQ(member.how_to_join(row(1, 7), 4'000), Join::kRefuse);
}

TEST(Membership, second_node_of_a_name_takes_over_when_no_lease_of_the_first_is_left) {
  Membership member({"a", 1'000}, {});  // its own lease is shorter, and counts for nothing here
  EXPECT_EQ(member.how_to_join(row(1, 5), 100), Join::kWait);
  EXPECT_EQ(member.how_to_join(row(1, 5), 100 + silence_ms(8'000) - 1), Join::kWait);
  EXPECT_EQ(member.how_to_join(row(1, 5), 100 + silence_ms(8'000)), Join::kTakeOver);
}

TEST(Membership, same_folder_goes_on_at_once) {
  Membership member({"a", 8'000}, uuid(1));
  EXPECT_EQ(member.how_to_join(row(1, 5), 0), Join::kGoOn);
  EXPECT_EQ(member.how_to_join(row(2, 5), 0), Join::kWait) << "somebody took the name meanwhile";
}

TEST(Membership, same_folder_with_another_lease_waits_for_those_it_gave) {
  Membership member({"a", 1'000}, uuid(1));
  EXPECT_EQ(member.how_to_join(row(1, 5), 0), Join::kWait);
  EXPECT_EQ(member.how_to_join(row(1, 5), silence_ms(8'000)), Join::kTakeOver);
}

TEST(Membership, folder_without_an_incarnation_does_not_take_an_empty_one_for_its_own) {
  Membership member({"a", 8'000}, {});
  EXPECT_EQ(member.how_to_join(row(0, 5), 0), Join::kWait);
}

TEST(Membership, lease_counts_from_before_the_renewal_was_sent) {
  Membership member({"a", 8'000}, {});
  member.joined(uuid(1));
  EXPECT_LE(member.next_renewal_ms(), 0) << "the first at once";
  const auto grant = member.renewed(1'000, 42);  // however long the answer took
  EXPECT_EQ(grant.sequence, 42U);
  EXPECT_EQ(grant.until_ms, 9'000);
  EXPECT_TRUE(member.leased(8'999));
  EXPECT_FALSE(member.leased(9'000));
  EXPECT_EQ(member.next_renewal_ms(), 3'000);
}

TEST(Membership, renewal_that_failed_is_tried_again_soon_and_gives_nothing) {
  Membership member({"a", 8'000}, {});
  member.joined(uuid(1));
  member.renewed(1'000, 42);
  member.not_renewed(3'500);
  EXPECT_GT(member.next_renewal_ms(), 3'500);
  EXPECT_LE(member.next_renewal_ms(), 4'500);
  EXPECT_EQ(member.lease_end_ms(), 9'000);
}

TEST(Membership, lost_node_joins_anew_with_another_incarnation) {
  Membership member({"a", 8'000}, uuid(1));
  member.joined(uuid(1));
  member.lost();
  EXPECT_FALSE(member.member());
  EXPECT_TRUE(member.incarnation().is_zero());
  EXPECT_EQ(member.how_to_join(row(1, 5, NodeState::kLost), 0), Join::kTakeOver);
  EXPECT_EQ(member.how_to_join(row(1, 5), 0), Join::kWait) << "never its old one again";
}

}  // namespace
}  // namespace latchkey::registry::cluster
