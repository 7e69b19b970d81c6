// SPDX-License-Identifier: Apache-2.0
#include "agent/update/conversation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "platform/sim/entropy.h"

namespace latchkey::agent {
namespace {

using Action = ConversationAction::Kind;
using State = Conversation::State;
using Said = ConversationEvent::Kind;

OfferId id_of(std::uint8_t first) {
  OfferId id{};
  id[0] = first;
  return id;
}
UpdateReport report_of(UpdateReport::Kind kind) { return {kind, Reason::kGood, {1, 2, 0}, id_of(7)}; }

// A conversation, the standing that it is told of, and a clock.
class ConversationTest : public testing::Test {
 protected:
  Action tell(const ConversationEvent& event) {
    action = conversation.step(event, standing, now);
    topic = std::string(action.topic);
    body = std::string(action.payload.text());
    return action.kind;
  }
  Action tell(Said kind, bool ok = true) {
    ConversationEvent event;
    event.kind = kind;
    event.ok = ok;
    return tell(event);
  }
  Action hear(std::string_view on, std::string_view payload = {}) {
    ConversationEvent event;
    event.kind = Said::kMessage;
    event.topic = on;
    event.payload = payload;
    return tell(event);
  }
  // The answer to the last request.
  Action answer(int status, std::string_view payload = {}, const std::string& more = {}) {
    return hear("$iothub/latchkey/firmware/res/" + std::to_string(status) + "/?$rid=" + rid + more, payload);
  }
  Action done() { return tell(Said::kDone); }
  Action pass(std::uint64_t ms) {
    now += ms;
    return tell(Said::kTimer);
  }
  // To the end of the first words.
  void greet() {
    ASSERT_EQ(tell(Said::kSessionUp), Action::kSubscribe);
    ASSERT_EQ(topic, firmware::kFilter);
    ASSERT_EQ(done(), Action::kWait);
    ASSERT_EQ(tell(Said::kGranted), Action::kReport);
    ASSERT_EQ(firmware::parse_report(body)->report, "hello");
  }
  // Speaking, hello acknowledged, nothing else to do.
  void speak() {
    greet();
    ASSERT_EQ(done(), Action::kWait);
    ASSERT_EQ(tell(Said::kAcknowledged), Action::kWait);
  }
  void want(std::uint8_t offer, std::uint64_t at = 0, std::size_t length = 4096) {
    standing.wanted.kind = UpdateAction::Kind::kFetch;
    standing.wanted.offer = id_of(offer);
    standing.wanted.at = at;
    standing.wanted.length = length;
  }
  // The request that is due leaves.
  void expect_request(std::uint8_t offer, std::uint64_t at = 0) {
    ASSERT_EQ(action.kind, Action::kRequest);
    const auto read = firmware::parse_fetch_topic(topic);
    ASSERT_TRUE(read && read->piece);
    EXPECT_EQ(read->piece->id, id_of(offer));
    EXPECT_EQ(read->piece->at, at);
    rid = std::string(read->request_id);
    ASSERT_EQ(done(), Action::kWait);
  }

  sim::SeededEntropy entropy{1};
  ConversationConfig config;
  Conversation conversation{config, entropy};
  UpdateStanding standing = [] {
    UpdateStanding made;
    made.board = "pump-controller-2";
    made.version = {1, 2, 0};
    return made;
  }();
  ports::MonotonicMs now = 5'000;
  ConversationAction action;
  std::string topic;
  std::string body;
  std::string rid;
  const std::string piece = std::string(4096, 'x');
};

TEST_F(ConversationTest, says_hello_first_and_then_nothing) {
  greet();
  const auto hello = firmware::parse_report(body);
  ASSERT_TRUE(hello);
  EXPECT_EQ(topic, firmware::kReportTopic);
  EXPECT_EQ(hello->version, "1.2.0");
  EXPECT_EQ(hello->board, "pump-controller-2");
  EXPECT_FALSE(hello->id || hello->image);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
  EXPECT_EQ(pass(100'000'000), Action::kWait);
  EXPECT_EQ(conversation.wake_at(), ~ports::MonotonicMs{0});
}

TEST_F(ConversationTest, hello_says_what_runs_and_what_is_held) {
  const std::array<std::uint8_t, 32> image = id_of(0x17);
  standing.image = image;
  standing.pins = 3;
  standing.revocations = 9;
  greet();
  const auto hello = firmware::parse_report(body);
  EXPECT_EQ(hello->pins, 3u);
  EXPECT_EQ(hello->revocations, 9u);
  EXPECT_EQ(hello->image, id_of(0x17));
}

TEST_F(ConversationTest, a_hub_that_does_not_grant_hears_nothing_until_the_next_session) {
  conversation.tell(report_of(UpdateReport::Kind::kReverted));
  want(1);
  EXPECT_EQ(tell(Said::kSessionUp), Action::kSubscribe);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kGranted, false), Action::kWait);
  EXPECT_EQ(conversation.state(), State::kSilent);
  EXPECT_EQ(pass(100'000'000), Action::kWait);
  EXPECT_EQ(hear(firmware::kOfferTopic, R"({"id":")" + std::string(64, '1') + R"(","size":1})"), Action::kWait);
  EXPECT_EQ(tell(Said::kSessionDown), Action::kWait);
  greet();
}

