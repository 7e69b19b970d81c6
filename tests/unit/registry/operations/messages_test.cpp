// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using What = MessageNews::What;
using Ids = std::vector<std::string>;

constexpr std::uint64_t kFirst = 0xfeed'0000'0000'0001;  // connection numbers use all 64 bits
constexpr std::uint64_t kSecond = 0xfeed'0000'0000'0002;

class MessagesTest : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory();
    device = must(registry->create_device(call, kNs, "dev-1")).value.uuid;
  }
  Outcome<Committed<Message>> enqueue(const std::string& id, std::int64_t live_ms = kUsualMessageMs) {
    return registry->enqueue_message(call, kNs, "dev-1", {id, "%24.mid=" + id, Bytes{'x', 'y'}, call.now + live_ms});
  }
  static Ids ids_of(const std::vector<Message>& messages) {
    Ids ids;
    for (const auto& message : messages) ids.push_back(message.id);
    return ids;
  }
  std::vector<Message> kept() { return must(registry->list_messages(kNs, "dev-1", call.now)); }
  std::vector<Message> waiting() { return must(registry->waiting_messages(device, call.now)); }
  void sent_all(std::uint64_t connection, bool keeps) {
    std::vector<std::uint64_t> numbers;
    for (const auto& message : waiting()) numbers.push_back(message.number);
    ASSERT_TRUE(registry->messages_sent({device, connection, keeps}, numbers, call.now));
  }
  void news(What what, std::uint64_t connection, const Ids& unacknowledged = {}) {
    ASSERT_TRUE(registry->messages_settled({what, {device, connection, true}, unacknowledged}, call.now));
  }

  Uuid device;
};

TEST_F(MessagesTest, queued_message_is_there_after_a_restart) {
  EXPECT_FALSE(must(registry->has_messages(device)));
  const auto made = must(enqueue("m-1"));
  open();
  EXPECT_TRUE(must(registry->has_messages(device)));
  const auto all = waiting();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].number, made.value.number);
  EXPECT_EQ(all[0].id, "m-1");
  EXPECT_EQ(all[0].bag, "%24.mid=m-1");
  EXPECT_EQ(all[0].payload, (Bytes{'x', 'y'}));
  EXPECT_EQ(all[0].size, 2u);
  EXPECT_EQ(all[0].enqueued, call.now);
  EXPECT_EQ(all[0].expires, call.now + kUsualMessageMs);
  EXPECT_EQ(all[0].connection, 0u);
  EXPECT_TRUE(kept().at(0).payload.empty()) << "lists have no payloads";
}

TEST_F(MessagesTest, queueing_and_purging_are_audited_and_what_sessions_do_is_not) {
  must(enqueue("m-1"));
  expect_audit("device.sendMessage", "namespaces/factory/devices/dev-1", "ok");
  EXPECT_EQ(last_audit().detail, "message 'm-1', 2 bytes");
  const auto number = last_audit().number;
  sent_all(kFirst, true);
  news(What::kResumed, kSecond, {"%24.mid=m-1"});
  EXPECT_EQ(last_audit().number, number);
  EXPECT_EQ(must(registry->purge_messages(call, kNs, "dev-1")).value, 1u);
  expect_audit("device.purgeMessages", "namespaces/factory/devices/dev-1", "ok");
  EXPECT_FALSE(must(registry->has_messages(device)));
}

TEST_F(MessagesTest, fifty_first_is_refused_until_one_is_sent_or_expires) {
  for (std::size_t i = 0; i < kMaxWaitingMessages; ++i) must(enqueue("m-" + std::to_string(i), 60'000));
  EXPECT_REFUSED(enqueue("more"), Reason::kQueueFull);
  expect_audit("device.sendMessage", "namespaces/factory/devices/dev-1", "queue full");
  EXPECT_EQ(kept().size(), kMaxWaitingMessages);
  ASSERT_TRUE(registry->messages_sent({device, kFirst, true}, {waiting().at(0).number}, call.now));
  must(enqueue("fits"));
  EXPECT_REFUSED(enqueue("more"), Reason::kQueueFull);
  call.now += 60'000;
  must(enqueue("fits again"));
  EXPECT_EQ(ids_of(kept()), (Ids{"fits", "fits again"}));
}

TEST_F(MessagesTest, queue_of_another_device_is_its_own) {
  must(registry->create_device(call, kNs, "dev-2"));
  for (std::size_t i = 0; i < kMaxWaitingMessages; ++i) must(enqueue("m-" + std::to_string(i)));
  must(registry->enqueue_message(call, kNs, "dev-2", {"x", "", {}, call.now + 1}));
  EXPECT_EQ(must(registry->purge_messages(call, kNs, "dev-1")).value, kMaxWaitingMessages);
  EXPECT_EQ(must(registry->list_messages(kNs, "dev-2", call.now)).size(), 1u);
}

TEST_F(MessagesTest, bad_lives_and_unknown_devices_are_refused) {
  EXPECT_REFUSED(enqueue("x", 0), Reason::kInvalidArgument);
  EXPECT_REFUSED(enqueue("x", -1), Reason::kInvalidArgument);
  EXPECT_REFUSED(enqueue("x", kMostMessageMs + 1), Reason::kInvalidArgument);
  must(enqueue("x", kMostMessageMs));
  EXPECT_REFUSED(registry->enqueue_message(call, kNs, "nobody", {"x", "", {}, call.now + 1}), Reason::kNotFound);
  EXPECT_REFUSED(registry->list_messages(kNs, "nobody", call.now), Reason::kNotFound);
  EXPECT_REFUSED(registry->purge_messages(call, "nowhere", "dev-1"), Reason::kParentNotFound);
}

TEST_F(MessagesTest, messages_go_with_their_device) {
  must(enqueue("x"));
  must(registry->delete_device(call, kNs, "dev-1"));
  EXPECT_FALSE(must(registry->has_messages(device)));
}

TEST_F(MessagesTest, sent_message_waits_no_more_and_is_kept) {
  must(enqueue("x"));
  sent_all(kFirst, true);
  EXPECT_TRUE(waiting().empty());
  const auto all = kept();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].connection, kFirst);
  EXPECT_EQ(all[0].deliveries, 1u);
  EXPECT_TRUE(all[0].kept);
}

