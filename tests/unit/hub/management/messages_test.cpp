// SPDX-License-Identifier: Apache-2.0
// Cloud-to-device messages as operators ask for them.
#include <gmock/gmock.h>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

const std::string kPath = "/namespaces/default/devices/dev-1/messages";

class MessagesTest : public ManagementTest {
 protected:
  MessagesTest() {
    furnish();
    put("/namespaces/default/devices/dev-1");
    events();
  }
  void enqueue(const std::string& id) {
    ASSERT_TRUE(registry->enqueue_message({"test", clock.now()}, "default", "dev-1",
                                          {id, "%24.mid=" + id, {'h', 'i'}, clock.now() + 60'000}));
  }
};

TEST_F(MessagesTest, message_has_the_id_and_life_that_were_asked_for) {
  EXPECT_EQ(post(kPath, {{"message", "hi"}}).status, 204);
  EXPECT_EQ(played.sent.id, "");
  EXPECT_FALSE(played.sent.live_ms);
  EXPECT_EQ(post(kPath, {{"message", "hi"}, {"messageId", "m-1"}, {"timeToLiveSeconds", 172'800}}).status, 204);
  EXPECT_EQ(played.sent.id, "m-1");
  EXPECT_EQ(played.sent.live_ms, 172'800'000);
}

TEST_F(MessagesTest, bad_ids_and_lives_are_refused) {
  for (const std::string& id : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("ü")}) {
    const auto seen = post(kPath, {{"message", "hi"}, {"messageId", id}});
    EXPECT_EQ(seen.code(), "InvalidArgument") << id;
    EXPECT_EQ(seen.target(), "messageId");
  }
  for (const int seconds : {-1, 0, 172'801}) {
    const auto seen = post(kPath, {{"message", "hi"}, {"timeToLiveSeconds", seconds}});
    EXPECT_EQ(seen.code(), "InvalidArgument") << seconds;
    EXPECT_EQ(seen.target(), "timeToLiveSeconds");
  }
  EXPECT_THAT(events(), testing::IsEmpty());
}

TEST_F(MessagesTest, full_queue_is_a_refusal_that_names_the_documented_error) {
  played.message_refusal = {registry::Reason::kQueueFull, "403004: 50 messages wait"};
  const auto seen = post(kPath, {{"message", "hi"}});
  EXPECT_EQ(seen.status, 403);
  EXPECT_EQ(seen.code(), "DeviceMaximumQueueDepthExceeded");
}

TEST_F(MessagesTest, queue_is_listed_without_what_the_messages_say) {
  enqueue("m-1");
  enqueue("m-2");
  const auto seen = get(kPath);
  EXPECT_EQ(seen.status, 200);
  ASSERT_EQ(seen.body["value"].size(), 2u);
  const auto& first = seen.body["value"][0];
  EXPECT_EQ(first["messageId"], "m-1");
  EXPECT_EQ(first["state"], "Enqueued");
  EXPECT_EQ(first["size"], 2);
  EXPECT_EQ(first["deliveryCount"], 0);
  EXPECT_EQ(first.size(), 6u) << "and nothing of its payload";
}

TEST_F(MessagesTest, message_that_is_on_its_way_is_listed_as_sent) {
  enqueue("m-1");
  const auto device = registry->find_device("default", "dev-1")->uuid;
  const auto number = registry->waiting_messages(device, clock.now())->at(0).number;
  ASSERT_TRUE(registry->messages_sent({device, 7, true}, {number}, clock.now()));
  const auto seen = get(kPath);
  EXPECT_EQ(seen.body["value"][0]["state"], "Sent");
  EXPECT_EQ(seen.body["value"][0]["deliveryCount"], 1);
}

TEST_F(MessagesTest, purging_says_how_many_there_were) {
  enqueue("m-1");
  enqueue("m-2");
  const auto seen = remove(kPath);
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body, (nlohmann::json{{"deviceId", "dev-1"}, {"totalMessagesPurged", 2}}));
  EXPECT_EQ(get(kPath).body["value"].size(), 0u);
  EXPECT_EQ(newest_audit()["action"], "device.purgeMessages");
}

TEST_F(MessagesTest, queue_of_nobody_is_not_found) {
  EXPECT_EQ(get("/namespaces/default/devices/gone/messages").status, 404);
  EXPECT_EQ(remove("/namespaces/default/devices/gone/messages").status, 404);
  EXPECT_EQ(get("/namespaces/nowhere/devices/dev-1/messages").status, 404);
}

}  // namespace
}  // namespace latchkey::hub::management