TEST_F(ConversationTest, reports_leave_in_order_each_after_the_one_before_was_acknowledged) {
  conversation.tell(report_of(UpdateReport::Kind::kReverted));
  conversation.tell(report_of(UpdateReport::Kind::kRefused));
  greet();
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kReport);
  auto said = firmware::parse_report(body);
  EXPECT_EQ(said->report, "reverted");
  EXPECT_EQ(said->id, id_of(7));
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(pass(60'000), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kReport);
  EXPECT_EQ(firmware::parse_report(body)->report, "refused");
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
}

TEST_F(ConversationTest, a_report_that_was_not_acknowledged_is_said_again_in_the_next_session) {
  conversation.tell(report_of(UpdateReport::Kind::kConfirmed));
  greet();
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kReport);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kSessionDown), Action::kWait);
  greet();
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kReport);
  EXPECT_EQ(firmware::parse_report(body)->report, "confirmed");
}

TEST_F(ConversationTest, reports_are_bounded_and_neither_the_first_nor_the_newest_is_forgotten) {
  for (int i = 0; i < 20; ++i) {
    conversation.tell(report_of(i == 0    ? UpdateReport::Kind::kReverted
                                : i == 19 ? UpdateReport::Kind::kReady
                                          : UpdateReport::Kind::kRefused));
  }
  greet();
  std::string all;
  EXPECT_EQ(done(), Action::kWait);
  for (std::size_t i = 0; i < Conversation::kReportsMax; ++i) {
    ASSERT_EQ(tell(Said::kAcknowledged), Action::kReport);
    all += std::string(firmware::parse_report(body)->report) + ' ';
    ASSERT_EQ(done(), Action::kWait);
  }
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
  EXPECT_EQ(all, "reverted refused refused refused refused refused refused ready ");
}

