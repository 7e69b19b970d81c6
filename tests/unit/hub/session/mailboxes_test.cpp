// SPDX-License-Identifier: Apache-2.0
// Cloud-to-device messages: who gets them when, and what is sent again.
#include "tests/unit/hub/session/session_fixture.h"

namespace latchkey::hub::session {
namespace {

constexpr const char* kBound = "devices/dev-1/messages/devicebound/";
constexpr const char* kFilter = "devices/dev-1/messages/devicebound/#";
enum class Keeps { kNothing, kSession };

class MailboxTest : public SessionTest {
 protected:
  registry::Outcome<registry::Message> send(const std::string& text, OutgoingMessage message = {}) {
    if (message.id.empty()) message.id = text;
    message.payload = ByteView(text);
    return sessions->send(registry::Call{"operator", now}, "dev-1", message);
  }
  wire::Opened opening(Keeps keeps = Keeps::kSession) {
    wire::Opened opened;
    opened.connection = ++connections;
    opened.client_id = "dev-1";
    opened.kept = keeps == Keeps::kSession;
    const auto device = registry->find_device("default", "dev-1");
    opened.identifier = DeviceIdentifier{device->uuid, device->credential_id};
    return opened;
  }
  wire::ConnectionId come(Keeps keeps = Keeps::kSession) {
    const auto opened = opening(keeps);
    sessions->opened(opened);
    return opened.connection;
  }
  wire::ConnectionId listen(Keeps keeps = Keeps::kSession) {
    const auto connection = come(keeps);
    sessions->subscribed({connection, kFilter});
    return connection;
  }
  // Goes on with the session of before, in which these were not acknowledged.
  wire::ConnectionId resume(const std::vector<std::string>& unacknowledged) {
    auto opened = opening();
    opened.filters = {kFilter};
    opened.resumes = true;
    sessions->opened(opened);
    EXPECT_TRUE(outbox.sent().empty()) << "before it is known what was acknowledged";
    sessions->resumed({opened.connection, unacknowledged});
    return opened.connection;
  }
  // What came out, all of which the broker has.
  std::vector<std::string> heard() {
    std::vector<std::string> texts;
    for (const auto& sent : outbox.take()) {
      EXPECT_TRUE(sent.topic.starts_with(kBound)) << sent.topic;
      EXPECT_EQ(sent.qos, 1);
      topics[sent.payload] = sent.topic;
      texts.push_back(sent.payload);
      sessions->delivered({sent.connection, {sent.tag}});
    }
    return texts;
  }
  std::vector<std::string> kept() {
    std::vector<std::string> ids;
    const auto messages = registry->list_messages("default", "dev-1", now);
    for (const auto& message : *messages) ids.push_back(message.id);
    return ids;
  }
  using Texts = std::vector<std::string>;

  std::map<std::string, std::string> topics;  // by payload
};

TEST_F(MailboxTest, message_goes_at_once_to_a_device_that_listens) {
  come();
  const auto connection = listen();
  OutgoingMessage message;
  message.id = "m-1";
  message.properties = {{"$.ct", "text/plain"}, {"a b", "1&2=3/+#"}};
  message.payload = ByteView(std::string_view("hello"));
  const auto sent = sessions->send(registry.call(), "dev-1", message);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->id, "m-1");
  const auto out = outbox.take();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].connection, connection);
  EXPECT_EQ(out[0].topic, std::string(kBound) +
                              "%24.ct=text%2Fplain&%24.mid=m-1&%24.to=%2Fdevices%2Fdev-1%2Fmessages%2Fdevicebound"
                              "&a%20b=1%262%3D3%2F%2B%23");
  EXPECT_EQ(out[0].payload, "hello");
  EXPECT_EQ(out[0].qos, 1);
  EXPECT_NE(out[0].tag, 0U);
  EXPECT_EQ(sessions->totals().cloud_to_device, 1U);
}

TEST_F(MailboxTest, message_without_an_id_is_given_a_fresh_one) {
  const auto one = sessions->send(registry.call(), "dev-1", {});
  const auto two = sessions->send(registry.call(), "dev-1", {});
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->id.size(), 36U);
  EXPECT_NE(one->id, two->id);
}

TEST_F(MailboxTest, id_among_the_properties_is_the_messages) {
  OutgoingMessage message;
  message.properties = {{"$.mid", "mine"}};
  EXPECT_EQ(sessions->send(registry.call(), "dev-1", message)->id, "mine");
}

