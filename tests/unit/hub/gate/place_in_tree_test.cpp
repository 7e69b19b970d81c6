// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/place_in_tree.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace latchkey::hub::gate {
namespace {

const std::string kShared[] = {"$iothub/credentials/res/#", "$iothub/twin/res/#", "$iothub/methods/POST/#",
                               "$iothub/twin/PATCH/properties/desired/#", "$dps/registrations/res/#"};

std::string placed(std::string_view client_id, std::string filter) {
  give_place(client_id, MutableBytes(reinterpret_cast<std::uint8_t*>(filter.data()), filter.size()));
  return filter;
}

TEST(PlaceInTree, each_device_has_one_of_its_own_for_each_filter) {
  std::set<std::string> places;
  for (int device = 0; device < 20'000; ++device) {
    for (const auto& filter : kShared) places.insert(placed("device-" + std::to_string(device), filter));
  }
  EXPECT_EQ(places.size(), 20'000 * std::size(kShared));
}

TEST(PlaceInTree, it_is_the_same_when_the_device_comes_back_or_unsubscribes) {
  for (const auto& filter : kShared) EXPECT_EQ(placed("device", filter), placed("device", filter));
}

TEST(PlaceInTree, it_is_as_long_as_the_filter_and_matches_no_topic_but_itself) {
  for (const auto& filter : kShared) {
    const auto place = placed("device", filter);
    EXPECT_EQ(place.size(), filter.size());
    const auto slash = filter.find('/');
    EXPECT_EQ(place.substr(0, slash + 1), filter.substr(0, slash + 1));
    EXPECT_EQ(place.find_first_of("/#+", slash + 1), std::string::npos) << place;
  }
}

TEST(PlaceInTree, client_and_filter_do_not_run_into_each_other) {
  EXPECT_NE(placed("a", "$iothub/twin/res/#"), placed("a$iothub", "$iothub/twin/res/#"));
  EXPECT_NE(placed("", "$iothub/twin/res/#"), placed("$", "$iothub/twin/res/#"));
}

TEST(PlaceInTree, filters_that_are_a_devices_own_stay) {
  for (const std::string filter : {"devices/device/messages/devicebound/#", "latchkey/v1/#", "", "#", "/"}) {
    EXPECT_EQ(placed("device", filter), filter);
  }
}

TEST(PlaceInTree, filters_without_room_for_a_name_stay) {
  for (const std::string filter : {"$", "$iothub", "$iothub/", "$iothub/#", "$iothub/123456789"}) {
    EXPECT_EQ(placed("device", filter), filter);
  }
  EXPECT_NE(placed("device", "$iothub/1234567890"), "$iothub/1234567890");
}

}  // namespace
}  // namespace latchkey::hub::gate
