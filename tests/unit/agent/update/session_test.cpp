// SPDX-License-Identifier: Apache-2.0
// The session between a link whose broker the test plays, and a core that only takes note of what reaches it. Bundles,
// statements, slots and the machine are real.
#include "agent/update/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "platform/sim/clock.h"
#include "platform/sim/entropy.h"
#include "platform/sim/firmware_store.h"
#include "platform/sim/link.h"
#include "tests/unit/agent/update/firmware_world.h"

namespace latchkey::agent::test {
namespace {

using Kind = UpdateReport::Kind;

class NotingCore final : public ports::MqttLinkEvents {
 public:
  void on_connected(bool) override { ++connected; }
  void on_ended(ports::LinkFailure, int) override { ++ended; }
  void on_subscribed(bool granted) override {
    granted ? ++subscribed : ++refused;
    if (then) std::exchange(then, nullptr)();
  }
  void on_published() override { ++published; }
  void on_message(std::string_view topic, ByteView) override { topics.emplace_back(topic); }

  int connected = 0, ended = 0, subscribed = 0, refused = 0, published = 0;
  std::vector<std::string> topics;
  std::function<void()> then;  // after the next subscription
};

class NotingObserver final : public UpdateObserver {
 public:
  void on_update(const UpdateReport& report) override { reports.push_back(report); }
  void on_statement(const Result<StatementKind>& taken) override {
    statements.push_back(taken ? Status::kOk : taken.error());
  }
  void on_restart() override { ++restarts; }

  std::vector<UpdateReport> reports;
  std::vector<Status> statements;
  int restarts = 0;
};

class UpdateSessionTest : public testing::Test {
 protected:
  static constexpr std::size_t kSlotSize = 32 * ports::FirmwareStore::kBlockSize;

  UpdateSessionTest() : store(kSlotSize, Bytes(9000, 0xFA)) {
    config.board = kBoard;
    config.factory_version = {1, 0, 0};
    config.signing_roots = world.signing_roots.data();
    config.signing_root_count = world.signing_roots.size();
    config.timestamp_roots = world.timestamp_roots.data();
    config.timestamp_root_count = world.timestamp_roots.size();
    for (const Bytes& eku : world.ekus) config.pins.add(eku);
    config.statement_key = world.statement_spki;
    clock.set_wall(kYearLater);
    boot();
  }
  void boot() {
    store.restart();
    session.reset();
    link = std::make_unique<sim::ScriptedLink>();
    session = std::make_unique<UpdateSession>(config, talk, UpdateSession::Ports{*link, store, clock, entropy, *room},
                                              observer, kTrialLimit);
    session->serve(core);
    link->set_events(session.get());
    session->start();
  }
  void connect(ports::LinkIdentity identity = ports::LinkIdentity::kSlotA) {
    ports::LinkRequest request;
    request.host = "hub.example";
    request.identity = identity;
    ASSERT_TRUE(session->connect(request));
    ASSERT_TRUE(link->accept());
  }
  // The core's subscription is granted.
  void go_live() {
    connect();
    ASSERT_TRUE(session->subscribe("devices/dev-1/messages/devicebound/#", 1));
    ASSERT_TRUE(link->grant());
  }
  // The hub grants the firmware subscription and acknowledges hello.
  void greet() {
    go_live();
    ASSERT_EQ(link->subscribes.back().filter, firmware::kFilter);
    ASSERT_TRUE(link->grant());
    ASSERT_EQ(last_report().report, "hello");
    ASSERT_TRUE(link->acknowledge());
  }
  firmware::Report last_report() {
    for (auto sent = link->publishes.rbegin(); sent != link->publishes.rend(); ++sent) {
      if (sent->topic == firmware::kReportTopic) return *firmware::parse_report(sent->payload);
    }
    return {};
  }
  void deliver(std::string_view topic, ByteView body) { ASSERT_TRUE(link->deliver(topic, body)); }
  void offer(const OfferId& which, std::size_t size) {
    std::array<std::uint8_t, 256> body;
    const auto text = firmware::write_offer({which, size}, body);
    deliver(firmware::kOfferTopic, ByteView(*text));
  }
  // Answers requests, and acknowledges whatever is open, until nothing is asked for any more.
  void serve(const Bytes& bundle) {
    while (link->acknowledge()) {
    }
    while (!link->publishes.empty() && observer.restarts == 0) {
      const auto asked = firmware::parse_fetch_topic(link->publishes.back().topic);
      if (!asked || !asked->piece) return;
      const std::string rid(asked->request_id);
      const ByteView part = ByteView(bundle).subview(asked->piece->at, asked->piece->length);
      const std::size_t before = link->publishes.size();
      deliver("$iothub/latchkey/firmware/res/200/?$rid=" + rid, part);
      while (link->acknowledge()) {
      }
      if (link->publishes.size() == before) return;
    }
  }
  std::vector<Kind> told() const {
    std::vector<Kind> kinds;
    for (const UpdateReport& report : observer.reports) kinds.push_back(report.kind);
    return kinds;
  }