TEST_F(MailboxTest, messages_wait_for_an_absent_device_and_come_in_order) {
  ASSERT_TRUE(send("one") && send("two") && send("three"));
  EXPECT_TRUE(heard().empty());
  const auto connection = come();
  EXPECT_TRUE(heard().empty()) << "it has not subscribed";
  sessions->subscribed({connection, "$iothub/methods/POST/#"});
  EXPECT_TRUE(heard().empty());
  sessions->subscribed({connection, kFilter});
  EXPECT_EQ(heard(), (Texts{"one", "two", "three"}));
}

TEST_F(MailboxTest, messages_wait_while_a_device_is_unsubscribed) {
  const auto connection = listen();
  sessions->subscribed({connection, kFilter, true});
  ASSERT_TRUE(send("one"));
  EXPECT_TRUE(heard().empty());
  sessions->subscribed({connection, kFilter});
  EXPECT_EQ(heard(), Texts{"one"});
}

TEST_F(MailboxTest, second_subscription_does_not_send_twice_what_is_on_its_way) {
  ASSERT_TRUE(send("one"));
  const auto connection = listen();
  sessions->subscribed({connection, kFilter});
  EXPECT_EQ(heard(), Texts{"one"});
  sessions->subscribed({connection, kFilter});
  EXPECT_TRUE(heard().empty());
}

TEST_F(MailboxTest, message_for_a_device_that_was_made_anew_is_gone) {
  ASSERT_TRUE(send("for the old one"));
  registry.must(registry->delete_device(registry.call(), "default", "dev-1"));
  add_device("dev-1");
  listen();
  EXPECT_TRUE(heard().empty());
}

TEST_F(MailboxTest, session_of_an_earlier_device_of_that_name_gets_nothing) {
  const auto old = listen();
  registry.must(registry->delete_device(registry.call(), "default", "dev-1"));
  add_device("dev-1");
  ASSERT_TRUE(send("for the new one"));
  sessions->subscribed({old, kFilter});
  EXPECT_TRUE(heard().empty());
}

TEST_F(MailboxTest, expired_message_is_not_sent) {
  OutgoingMessage brief;
  brief.live_ms = 5'000;
  ASSERT_TRUE(send("brief", brief) && send("usual"));
  now += 5'000;
  listen();
  EXPECT_EQ(heard(), Texts{"usual"});
}

TEST_F(MailboxTest, life_that_was_asked_for_is_told_to_the_device) {
  OutgoingMessage brief;
  brief.live_ms = 5'000;
  ASSERT_TRUE(send("brief", brief) && send("usual"));
  listen();
  heard();
  EXPECT_NE(topics["brief"].find("%24.exp="), std::string::npos);
  EXPECT_EQ(topics["usual"].find("%24.exp="), std::string::npos);
}

TEST_F(MailboxTest, message_over_the_limits_is_refused) {
  const std::string most(kMaxCloudToDevice, 'x');
  OutgoingMessage message;
  message.payload = ByteView(most);
  EXPECT_TRUE(sessions->send(registry.call(), "dev-1", message));
  const std::string more = most + "x";
  message.payload = ByteView(more);
  EXPECT_EQ(sessions->send(registry.call(), "dev-1", message).error().reason, Reason::kInvalidArgument);
  OutgoingMessage wide;
  wide.properties = {{"a", std::string(9000, 'x')}};
  EXPECT_EQ(sessions->send(registry.call(), "dev-1", wide).error().reason, Reason::kInvalidArgument);
  EXPECT_EQ(sessions->send(registry.call(), "nobody", {}).error().reason, Reason::kNotFound);
}

TEST_F(MailboxTest, fifty_first_waiting_message_is_refused) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(send("m-" + std::to_string(i)));
  EXPECT_EQ(send("one more").error().reason, Reason::kQueueFull);
  listen();
  EXPECT_EQ(heard().size(), 50U);
  EXPECT_TRUE(send("fits again"));
}

// --- what is acknowledged, and what is not

TEST_F(MailboxTest, resumed_session_settles_what_was_acknowledged) {
  listen();
  ASSERT_TRUE(send("had") && send("lost"));
  EXPECT_EQ(heard(), (Texts{"had", "lost"}));
  EXPECT_EQ(kept(), (Texts{"had", "lost"})) << "nobody has said that it was acknowledged";
  const auto connection = resume({topics["lost"]});
  EXPECT_EQ(kept(), Texts{"lost"});
  const auto again = outbox.take();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].connection, connection);
  EXPECT_EQ(again[0].payload, "lost");
}