TEST_F(ConversationTest, what_the_updater_wants_is_asked_for_and_handed_over) {
  speak();
  want(1, 81'920);
  tell(Said::kTimer);
  expect_request(1, 81'920);
  EXPECT_EQ(answer(200, piece), Action::kBytes);
  EXPECT_EQ(action.at, 81'920u);
  EXPECT_EQ(body, piece);
  want(1, 81'920 + 4096);
  EXPECT_EQ(done(), Action::kRequest);
  expect_request(1, 81'920 + 4096);
  EXPECT_EQ(answer(200, "short"), Action::kBytes);
  EXPECT_EQ(body, "short");
}

TEST_F(ConversationTest, an_answer_to_another_request_is_passed_over) {
  speak();
  want(1);
  tell(Said::kTimer);
  expect_request(1);
  for (const char* other : {"$iothub/latchkey/firmware/res/200/?$rid=77", "$iothub/latchkey/firmware/res/200/?$rid=x",
                            "$iothub/latchkey/firmware/res/20/?$rid=1", "$iothub/latchkey/firmware/reso", "anything"}) {
    EXPECT_EQ(hear(other, piece), Action::kWait) << other;
  }
  EXPECT_EQ(answer(200, piece), Action::kBytes);
  // The same one again.
  want(1, 4096);
  EXPECT_EQ(done(), Action::kRequest);
  EXPECT_EQ(answer(200, piece), Action::kWait);
}

TEST_F(ConversationTest, an_answer_to_what_is_no_longer_wanted_is_passed_over) {
  speak();
  want(1);
  tell(Said::kTimer);
  expect_request(1);
  standing.wanted = {};
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(answer(200, piece), Action::kWait);
  EXPECT_EQ(conversation.wake_at(), ~ports::MonotonicMs{0});
}

TEST_F(ConversationTest, a_lost_answer_is_asked_for_again_ever_more_rarely) {
  speak();
  want(1);
  tell(Said::kTimer);
  std::uint64_t longest = 0;
  for (int round = 0; round < 20; ++round) {
    expect_request(1);
    const auto asked_at = now;
    for (int steps = 0; steps < 3 && action.kind != Action::kRequest; ++steps) {  // given up, and then asked again
      now = conversation.wake_at();
      tell(Said::kTimer);
    }
    longest = std::max(longest, now - asked_at);
    EXPECT_GE(now - asked_at, config.request_timeout_ms + config.retry_initial_ms);
  }
  EXPECT_GE(longest, config.retry_max_ms);
  EXPECT_LE(longest, config.request_timeout_ms + config.retry_max_ms * 6 / 5);
}

TEST_F(ConversationTest, a_busy_hub_is_left_alone_as_long_as_it_says) {
  speak();
  want(1);
  tell(Said::kTimer);
  expect_request(1);
  EXPECT_EQ(answer(429, "", "&retry-after=120"), Action::kWait);
  EXPECT_GE(conversation.wake_at(), now + 120'000);
  EXPECT_EQ(pass(119'999), Action::kWait);
  EXPECT_EQ(pass(24'001), Action::kRequest);
}

TEST_F(ConversationTest, a_hub_that_asks_for_more_than_a_day_gets_a_day) {
  speak();
  want(1);
  tell(Said::kTimer);
  expect_request(1);
  EXPECT_EQ(answer(429, "", "&retry-after=4294967295"), Action::kWait);
  EXPECT_LE(conversation.wake_at(), now + 86'400'000ull * 6 / 5 + 1);
}

TEST_F(ConversationTest, nonsense_for_an_answer_costs_a_wait_and_no_bytes) {
  speak();
  want(1, 0, 10);
  tell(Said::kTimer);
  for (const int status : {400, 500, 503, 302, 204}) {
    expect_request(1);
    EXPECT_EQ(answer(status, "x"), Action::kWait) << status;
    EXPECT_GT(conversation.wake_at(), now) << status;
    pass(1'000'000);
  }
  expect_request(1);
  EXPECT_EQ(answer(200, "more than ten bytes"), Action::kWait);
  EXPECT_GT(conversation.wake_at(), now);
}

TEST_F(ConversationTest, a_bundle_that_is_not_there_is_given_up) {
  speak();
  want(3);
  tell(Said::kTimer);
  expect_request(3);
  EXPECT_EQ(answer(404), Action::kWithdraw);
  EXPECT_EQ(action.offer.id, id_of(3));
  want(4, 100);
  EXPECT_EQ(done(), Action::kRequest);
  expect_request(4, 100);
  EXPECT_EQ(answer(416, "ignored"), Action::kBytes);
  EXPECT_EQ(action.at, 100u);
  EXPECT_EQ(body, "");
}

TEST_F(ConversationTest, a_lost_session_takes_its_request_along_and_the_next_one_asks_again) {
  speak();
  want(1);
  tell(Said::kTimer);
  expect_request(1);
  const std::string before = rid;
  EXPECT_EQ(tell(Said::kSessionDown), Action::kWait);
  EXPECT_EQ(hear("$iothub/latchkey/firmware/res/200/?$rid=" + before, piece), Action::kWait);
  EXPECT_EQ(pass(3'600'000), Action::kWait);
  greet();
  EXPECT_EQ(done(), Action::kRequest);
  expect_request(1);
  EXPECT_NE(rid, before);
}

TEST_F(ConversationTest, offers_withdrawals_and_statements_go_to_the_updater) {
  speak();
  const std::string id = "07" + std::string(62, '0');
  EXPECT_EQ(hear(firmware::kOfferTopic, R"({"id":")" + id + R"(","size":20000})"), Action::kOffer);
  EXPECT_EQ(action.offer.id, id_of(7));
  EXPECT_EQ(action.offer.size, 20'000u);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(hear(firmware::kWithdrawTopic, R"({"id":")" + id + R"("})"), Action::kWithdraw);
  EXPECT_EQ(action.offer.id, id_of(7));
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(hear(firmware::kStatementTopic, "cbor"), Action::kStatement);
  EXPECT_EQ(body, "cbor");
  EXPECT_EQ(done(), Action::kWait);
  for (const auto on : {firmware::kOfferTopic, firmware::kWithdrawTopic}) {
    EXPECT_EQ(hear(on, "{}"), Action::kWait);
    EXPECT_EQ(hear(on, ""), Action::kWait);
  }
}

TEST_F(ConversationTest, an_offer_that_crossed_the_report_of_its_end_is_passed_over) {
  conversation.tell(report_of(UpdateReport::Kind::kReverted));
  greet();
  EXPECT_EQ(done(), Action::kWait);
  const std::string body_of_7 = R"({"id":"07)" + std::string(62, '0') + R"(","size":20000})";
  const std::string body_of_8 = R"({"id":"08)" + std::string(62, '0') + R"(","size":20000})";
  EXPECT_EQ(hear(firmware::kOfferTopic, body_of_7), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kReport);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(hear(firmware::kOfferTopic, body_of_7), Action::kWait);
  EXPECT_EQ(hear(firmware::kOfferTopic, body_of_8), Action::kOffer);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
  EXPECT_EQ(hear(firmware::kOfferTopic, body_of_7), Action::kOffer);
}

TEST_F(ConversationTest, an_offer_waits_for_the_clock) {
  standing.clock_is_set = false;
  speak();
  const std::string id = "07" + std::string(62, '0');
  EXPECT_EQ(hear(firmware::kOfferTopic, R"({"id":")" + id + R"(","size":20000})"), Action::kWait);
  EXPECT_EQ(pass(60'000), Action::kWait);
  standing.clock_is_set = true;
  EXPECT_EQ(tell(Said::kTimer), Action::kOffer);
  EXPECT_EQ(action.offer.id, id_of(7));
  EXPECT_EQ(done(), Action::kWait);
}

TEST_F(ConversationTest, an_offer_that_is_withdrawn_while_it_waits_is_none) {
  standing.clock_is_set = false;
  speak();
  const std::string id = "07" + std::string(62, '0');
  EXPECT_EQ(hear(firmware::kOfferTopic, R"({"id":")" + id + R"(","size":20000})"), Action::kWait);
  EXPECT_EQ(hear(firmware::kWithdrawTopic, R"({"id":")" + id + R"("})"), Action::kWithdraw);
  standing.clock_is_set = true;
  EXPECT_EQ(done(), Action::kWait);
}

TEST_F(ConversationTest, statements_that_were_news_are_told_once_unless_another_report_does) {
  speak();
  EXPECT_EQ(hear(firmware::kStatementTopic, "one"), Action::kStatement);
  conversation.took_statement();
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(hear(firmware::kStatementTopic, "two"), Action::kStatement);
  conversation.took_statement();
  EXPECT_EQ(done(), Action::kWait);
  now = conversation.wake_at();
  EXPECT_EQ(tell(Said::kTimer), Action::kReport);
  EXPECT_EQ(firmware::parse_report(body)->report, "hello");
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
  EXPECT_EQ(pass(1'000'000), Action::kWait);

  EXPECT_EQ(hear(firmware::kStatementTopic, "three"), Action::kStatement);
  conversation.took_statement();
  EXPECT_EQ(done(), Action::kWait);
  conversation.tell(report_of(UpdateReport::Kind::kRevoked));
  EXPECT_EQ(tell(Said::kTimer), Action::kReport);
  EXPECT_EQ(firmware::parse_report(body)->report, "revoked");
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
  EXPECT_EQ(pass(1'000'000), Action::kWait);
}

TEST_F(ConversationTest, what_could_not_be_sent_is_sent_a_moment_later) {
  EXPECT_EQ(tell(Said::kSessionUp), Action::kSubscribe);
  EXPECT_EQ(tell(Said::kNotSent), Action::kWait);
  EXPECT_GT(conversation.wake_at(), now);
  now = conversation.wake_at();
  EXPECT_EQ(tell(Said::kTimer), Action::kSubscribe);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kGranted), Action::kReport);
  EXPECT_EQ(tell(Said::kNotSent), Action::kWait);
  now = conversation.wake_at();
  EXPECT_EQ(tell(Said::kTimer), Action::kReport);
  EXPECT_EQ(firmware::parse_report(body)->report, "hello");
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
  want(1);
  EXPECT_EQ(tell(Said::kTimer), Action::kRequest);
  EXPECT_EQ(tell(Said::kNotSent), Action::kWait);
  EXPECT_GT(conversation.wake_at(), now);
  conversation.tell(report_of(UpdateReport::Kind::kFetching));
  now = conversation.wake_at();
  EXPECT_EQ(tell(Said::kTimer), Action::kReport);
  EXPECT_EQ(tell(Said::kNotSent), Action::kWait);
  for (int i = 0; i < 3 && action.kind != Action::kReport; ++i) {
    now = conversation.wake_at();
    tell(Said::kTimer);
  }
  EXPECT_EQ(firmware::parse_report(body)->report, "fetching");
}

TEST_F(ConversationTest, a_restart_waits_for_the_last_reports_but_not_for_ever) {
  speak();
  conversation.tell(report_of(UpdateReport::Kind::kReady));
  conversation.want_restart();
  EXPECT_EQ(tell(Said::kTimer), Action::kReport);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kRestart);
  EXPECT_EQ(pass(1'000'000), Action::kWait);
}

TEST_F(ConversationTest, a_restart_that_nobody_acknowledges_comes_all_the_same) {
  speak();
  conversation.tell(report_of(UpdateReport::Kind::kReady));
  conversation.want_restart();
  EXPECT_EQ(tell(Said::kTimer), Action::kReport);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(conversation.wake_at(), now + config.restart_within_ms);
  EXPECT_EQ(pass(config.restart_within_ms), Action::kRestart);
}

TEST_F(ConversationTest, with_nothing_to_tell_a_restart_comes_at_once) {
  conversation.want_restart();
  EXPECT_EQ(tell(Said::kTimer), Action::kRestart);
}

TEST_F(ConversationTest, a_restart_waits_for_a_session_to_tell_why_but_not_for_ever) {
  conversation.tell(report_of(UpdateReport::Kind::kRevoked));
  conversation.want_restart();
  EXPECT_EQ(tell(Said::kTimer), Action::kWait);
  greet();
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kReport);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kSessionDown), Action::kWait);
  EXPECT_EQ(conversation.wake_at(), now + config.restart_within_ms);
  EXPECT_EQ(pass(config.restart_within_ms), Action::kRestart);
}

TEST_F(ConversationTest, a_hub_that_ends_sessions_over_the_first_words_is_left_alone_for_an_hour) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(tell(Said::kSessionUp), Action::kSubscribe) << i;
    EXPECT_EQ(done(), Action::kWait);
    if (i == 1) {
      EXPECT_EQ(tell(Said::kGranted), Action::kReport);
      EXPECT_EQ(done(), Action::kWait);
    }
    EXPECT_EQ(tell(Said::kSessionDown), Action::kWait);
    now += 1'000;
  }
  EXPECT_EQ(tell(Said::kSessionUp), Action::kWait);
  EXPECT_EQ(conversation.state(), State::kWaiting);
  EXPECT_EQ(pass(config.silence_ms - 10'000), Action::kWait);
  now = conversation.wake_at();
  EXPECT_EQ(tell(Said::kTimer), Action::kSubscribe);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kGranted), Action::kReport);
  EXPECT_EQ(done(), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
  // All is well again.
  EXPECT_EQ(tell(Said::kSessionDown), Action::kWait);
  EXPECT_EQ(tell(Said::kSessionUp), Action::kSubscribe);
}

TEST_F(ConversationTest, nothing_that_is_heard_without_a_session_means_anything) {
  const std::string offer = R"({"id":")" + std::string(64, '1') + R"(","size":1})";
  EXPECT_EQ(hear(firmware::kOfferTopic, offer), Action::kWait);
  EXPECT_EQ(hear(firmware::kStatementTopic, "x"), Action::kWait);
  EXPECT_EQ(tell(Said::kGranted), Action::kWait);
  EXPECT_EQ(tell(Said::kAcknowledged), Action::kWait);
  EXPECT_EQ(conversation.state(), State::kDown);
}

}  // namespace
}  // namespace latchkey::agent