TEST_F(MessagesTest, resumed_session_leaves_what_it_names_and_ends_the_rest) {
  for (const char* id : {"a", "b", "c"}) must(enqueue(id));
  sent_all(kFirst, true);
  must(enqueue("d"));
  news(What::kResumed, kSecond, {"%24.mid=b"});
  EXPECT_EQ(ids_of(waiting()), (Ids{"b", "d"}));
  EXPECT_EQ(ids_of(kept()), (Ids{"b", "d"}));
}

TEST_F(MessagesTest, resumed_session_says_nothing_of_what_went_over_another_broker) {
  constexpr std::uint64_t kElsewhere = 0xfeee'0000'0000'0001;
  for (const char* id : {"a", "b"}) must(enqueue(id));
  sent_all(kFirst, true);
  must(enqueue("c"));
  sent_all(kElsewhere, true);
  news(What::kResumed, kSecond, {"%24.mid=b"});
  EXPECT_EQ(ids_of(kept()), (Ids{"b", "c"}));
  EXPECT_EQ(ids_of(waiting()), (Ids{"b", "c"})) << "its broker alone knew what became of c";
}

TEST_F(MessagesTest, resumed_session_says_nothing_of_what_went_over_itself) {
  must(enqueue("a"));
  sent_all(kSecond, true);
  news(What::kResumed, kSecond);
  EXPECT_EQ(ids_of(kept()), Ids{"a"});
  EXPECT_TRUE(waiting().empty());
}

TEST_F(MessagesTest, new_session_makes_what_others_were_sent_wait_again) {
  must(enqueue("a"));
  sent_all(kFirst, true);
  news(What::kNewSession, kFirst);
  EXPECT_TRUE(waiting().empty()) << "it is the very connection";
  news(What::kNewSession, kSecond);
  EXPECT_EQ(ids_of(waiting()), Ids{"a"});
}

TEST_F(MessagesTest, end_of_a_session_ends_what_was_sent_long_enough_before) {
  must(enqueue("early"));
  sent_all(kFirst, false);
  call.now += kMessageLockMs - 1;
  must(enqueue("late"));
  sent_all(kFirst, false);
  call.now += 1;
  EXPECT_EQ(ids_of(kept()), Ids{"late"}) << "who has lived with it for a minute has had it";
  news(What::kEnded, kFirst);
  EXPECT_EQ(ids_of(waiting()), Ids{"late"});
}

TEST_F(MessagesTest, kept_sessions_messages_are_not_done_by_time) {
  must(enqueue("a"));
  sent_all(kFirst, true);
  call.now += kUsualMessageMs - 1;
  EXPECT_EQ(ids_of(kept()), Ids{"a"});
  call.now += 1;
  EXPECT_TRUE(kept().empty()) << "but they expire";
}

TEST_F(MessagesTest, given_up_after_so_many_deliveries) {
  must(enqueue("a"));
  for (std::uint32_t i = 0; i < kMaxMessageDeliveries; ++i) {
    ASSERT_EQ(waiting().size(), 1u) << i;
    sent_all(kFirst + i, true);
    news(What::kNewSession, kFirst + i + 1);
  }
  EXPECT_TRUE(waiting().empty());
  EXPECT_FALSE(must(registry->has_messages(device)));
}

TEST_F(MessagesTest, number_of_sent_messages_is_bounded_by_those_that_had_their_time) {
  const auto send_fifty = [&] {
    for (std::size_t i = 0; i < kMaxWaitingMessages; ++i) must(enqueue("m"));
    sent_all(kFirst, true);
  };
  for (std::size_t sent = 0; sent < kMaxSentMessages + kMaxWaitingMessages; sent += kMaxWaitingMessages) send_fifty();
  EXPECT_EQ(kept().size(), kMaxSentMessages + kMaxWaitingMessages) << "none had a minute yet";
  call.now += kMessageLockMs;
  send_fifty();
  EXPECT_EQ(kept().size(), kMaxSentMessages);
}

TEST_F(MessagesTest, word_of_a_message_that_is_gone_changes_nothing) {
  must(enqueue("a"));
  ASSERT_TRUE(registry->messages_sent({device, kFirst, true}, {999}, call.now));
  EXPECT_EQ(ids_of(waiting()), Ids{"a"});
}

}  // namespace
}  // namespace latchkey::registry