TEST_F(MailboxTest, message_that_the_broker_never_had_is_sent_again_whatever_is_acknowledged) {
  listen();
  ASSERT_TRUE(send("on its way"));
  ASSERT_EQ(outbox.take().size(), 1U);  // and no word of the broker's
  resume({});
  EXPECT_EQ(heard(), Texts{"on its way"});
}

TEST_F(MailboxTest, new_session_gets_again_what_is_not_known_to_be_acknowledged) {
  const auto before = listen();
  ASSERT_TRUE(send("one"));
  heard();
  sessions->closed(before);
  EXPECT_EQ(kept(), Texts{"one"});
  listen();
  EXPECT_EQ(heard(), Texts{"one"});
}

TEST_F(MailboxTest, clean_session_that_ends_soon_leaves_its_messages_to_the_next) {
  const auto before = listen(Keeps::kNothing);
  ASSERT_TRUE(send("one"));
  heard();
  sessions->closed(before);
  listen(Keeps::kNothing);
  EXPECT_EQ(heard(), Texts{"one"});
}

TEST_F(MailboxTest, clean_session_that_lived_long_enough_has_had_its_messages) {
  const auto before = listen(Keeps::kNothing);
  ASSERT_TRUE(send("one"));
  heard();
  now += registry::kMessageLockMs;
  sessions->closed(before);
  EXPECT_TRUE(kept().empty());
  listen(Keeps::kNothing);
  EXPECT_TRUE(heard().empty());
}

TEST_F(MailboxTest, older_connections_late_end_brings_its_messages_to_the_newer_one) {
  const auto old = listen(Keeps::kNothing);
  ASSERT_TRUE(send("one"));
  const auto sent = outbox.take();
  listen(Keeps::kNothing);
  EXPECT_EQ(heard(), Texts{"one"});
  sessions->delivered({old, {sent.at(0).tag}});  // late
  sessions->closed(old);
  EXPECT_EQ(heard(), Texts{"one"}) << "twice is allowed, never is not";
}

TEST_F(MailboxTest, message_is_given_up_after_ten_deliveries) {
  listen();
  ASSERT_TRUE(send("unwanted"));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(heard(), Texts{"unwanted"}) << i;
    resume({topics["unwanted"]});
  }
  EXPECT_TRUE(heard().empty());
  EXPECT_TRUE(kept().empty());
}

TEST_F(MailboxTest, equal_messages_are_counted_one_by_one) {
  listen();
  OutgoingMessage same;
  same.id = "same";
  ASSERT_TRUE(send("x", same) && send("x", same) && send("x", same));
  heard();
  resume({topics["x"], topics["x"]});
  EXPECT_EQ(heard(), (Texts{"x", "x"}));
}

TEST_F(MailboxTest, purged_message_is_not_sent_again) {
  listen();
  ASSERT_TRUE(send("one"));
  heard();
  registry.must(registry->purge_messages(registry.call(), "default", "dev-1"));
  resume({topics["one"]});
  EXPECT_TRUE(heard().empty());
}

// --- restarts

TEST_F(MailboxTest, waiting_messages_outlive_the_hub_process) {
  ASSERT_TRUE(send("one"));
  restart();
  listen();
  EXPECT_EQ(heard(), Texts{"one"});
}

TEST_F(MailboxTest, connection_that_outlives_the_hub_process_does_not_hear_twice) {
  auto opened = opening();
  sessions->opened(opened);
  sessions->subscribed({opened.connection, kFilter});
  ASSERT_TRUE(send("had") && send("sent"));
  const auto out = outbox.take();
  sessions->delivered({opened.connection, {out.at(0).tag}});
  restart();
  opened.resent = true;
  opened.filters = {kFilter};
  sessions->opened(opened);
  EXPECT_EQ(heard(), Texts{"sent"}) << "what the broker was not known to have";
  EXPECT_EQ(resume({}), connections);
  EXPECT_TRUE(kept().empty());
}

TEST_F(MailboxTest, what_was_on_its_way_over_a_lost_link_is_sent_again) {
  auto opened = opening();
  sessions->opened(opened);
  sessions->subscribed({opened.connection, kFilter});
  ASSERT_TRUE(send("one"));
  outbox.take();
  opened.resent = true;
  opened.filters = {kFilter};
  sessions->opened(opened);
  EXPECT_EQ(heard(), Texts{"one"});
}

}  // namespace
}  // namespace latchkey::hub::session
