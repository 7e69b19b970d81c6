// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/desk.h"

#include "tests/unit/hub/firmware/world.h"

namespace latchkey::hub::firmware {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using wire::ConnectionId;

const std::string kPrefix = "$iothub/latchkey/firmware/";

class DeskTest : public FirmwareTest {
 protected:
  DeskTest() : desk(*registry, statements, bundles, outbox, options()) {}
  Desk::Options options() {
    return {"default", [] { return test::kNow; }, 60, 10'000, [this] { return clock_ms; }};
  }

  ConnectionId connect(const std::string& id) {
    wire::Opened opened;
    opened.connection = ++connections;
    opened.client_id = id;
    desk.opened(opened);
    return opened.connection;
  }
  static json words(const std::string& report) {
    return {{"report", report}, {"version", "1.0.0"}, {"board", "pump"}, {"pins", 0}, {"revocations", 0}};
  }
  void say(ConnectionId connection, const json& body) {
    EXPECT_TRUE(desk.request(connection, kPrefix + "report", ByteView(body.dump())));
  }
  void say(ConnectionId connection, const std::string& report, const Campaign& about, const std::string& reason = "",
           const json& more = json::object()) {
    auto body = words(report);
    body["id"] = hex(about.bundle);
    if (!reason.empty()) body["reason"] = reason;
    body.update(more);
    say(connection, body);
  }
  // The last parts of topics, with the ids that they are about.
  std::vector<std::string> heard() {
    std::vector<std::string> all;
    for (const auto& sent : outbox.take()) {
      const auto what = sent.topic.substr(kPrefix.size());
      const auto body = sent.body();
      all.push_back(body.is_object() ? what + " " + body.value("id", "").substr(0, 8) : what);
    }
    return all;
  }
  static std::string offer(const Campaign& campaign) { return "offer " + hex(campaign.bundle).substr(0, 8); }
  static std::string withdrawal(const Campaign& campaign) { return "withdraw " + hex(campaign.bundle).substr(0, 8); }
  Bytes bundle(std::uint8_t number, const std::string& board = "pump") {
    return make_bundle(signer, Bytes(5000, number), {1, number, 0}, board);
  }
  Sent ask(ConnectionId connection, const std::string& query) {
    EXPECT_TRUE(desk.request(connection, kPrefix + "GET/?$rid=r1&" + query, {}));
    const auto sent = outbox.take();
    EXPECT_EQ(sent.size(), 1u);
    return sent.empty() ? Sent{} : sent.front();
  }
  int status(ConnectionId connection, const std::string& query) {
    return std::stoi(ask(connection, query).topic.substr(kPrefix.size() + 4));
  }

  std::uint64_t clock_ms = 1'000'000;
  FakeOutbox outbox;
  Desk desk;
  ConnectionId connections = 100;
};

TEST_F(DeskTest, other_topics_are_somebody_elses) {
  const auto connection = connect("dev-1");
  EXPECT_FALSE(desk.request(connection, "$iothub/twin/GET/?$rid=1", {}));
  EXPECT_FALSE(desk.request(connection, "devices/dev-1/messages/events/", {}));
  EXPECT_FALSE(desk.request(connection, kPrefix + "offer", {}));
  EXPECT_THAT(outbox.take(), IsEmpty());
}

TEST_F(DeskTest, device_that_says_nothing_hears_nothing) {
  connect("dev-1");
  must(statements.pin(call(), {"1.2.3"}));
  publish(bundle(1));
  desk.tell_statements();
  desk.tell_offers();
  EXPECT_THAT(outbox.take(), IsEmpty());
}

TEST_F(DeskTest, hello_is_answered_with_statements_and_then_the_offer) {
  open_signing_service();
  must(statements.pin(call(), {"1.2.3"}));
  const auto campaign = publish(bundle(1));
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  const auto sent = outbox.take();
  ASSERT_EQ(sent.size(), 3u);
  for (const auto& one : sent) EXPECT_EQ(one.connection, connection);
  EXPECT_EQ(sent[0].topic, kPrefix + "statement");
  EXPECT_EQ(sent[0].payload, must(statements.newest(StatementKind::kPins))->body);
  EXPECT_EQ(sent[1].topic, kPrefix + "statement");
  EXPECT_EQ(sent[1].payload, must(statements.newest(StatementKind::kRevocations))->body);
  EXPECT_EQ(sent[2].topic, kPrefix + "offer");
  EXPECT_EQ(sent[2].body(), (json{{"id", hex(campaign.bundle)}, {"size", campaign.size}}));
}

TEST_F(DeskTest, statements_that_a_device_holds_are_not_sent_again) {
  must(statements.pin(call(), {"1.2.3"}));
  const auto connection = connect("dev-1");
  auto hello = words("hello");
  hello["pins"] = 1;
  say(connection, hello);
  EXPECT_THAT(heard(), IsEmpty());
  must(statements.pin(call(), {"1.2.4"}));
  desk.tell_statements();
  EXPECT_THAT(heard(), ElementsAre("statement"));
  desk.tell_statements();
  say(connection, hello);  // another connect would say it so: it still holds the first
  EXPECT_THAT(heard(), ElementsAre("statement"));
}

TEST_F(DeskTest, statement_goes_out_once_a_hello_whatever_a_device_reports) {
  must(statements.pin(call(), {"1.2.3"}));
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  for (int i = 0; i < 5; ++i) say(connection, words("refused"));
  EXPECT_THAT(heard(), ElementsAre("statement"));
}

TEST_F(DeskTest, offer_goes_to_those_that_are_named_and_whose_board_it_is) {
  const auto campaign = publish(bundle(1));
  const auto other_board = publish(bundle(2, "valve"));
  say(connect("dev-1"), words("hello"));
  EXPECT_THAT(heard(), ElementsAre(offer(campaign)));
  say(connect("dev-3"), words("hello"));
  EXPECT_THAT(heard(), IsEmpty());
  auto valve = words("hello");
  valve["board"] = "valve";
  say(connect("dev-2"), valve);
  EXPECT_THAT(heard(), ElementsAre(offer(other_board)));
}

TEST_F(DeskTest, newest_campaign_is_offered_and_no_earlier_one_beside_it) {
  publish(bundle(1));
  const auto newest = publish(bundle(2));
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  EXPECT_THAT(heard(), ElementsAre(offer(newest)));
  say(connection, "refused", newest, "tooOld");
  say(connection, words("hello"));
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(DeskTest, campaign_that_is_published_reaches_who_is_connected_once) {
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  const auto campaign = publish(bundle(1));
  desk.tell_offers();
  EXPECT_THAT(heard(), ElementsAre(offer(campaign)));
  desk.tell_offers();
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(DeskTest, percentage_reaches_more_as_it_rises) {
  const auto campaign = publish(bundle(1), {"dev-1", "dev-2", "dev-3"}, 1);
  for (const char* id : {"dev-1", "dev-2", "dev-3"}) say(connect(id), words("hello"));
  const auto first = heard();
  must(rows.raise(call(), "default", campaign.bundle, 100));
  desk.tell_offers();
  EXPECT_EQ(first.size() + heard().size(), 3u);
}

TEST_F(DeskTest, device_that_runs_the_image_is_offered_nothing) {
  const auto campaign = publish(bundle(1));
  auto hello = words("hello");
  hello["image"] = hex(campaign.image);
  say(connect("dev-1"), hello);
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(DeskTest, nobody_is_sent_back_to_an_earlier_campaign_by_a_withdrawal) {
  const auto first = publish(bundle(1));
  const auto second = publish(bundle(2));
  must(rows.withdraw(call(), "default", second.bundle));
  auto runs_second = words("hello");
  runs_second["image"] = hex(second.image);
  say(connect("dev-1"), runs_second);
  EXPECT_THAT(heard(), IsEmpty());
  say(connect("dev-2"), words("hello"));
  EXPECT_THAT(heard(), ElementsAre(offer(first)));
}

TEST_F(DeskTest, what_was_refused_is_offered_again_when_other_statements_are_there_to_judge_it_by) {
  const auto campaign = publish(bundle(1));
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  say(connection, "refused", campaign, "wrongProfile");
  heard();
  say(connection, words("hello"));
  EXPECT_THAT(heard(), IsEmpty());
  must(statements.pin(call(), {"1.2.3"}));
  desk.tell_statements();
  EXPECT_THAT(heard(), ElementsAre("statement", offer(campaign)));
  say(connection, "refused", campaign, "wrongProfile", {{"pins", 1}});
  auto hello = words("hello");
  hello["pins"] = 1;
  say(connection, hello);
  EXPECT_THAT(heard(), IsEmpty());
}

// A device that cannot take a statement would otherwise be told both for ever.
TEST_F(DeskTest, device_that_never_takes_the_statement_is_not_offered_in_circles) {
  must(statements.pin(call(), {"1.2.3"}));
  const auto campaign = publish(bundle(1));
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  EXPECT_THAT(heard(), ElementsAre("statement", offer(campaign)));
  for (int i = 0; i < 5; ++i) say(connection, "refused", campaign, "wrongProfile");
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(DeskTest, refusal_that_may_pass_is_tried_again_at_the_next_hello_and_not_before) {
  const auto campaign = publish(bundle(1));
  for (const char* reason : {"clockNotSet", "revocationUnknown", "storageFailed"}) {
    const auto connection = connect("dev-1");
    say(connection, words("hello"));
    say(connection, "refused", campaign, reason);
    EXPECT_THAT(heard(), ElementsAre(offer(campaign))) << reason;
    desk.tell_offers();
    EXPECT_THAT(heard(), IsEmpty()) << reason;
    say(connection, words("hello"));
    EXPECT_THAT(heard(), ElementsAre(offer(campaign))) << reason;
  }
}

TEST_F(DeskTest, what_did_not_hold_or_runs_already_is_not_offered_again) {
  const auto campaign = publish(bundle(1));
  for (const char* report : {"reverted", "upToDate"}) {
    const auto connection = connect("dev-1");
    say(connection, report, campaign);
    heard();
    say(connection, words("hello"));
    EXPECT_THAT(heard(), IsEmpty()) << report;
  }
}

TEST_F(DeskTest, device_that_was_fetching_is_offered_it_again_at_its_next_hello) {
  const auto campaign = publish(bundle(1));
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  say(connection, "fetching", campaign);
  heard();
  desk.tell_offers();
  EXPECT_THAT(heard(), IsEmpty());
  say(connect("dev-1"), words("hello"));
  EXPECT_THAT(heard(), ElementsAre(offer(campaign)));
}

TEST_F(DeskTest, withdrawal_is_told_to_those_that_it_was_offered_to) {
  const auto campaign = publish(bundle(1), {"dev-1"});
  for (const char* id : {"dev-1", "dev-2"}) say(connect(id), words("hello"));
  heard();
  desk.tell_withdrawn(must(rows.withdraw(call(), "default", campaign.bundle)));
  EXPECT_THAT(heard(), ElementsAre(withdrawal(campaign)));
}

TEST_F(DeskTest, withdrawal_is_told_at_the_hello_of_who_was_away_until_it_is_given_up) {
  const auto campaign = publish(bundle(1));
  auto connection = connect("dev-1");
  say(connection, words("hello"));
  say(connection, "fetching", campaign);
  desk.closed(connection);
  must(rows.withdraw(call(), "default", campaign.bundle));
  heard();
  connection = connect("dev-1");
  say(connection, words("hello"));
  EXPECT_THAT(heard(), ElementsAre(withdrawal(campaign)));
  say(connection, "withdrawn", campaign);
  say(connection, words("hello"));
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(DeskTest, who_says_to_fetch_what_no_campaign_has_is_told_to_give_it_up) {
  Campaign unknown;
  unknown.bundle = Bytes(32, 9);
  const auto connection = connect("dev-1");
  say(connection, "fetching", unknown);
  EXPECT_THAT(heard(), ElementsAre(withdrawal(unknown)));
  say(connection, "hello", unknown);
  EXPECT_THAT(heard(), ElementsAre(withdrawal(unknown)));
  say(connection, "refused", unknown);
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(DeskTest, bundle_is_fetched_in_pieces) {
  const auto whole = bundle(1);
  const auto campaign = publish(whole);
  const auto connection = connect("dev-1");
  Bytes fetched;
  while (fetched.size() < campaign.size) {
    const auto answer =
        ask(connection, "id=" + hex(campaign.bundle) + "&at=" + std::to_string(fetched.size()) + "&length=1000");
    ASSERT_EQ(answer.topic, kPrefix + "res/200/?$rid=r1");
    EXPECT_EQ(answer.connection, connection);
    fetched.insert(fetched.end(), answer.payload.begin(), answer.payload.end());
  }
  EXPECT_EQ(fetched, whole);
}

TEST_F(DeskTest, requests_that_lead_nowhere_are_told_so) {
  const auto campaign = publish(bundle(1), {"dev-1"});
  const auto id = "id=" + hex(campaign.bundle);
  const auto connection = connect("dev-1");
  const auto end = std::to_string(campaign.size);
  EXPECT_EQ(status(connection, id + "&at=0&length=1"), 200);
  EXPECT_EQ(status(connection, id + "&at=" + end + "&length=1"), 416);
  EXPECT_EQ(status(connection, id + "&at=9999999999&length=1"), 416);
  EXPECT_EQ(status(connection, id + "&at=0&length=4097"), 400);
  EXPECT_EQ(status(connection, id + "&at=0"), 400);
  EXPECT_EQ(status(connection, "at=0&length=1"), 400);
  EXPECT_EQ(status(connection, "id=" + std::string(64, 'a') + "&at=0&length=1"), 404);
  EXPECT_EQ(status(connect("dev-2"), id + "&at=0&length=1"), 404);  // it is not for that one
  must(rows.withdraw(call(), "default", campaign.bundle));
  EXPECT_EQ(status(connection, id + "&at=0&length=1"), 404);
}

TEST_F(DeskTest, device_whom_the_percentage_has_not_come_to_gets_no_piece) {
  const auto campaign = publish(bundle(1), {"dev-1", "dev-2", "dev-3"}, 1);
  for (const char* id : {"dev-1", "dev-2", "dev-3"}) {
    const int expected = reaches(campaign, device(id)) ? 200 : 404;
    EXPECT_EQ(status(connect(id), "id=" + hex(campaign.bundle) + "&at=0&length=1"), expected) << id;
  }
}

TEST_F(DeskTest, file_that_is_gone_is_not_found) {
  const auto campaign = publish(bundle(1));
  ASSERT_TRUE(bundles.remove_others({}));
  EXPECT_EQ(status(connect("dev-1"), "id=" + hex(campaign.bundle) + "&at=0&length=1"), 404);
}

TEST_F(DeskTest, more_pieces_than_the_hub_gives_out_are_429_with_a_time) {
  const auto campaign = publish(bundle(1));
  auto few = options();
  few.pieces_per_minute = 2;
  Desk small(*registry, statements, bundles, outbox, few);
  wire::Opened opened;
  opened.connection = 7;
  opened.client_id = "dev-1";
  small.opened(opened);
  const auto topic = kPrefix + "GET/?$rid=r1&id=" + hex(campaign.bundle) + "&at=0&length=1";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(small.request(7, topic, {}));
  auto sent = outbox.take();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[1].topic, kPrefix + "res/200/?$rid=r1");
  EXPECT_EQ(sent[2].topic, kPrefix + "res/429/?$rid=r1&retry-after=30");
  EXPECT_TRUE(sent[2].payload.empty());
  clock_ms += 30'000;
  EXPECT_TRUE(small.request(7, topic, {}));
  sent = outbox.take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].topic, kPrefix + "res/200/?$rid=r1");
}

TEST_F(DeskTest, reports_that_cannot_be_read_or_come_too_often_are_passed_over) {
  const auto connection = connect("dev-1");
  EXPECT_TRUE(desk.request(connection, kPrefix + "report", ByteView(std::string_view("no json"))));
  EXPECT_EQ(desk.passed_over(), 1u);
  for (int i = 0; i < 60; ++i) say(connection, words("hello"));
  EXPECT_EQ(desk.passed_over(), 1u);
  say(connection, words("hello"));
  EXPECT_EQ(desk.passed_over(), 2u);
  say(connect("dev-2"), words("hello"));  // which has its own
  EXPECT_EQ(desk.passed_over(), 2u);
  clock_ms += 60'000;
  say(connection, words("hello"));
  EXPECT_EQ(desk.passed_over(), 2u);
}

TEST_F(DeskTest, what_a_device_reports_is_kept) {
  const auto campaign = publish(bundle(1));
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  say(connection, "refused", campaign, "tooOld");
  const auto last = must(rows.last_of(device("dev-1").uuid, campaign));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->event, Event::kRefused);
  EXPECT_EQ(last->reason, "tooOld");
  EXPECT_EQ(last->at, test::kNow);
}

TEST_F(DeskTest, device_that_is_gone_and_connection_that_ended_are_told_nothing) {
  const auto connection = connect("dev-1");
  say(connection, words("hello"));
  desk.closed(connection);
  publish(bundle(1));
  desk.tell_offers();
  EXPECT_TRUE(desk.request(connection, kPrefix + "report", ByteView(words("hello").dump())));
  say(connect("nobody"), words("hello"));
  EXPECT_THAT(outbox.take(), IsEmpty());
}

// The session lived through the hub process before this one, which heard its hello.
TEST_F(DeskTest, session_that_is_told_again_goes_on_where_it_was) {
  const auto first = publish(bundle(1));
  const auto before = connect("dev-1");
  say(before, words("hello"));
  say(before, "fetching", first);
  heard();
  must(statements.pin(call(), {"1.2.3"}));

  Desk later(*registry, statements, bundles, outbox, options());
  wire::Opened opened;
  opened.connection = before;
  opened.client_id = "dev-1";
  opened.resent = true;
  later.opened(opened);  // it does not listen
  EXPECT_THAT(heard(), IsEmpty());
  opened.filters = {"$iothub/latchkey/firmware/#"};
  later.opened(opened);
  EXPECT_THAT(heard(), ElementsAre("statement"));  // and it goes on fetching
  const auto second = publish(bundle(2));
  later.tell_offers();
  EXPECT_THAT(heard(), ElementsAre(offer(second)));
  opened.connection = 7;
  opened.client_id = "dev-3";  // which never said anything
  later.opened(opened);
  EXPECT_THAT(heard(), IsEmpty());
}

}  // namespace
}  // namespace latchkey::hub::firmware