  static constexpr std::uint32_t kTrialLimit = 900'000;
  FirmwareWorld world;
  Certified leaf = world.leaf();
  sim::SimFirmwareStore store;
  sim::SimClock clock;
  sim::SeededEntropy entropy{1};
  UpdateConfig config;
  ConversationConfig talk;
  std::unique_ptr<UpdateRoom> room = std::make_unique<UpdateRoom>();
  NotingCore core;
  NotingObserver observer;
  std::unique_ptr<sim::ScriptedLink> link;
  std::unique_ptr<UpdateSession> session;
  const OfferId id = [] {
    OfferId made{};
    made[0] = 0x5A;
    return made;
  }();
};

TEST_F(UpdateSessionTest, an_update_goes_from_the_offer_over_a_restart_to_confirmed) {
  greet();
  Release release;
  release.image = Bytes(20'000, 0x42);
  const Bytes bundle = world.bundle(leaf, release);
  deliver(firmware::kStatementTopic, world.revocation_statement());
  EXPECT_EQ(observer.statements, std::vector<Status>{Status::kOk});
  EXPECT_EQ(session->summary().revocations, 1u);
  offer(id, bundle.size());
  serve(bundle);
  EXPECT_EQ(told(), (std::vector<Kind>{Kind::kFetching, Kind::kReady}));
  EXPECT_EQ(last_report().report, "ready");
  EXPECT_EQ(last_report().id, id);
  EXPECT_EQ(last_report().version, "1.0.0");  // of what runs
  EXPECT_EQ(observer.restarts, 1);

  boot();
  EXPECT_TRUE(session->summary().on_trial);
  EXPECT_EQ(session->summary().version, release.version);
  greet();
  EXPECT_FALSE(session->summary().on_trial);
  EXPECT_EQ(observer.reports.back().kind, Kind::kConfirmed);
  EXPECT_EQ(last_report().report, "confirmed");
  EXPECT_EQ(last_report().version, "1.2.0");
  EXPECT_EQ(last_report().id, id);
  ASSERT_TRUE(last_report().image);
  EXPECT_EQ(ByteView(*last_report().image), session->summary().image);
  EXPECT_EQ(observer.restarts, 1);
}

TEST_F(UpdateSessionTest, nothing_about_firmware_reaches_the_core_and_nothing_else_is_kept_from_it) {
  greet();
  EXPECT_EQ(core.connected, 1);
  EXPECT_EQ(core.subscribed, 1);
  EXPECT_EQ(core.published, 0);
  for (const auto topic : {firmware::kOfferTopic, firmware::kStatementTopic, firmware::kWithdrawTopic})
    deliver(topic, Bytes());
  deliver("$iothub/latchkey/firmware/res/200/?$rid=1", Bytes());
  deliver("$iothub/latchkey/firmware/other", Bytes());
  deliver("devices/dev-1/messages/devicebound/x", Bytes());
  deliver("$iothub/credentials/res/200/?$rid=abcd", Bytes());
  EXPECT_EQ(core.topics, (std::vector<std::string>{"devices/dev-1/messages/devicebound/x",
                                                   "$iothub/credentials/res/200/?$rid=abcd"}));
  ASSERT_TRUE(link->end(ports::LinkFailure::kLost));
  EXPECT_EQ(core.ended, 1);
}

TEST_F(UpdateSessionTest, each_acknowledgement_goes_to_who_published) {
  go_live();
  ASSERT_TRUE(session->publish("t/1", ByteView(std::string_view("a")), 1));
  ASSERT_TRUE(link->grant());  // and hello leaves
  ASSERT_TRUE(session->publish("t/2", ByteView(std::string_view("b")), 1));
  ASSERT_TRUE(session->publish("t/0", ByteView(std::string_view("not acknowledged")), 0));
  ASSERT_TRUE(link->acknowledge());
  EXPECT_EQ(core.published, 1);
  ASSERT_TRUE(link->acknowledge());  // hello's
  EXPECT_EQ(core.published, 1);
  ASSERT_TRUE(link->acknowledge());
  EXPECT_EQ(core.published, 2);
  EXPECT_FALSE(link->acknowledge());
}

TEST_F(UpdateSessionTest, more_than_can_be_counted_belongs_to_the_core) {
  go_live();
  constexpr int kMany = 100;
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(session->publish("t", ByteView(), 1));
  ASSERT_TRUE(link->grant());
  EXPECT_EQ(last_report().report, "");  // no room for hello yet
  for (int i = 0; i < kMany; ++i) ASSERT_TRUE(link->acknowledge());
  EXPECT_EQ(core.published, kMany);
  clock.advance(60'000);
  session->on_timer();
  EXPECT_EQ(last_report().report, "hello");
  ASSERT_TRUE(link->acknowledge());
  EXPECT_EQ(core.published, kMany);
}

TEST_F(UpdateSessionTest, all_that_the_core_subscribes_to_comes_first) {
  connect();
  core.then = [&] { ASSERT_TRUE(session->subscribe("$iothub/credentials/res/#", 1)); };
  ASSERT_TRUE(session->subscribe("devices/dev-1/messages/devicebound/#", 1));
  ASSERT_TRUE(link->grant());
  ASSERT_EQ(link->subscribes.size(), 2u);
  ASSERT_TRUE(link->grant());
  ASSERT_EQ(link->subscribes.size(), 3u);
  EXPECT_EQ(link->subscribes.back().filter, firmware::kFilter);
  EXPECT_EQ(core.subscribed, 2);
}

TEST_F(UpdateSessionTest, at_dps_not_a_word_is_said) {
  for (const auto identity : {ports::LinkIdentity::kNone, ports::LinkIdentity::kOnboarding}) {
    connect(identity);
    ASSERT_TRUE(session->subscribe("$dps/registrations/res/#", 1));
    ASSERT_TRUE(link->grant());
    ASSERT_TRUE(session->publish("$dps/registrations/PUT/x", ByteView(), 1));
    ASSERT_TRUE(link->acknowledge());
    ASSERT_TRUE(link->end(ports::LinkFailure::kLost));
  }
  EXPECT_EQ(link->subscribes.size(), 2u);
  EXPECT_EQ(link->publishes.size(), 2u);
  EXPECT_EQ(core.published, 2);
}

TEST_F(UpdateSessionTest, a_refused_subscription_of_the_core_is_no_sign_of_health) {
  connect();
  ASSERT_TRUE(session->subscribe("devices/dev-1/messages/devicebound/#", 1));
  ASSERT_TRUE(link->grant(false));
  EXPECT_EQ(core.refused, 1);
  EXPECT_EQ(link->subscribes.size(), 1u);
}

TEST_F(UpdateSessionTest, an_older_hub_that_refuses_the_subscription_is_told_nothing) {
  go_live();
  ASSERT_EQ(link->subscribes.size(), 2u);
  ASSERT_TRUE(link->grant(false));
  EXPECT_EQ(core.refused, 0);
  clock.advance(3'600'000);
  session->on_timer();
  EXPECT_TRUE(link->publishes.empty());
  ASSERT_TRUE(session->publish("t", ByteView(), 1));
  ASSERT_TRUE(link->acknowledge());
  EXPECT_EQ(core.published, 1);
}

TEST_F(UpdateSessionTest, an_image_that_does_not_get_connected_in_time_is_given_back) {
  greet();
  Release release;
  const Bytes bundle = world.bundle(leaf, release);
  deliver(firmware::kStatementTopic, world.revocation_statement());
  offer(id, bundle.size());
  serve(bundle);
  ASSERT_EQ(observer.restarts, 1);
  boot();
  ASSERT_TRUE(session->summary().on_trial);
  EXPECT_EQ(session->wake_at(), clock.monotonic() + kTrialLimit);
  clock.advance(kTrialLimit - 1);
  session->on_timer();
  EXPECT_EQ(observer.restarts, 1);
  clock.advance(1);
  session->on_timer();
  EXPECT_EQ(observer.restarts, 2);
  boot();
  EXPECT_EQ(session->summary().version, (Version{1, 0, 0}));
  greet();
  EXPECT_EQ(last_report().report, "reverted");
  EXPECT_EQ(last_report().reason, "notConfirmed");
  EXPECT_EQ(last_report().id, id);
}

TEST_F(UpdateSessionTest, what_is_refused_says_which_bundle_and_why) {
  greet();
  deliver(firmware::kStatementTopic, world.revocation_statement());
  Release release;
  release.board = "another-board";
  const Bytes bundle = world.bundle(leaf, release);
  offer(id, bundle.size());
  serve(bundle);
  EXPECT_EQ(last_report().report, "refused");
  EXPECT_EQ(last_report().reason, "wrongBoard");
  EXPECT_EQ(last_report().id, id);
  OfferId huge{};
  huge[0] = 9;
  offer(huge, kSlotSize + 100'000);
  EXPECT_EQ(last_report().reason, "tooLarge");
  EXPECT_EQ(last_report().id, huge);
}

TEST_F(UpdateSessionTest, a_statement_that_is_not_the_hubs_is_told_to_who_watches_and_changes_nothing) {
  greet();
  Bytes forged = world.revocation_statement();
  forged.back() ^= 1;
  deliver(firmware::kStatementTopic, forged);
  EXPECT_EQ(observer.statements, std::vector<Status>{Status::kNotTrusted});
  EXPECT_EQ(session->summary().revocations, 0u);
  const std::size_t before = link->publishes.size();
  clock.advance(60'000);
  session->on_timer();
  EXPECT_EQ(link->publishes.size(), before);
}

TEST_F(UpdateSessionTest, the_hub_hears_which_statements_are_held) {
  greet();
  deliver(firmware::kStatementTopic, world.revocation_statement({}, 5));
  clock.advance(10'000);
  session->on_timer();
  EXPECT_EQ(last_report().report, "hello");
  EXPECT_EQ(last_report().revocations, 5u);
}

TEST_F(UpdateSessionTest, what_runs_and_is_revoked_is_said_and_given_back_without_naming_a_bundle) {
  greet();
  Release release;
  const Bytes bundle = world.bundle(leaf, release);
  deliver(firmware::kStatementTopic, world.revocation_statement());
  offer(id, bundle.size());
  serve(bundle);
  boot();
  greet();
  while (link->acknowledge()) {
  }
  ASSERT_EQ(session->summary().version, release.version);
  deliver(firmware::kStatementTopic, world.revocation_statement({{revoked(leaf, kStart)}, {}, {}}, 2));
  while (link->acknowledge()) {
  }
  ASSERT_GE(observer.reports.size(), 2u);
  EXPECT_EQ(observer.reports[observer.reports.size() - 2].kind, Kind::kRevoked);
  EXPECT_EQ(observer.reports.back().kind, Kind::kGoingBack);
  EXPECT_EQ(observer.reports.back().version, (Version{1, 0, 0}));
  EXPECT_FALSE(last_report().id);
  EXPECT_EQ(observer.restarts, 2);
  boot();
  greet();
  EXPECT_EQ(last_report().report, "confirmed");
  EXPECT_FALSE(last_report().id);
  EXPECT_FALSE(last_report().image);  // the factory's
  EXPECT_EQ(session->summary().version, (Version{1, 0, 0}));
}

TEST_F(UpdateSessionTest, a_core_that_leaves_ends_the_conversation_at_once) {
  greet();
  session->disconnect();
  EXPECT_EQ(link->disconnects, 1u);
  const std::size_t before = link->publishes.size();
  offer(id, 10'000);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(link->publishes.size(), before);
  ASSERT_TRUE(link->finish_disconnect());
  EXPECT_EQ(core.ended, 1);
}

TEST_F(UpdateSessionTest, an_offer_that_came_before_the_time_is_taken_with_it) {
  clock.lose_wall(0);
  boot();
  greet();
  deliver(firmware::kStatementTopic, world.revocation_statement());
  const Bytes bundle = world.bundle(leaf);
  offer(id, bundle.size());
  EXPECT_LE(session->wake_at(), clock.monotonic() + 1'000);
  EXPECT_TRUE(told().empty());
  clock.set_wall(kYearLater);
  session->on_timer();
  serve(bundle);
  EXPECT_EQ(told(), (std::vector<Kind>{Kind::kFetching, Kind::kReady}));
}

}  // namespace
}  // namespace latchkey::agent::test
