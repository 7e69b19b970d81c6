// SPDX-License-Identifier: Apache-2.0
#include "registry/firmware/campaigns.h"

#include <set>

#include "tests/unit/registry/firmware/firmware_fixture.h"

namespace latchkey::registry::firmware {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

using Campaigns = FirmwareTest;

TEST_F(Campaigns, what_was_published_is_there_with_all_that_was_said) {
  const auto made = must(rows->publish(call, "default", wanted(1, 10)));
  EXPECT_EQ(made.number, 1u);
  const auto found = must(rows->find("default", Bytes(32, 1)));
  EXPECT_EQ(found.size, 5000u);
  EXPECT_EQ(found.board, "pump");
  EXPECT_EQ(found.version, "1.2.1");
  EXPECT_EQ(found.image, Bytes(32, 101));
  EXPECT_EQ(found.policy, standard);
  EXPECT_EQ(found.policy_name, "standard");
  EXPECT_THAT(found.devices, IsEmpty());
  EXPECT_EQ(found.percent, 10);
  EXPECT_EQ(found.state, CampaignState::kActive);
  EXPECT_EQ(found.created, kNow);
  EXPECT_EQ(newest_audit().action, "firmware.publish");
  EXPECT_EQ(newest_audit().outcome, "ok");
  EXPECT_THAT(newest_audit().detail, HasSubstr("pump 1.2.1 for policy standard"));
}

TEST_F(Campaigns, target_that_is_nothing_or_both_or_not_there_is_refused_and_audited) {
  auto nobody = wanted(1);
  nobody.policy.clear();
  EXPECT_REFUSED(rows->publish(call, "default", nobody), Reason::kInvalidArgument);
  auto both = wanted(1);
  both.devices = {"lonely"};
  EXPECT_REFUSED(rows->publish(call, "default", both), Reason::kInvalidArgument);
  auto no_policy = wanted(1);
  no_policy.policy = "other";
  EXPECT_REFUSED(rows->publish(call, "default", no_policy), Reason::kNotFound);
  auto no_device = nobody;
  no_device.devices = {"lonely", "nobody"};
  EXPECT_REFUSED(rows->publish(call, "default", no_device), Reason::kNotFound);
  auto crowd = nobody;
  crowd.devices = std::vector<std::string>(Campaign::kDevicesMax + 1, "lonely");
  EXPECT_REFUSED(rows->publish(call, "default", crowd), Reason::kInvalidArgument);
  EXPECT_REFUSED(rows->publish(call, "elsewhere", wanted(1)), Reason::kParentNotFound);
  EXPECT_THAT(must(rows->list("default")), IsEmpty());
  EXPECT_EQ(newest_audit().action, "firmware.publish");
  EXPECT_NE(newest_audit().outcome, "ok");
}

TEST_F(Campaigns, percentage_and_id_out_of_bounds_are_refused) {
  for (const std::int64_t percent : {-1, 0, 101}) {
    EXPECT_REFUSED(rows->publish(call, "default", wanted(1, percent)), Reason::kInvalidArgument);
  }
  auto short_id = wanted(1);
  short_id.bundle.pop_back();
  EXPECT_REFUSED(rows->publish(call, "default", short_id), Reason::kInvalidArgument);
}

TEST_F(Campaigns, named_devices_are_kept_once_each) {
  auto named = wanted(1);
  named.policy.clear();
  named.devices = {"lonely", "lonely"};
  EXPECT_THAT(must(rows->publish(call, "default", named)).devices, ElementsAre("lonely"));
  const auto found = must(rows->find("default", named.bundle));
  EXPECT_THAT(found.devices, ElementsAre("lonely"));
  EXPECT_FALSE(found.policy);
  EXPECT_TRUE(is_for(found, device("lonely")));
}

TEST_F(Campaigns, one_that_is_active_is_not_published_again_and_one_that_was_withdrawn_begins_anew) {
  fill();
  must(rows->publish(call, "default", wanted(1, 10)));
  EXPECT_REFUSED(rows->publish(call, "default", wanted(1)), Reason::kAlreadyExists);
  ASSERT_TRUE(rows->note(device("pump-00"), report(Event::kRefused), Bytes(32, 1)));
  must(rows->publish(call, "default", wanted(2)));
  EXPECT_EQ(must(rows->withdraw(call, "default", Bytes(32, 1))).state, CampaignState::kWithdrawn);
  const auto again = must(rows->publish(call, "default", wanted(1, 50)));
  EXPECT_EQ(again.number, 3u);
  EXPECT_EQ(again.percent, 50);
  EXPECT_THAT(must(rows->progress(again, "", 10)), IsEmpty());
  const auto active = must(rows->active(again.namespace_uuid));
  ASSERT_EQ(active.size(), 2u);
  EXPECT_EQ(active[0].bundle, Bytes(32, 1));  // newest first
}

TEST_F(Campaigns, no_more_than_so_many_are_active) {
  for (std::size_t i = 0; i < CampaignRows::kActiveMax; ++i) {
    must(rows->publish(call, "default", wanted(static_cast<std::uint8_t>(i))));
  }
  EXPECT_REFUSED(rows->publish(call, "default", wanted(200)), Reason::kPreconditionFailed);
  must(rows->withdraw(call, "default", Bytes(32, 7)));
  must(rows->publish(call, "default", wanted(200)));
}

TEST_F(Campaigns, percentage_only_rises) {
  must(rows->publish(call, "default", wanted(1, 10)));
  EXPECT_REFUSED(rows->raise(call, "default", Bytes(32, 1), 10), Reason::kInvalidArgument);
  EXPECT_REFUSED(rows->raise(call, "default", Bytes(32, 1), 9), Reason::kInvalidArgument);
  EXPECT_REFUSED(rows->raise(call, "default", Bytes(32, 1), 101), Reason::kInvalidArgument);
  EXPECT_REFUSED(rows->raise(call, "default", Bytes(32, 9), 50), Reason::kNotFound);
  EXPECT_EQ(must(rows->raise(call, "default", Bytes(32, 1), 50)).percent, 50);
  EXPECT_EQ(newest_audit().action, "firmware.raise");
  EXPECT_EQ(must(rows->find("default", Bytes(32, 1))).percent, 50);
}

TEST_F(Campaigns, one_that_was_withdrawn_is_not_changed) {
  must(rows->publish(call, "default", wanted(1, 10)));
  must(rows->withdraw(call, "default", Bytes(32, 1)));
  EXPECT_REFUSED(rows->raise(call, "default", Bytes(32, 1), 50), Reason::kPreconditionFailed);
  EXPECT_REFUSED(rows->withdraw(call, "default", Bytes(32, 1)), Reason::kPreconditionFailed);
  EXPECT_REFUSED(rows->withdraw(call, "default", Bytes(32, 2)), Reason::kNotFound);
  EXPECT_THAT(must(rows->bundles_in_use()), IsEmpty());
  EXPECT_EQ(must(rows->find("default", Bytes(32, 1))).state, CampaignState::kWithdrawn);
}

// A device keeps its place, so whoever was reached by a smaller percentage is reached by every greater one.
TEST_F(Campaigns, raising_the_percentage_only_adds) {
  fill();
  auto campaign = must(rows->publish(call, "default", wanted(1, 1)));
  std::set<std::string> reached;
  for (int percent = 1; percent <= 100; ++percent) {
    campaign.percent = percent;
    std::set<std::string> now;
    for (int i = 0; i < 100; ++i) {
      const auto id = std::string("pump-") + static_cast<char>('0' + i / 10) + static_cast<char>('0' + i % 10);
      if (reaches(campaign, device(id))) now.insert(id);
    }
    EXPECT_TRUE(std::includes(now.begin(), now.end(), reached.begin(), reached.end())) << percent;
    reached = std::move(now);
  }
  EXPECT_EQ(reached.size(), 100u);
  EXPECT_FALSE(reaches(campaign, device("lonely")));
}

TEST_F(Campaigns, places_are_spread_evenly_and_differ_between_campaigns) {
  Campaign one;
  one.bundle = Bytes(32, 1);
  Campaign other;
  other.bundle = Bytes(32, 2);
  constexpr int kDevices = 10'000;
  int first_tenth = 0;
  int alike = 0;
  for (int i = 0; i < kDevices; ++i) {
    const auto id = "device-" + std::to_string(i);
    const int place = place_in(one, id);
    ASSERT_GE(place, 0);
    ASSERT_LT(place, 100);
    EXPECT_EQ(place, place_in(one, id));
    if (place < 10) ++first_tenth;
    if (place == place_in(other, id)) ++alike;
  }
  EXPECT_NEAR(first_tenth, kDevices / 10, 150);  // five standard deviations
  EXPECT_LT(alike, 200);                         // a hundred would be chance
}

TEST_F(Campaigns, last_report_of_a_device_is_kept_of_itself_and_of_the_bundle) {
  fill();
  const auto campaign = must(rows->publish(call, "default", wanted(1)));
  const auto pump = device("pump-07");
  EXPECT_FALSE(must(rows->last_of(pump.uuid)));
  auto said = report(Event::kFetching);
  said.pins = 3;
  said.revocations = 4;
  ASSERT_TRUE(rows->note(pump, said, campaign.bundle));
  said.event = Event::kRefused;
  said.reason = "tooOld";
  ASSERT_TRUE(rows->note(pump, said, campaign.bundle));
  ASSERT_TRUE(rows->note(pump, report(Event::kHello), {}));
  const auto of_bundle = must(rows->last_of(pump.uuid, campaign));
  ASSERT_TRUE(of_bundle);
  EXPECT_EQ(of_bundle->event, Event::kRefused);
  EXPECT_EQ(of_bundle->reason, "tooOld");
  EXPECT_EQ(of_bundle->pins, 3u);
  EXPECT_EQ(of_bundle->revocations, 4u);
  EXPECT_EQ(must(rows->last_of(pump.uuid))->event, Event::kHello);
}

TEST_F(Campaigns, report_on_a_bundle_that_no_campaign_has_is_kept_of_the_device_alone) {
  fill();
  ASSERT_TRUE(rows->note(device("pump-07"), report(Event::kFetching), Bytes(32, 66)));
  EXPECT_EQ(must(rows->last_of(device("pump-07").uuid))->event, Event::kFetching);
  EXPECT_THAT(must(rows->withdrawn_under_way(device("pump-07").uuid)), IsEmpty());
}

TEST_F(Campaigns, progress_is_told_in_pages_by_device_and_goes_with_it) {
  fill();
  const auto campaign = must(rows->publish(call, "default", wanted(1)));
  for (const char* id : {"pump-30", "pump-10", "pump-20"}) {
    ASSERT_TRUE(rows->note(device(id), report(Event::kFetching), campaign.bundle));
  }
  auto runs = report(Event::kConfirmed);
  runs.image = campaign.image;
  ASSERT_TRUE(rows->note(device("pump-20"), runs, campaign.bundle));
  const auto first = must(rows->progress(campaign, "", 2));
  ASSERT_THAT(first, SizeIs(2));
  EXPECT_EQ(first[0].device, "pump-10");
  EXPECT_FALSE(first[0].runs);
  EXPECT_EQ(first[1].device, "pump-20");
  EXPECT_TRUE(first[1].runs);
  const auto rest = must(rows->progress(campaign, "pump-20", 2));
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_EQ(rest[0].device, "pump-30");
  ASSERT_TRUE(registry->delete_device(call, "default", "pump-30"));
  EXPECT_THAT(must(rows->progress(campaign, "pump-20", 2)), IsEmpty());
}

TEST_F(Campaigns, tally_counts_targets_those_reached_and_what_was_said) {
  fill();
  const auto campaign = must(rows->publish(call, "default", wanted(1, 30)));
  auto runs = report(Event::kConfirmed);
  runs.image = campaign.image;
  ASSERT_TRUE(rows->note(device("pump-01"), runs, campaign.bundle));
  ASSERT_TRUE(rows->note(device("pump-02"), report(Event::kRefused), campaign.bundle));
  ASSERT_TRUE(rows->note(device("pump-03"), report(Event::kRefused), campaign.bundle));
  const auto tally = must(rows->tally(campaign));
  EXPECT_EQ(tally.targeted, 100u);
  EXPECT_GT(tally.reached, 0u);
  EXPECT_LT(tally.reached, 100u);
  EXPECT_EQ(tally.running, 1u);
  EXPECT_THAT(tally.last, ElementsAre(Pair(Event::kRefused, 2u), Pair(Event::kConfirmed, 1u)));
}

TEST_F(Campaigns, device_that_fetches_what_was_withdrawn_is_known_until_it_has_given_it_up) {
  fill();
  const auto campaign = must(rows->publish(call, "default", wanted(1)));
  const auto pump = device("pump-01");
  ASSERT_TRUE(rows->note(pump, report(Event::kFetching), campaign.bundle));
  EXPECT_THAT(must(rows->withdrawn_under_way(pump.uuid)), IsEmpty());
  must(rows->withdraw(call, "default", campaign.bundle));
  EXPECT_THAT(must(rows->withdrawn_under_way(pump.uuid)), ElementsAre(campaign.bundle));
  ASSERT_TRUE(rows->note(pump, report(Event::kWithdrawn), campaign.bundle));
  EXPECT_THAT(must(rows->withdrawn_under_way(pump.uuid)), IsEmpty());
}

TEST_F(Campaigns, image_is_known_by_the_newest_campaign_of_it_also_a_withdrawn_one) {
  const auto space = must(registry->find_namespace("default")).uuid;
  EXPECT_EQ(must(rows->number_of_image(space, Bytes(32, 101))), 0u);
  must(rows->publish(call, "default", wanted(2)));
  must(rows->publish(call, "default", wanted(1)));
  must(rows->withdraw(call, "default", Bytes(32, 1)));
  EXPECT_EQ(must(rows->number_of_image(space, Bytes(32, 101))), 2u);
}

TEST_F(Campaigns, namespace_takes_its_campaigns_with_it) {
  ASSERT_TRUE(registry->create_namespace(call, "plant-2"));
  auto named = wanted(1);
  named.policy.clear();
  ASSERT_TRUE(registry->create_device(call, "plant-2", "pump"));
  named.devices = {"pump"};
  must(rows->publish(call, "plant-2", named));
  EXPECT_THAT(must(rows->list("default")), IsEmpty());
  EXPECT_THAT(must(rows->bundles_in_use()), SizeIs(1));
  ASSERT_TRUE(registry->delete_device(call, "plant-2", "pump"));
  ASSERT_TRUE(registry->delete_namespace(call, "plant-2"));
  EXPECT_THAT(must(rows->bundles_in_use()), IsEmpty());
  EXPECT_REFUSED(rows->list("plant-2"), Reason::kParentNotFound);
}

TEST(Events, names_are_those_of_the_contract_and_nothing_else_is_one) {
  for (int i = 1; i < kEventLimit; ++i) {
    const auto event = static_cast<Event>(i);
    EXPECT_EQ(parse_event(to_string(event)), event);
  }
  EXPECT_EQ(to_string(Event::kNoWayBack), "noWayBack");
  for (const char* text : {"", "Hello", "ready ", "done"}) EXPECT_FALSE(parse_event(text)) << text;
}

}  // namespace
}  // namespace latchkey::registry::firmware
