// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hub/session/session_fixture.h"

namespace latchkey::hub::session {
namespace {

// --- telemetry and who is there

TEST_F(SessionTest, telemetry_is_counted_per_device_and_in_all) {
  const auto first = connect("dev-1");
  const auto second = connect("dev-2");
  now += 10;
  telemetry(first, "dev-1", "12345");
  sessions->request(first, "devices/dev-1/messages/events/%24.ct=application%2Fjson&a=b", ByteView());
  now += 10;
  telemetry(second, "dev-2");
  const auto all = sessions->connected();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].device_id, "dev-1");
  EXPECT_EQ(all[0].telemetry, 2U);
  EXPECT_EQ(all[0].since, kNow);
  EXPECT_EQ(all[0].last_seen, kNow + 10);
  EXPECT_EQ(all[0].peer, "127.0.0.1");
  EXPECT_EQ(all[1].last_seen, kNow + 20);
  EXPECT_EQ(sessions->totals().telemetry_messages, 3U);
  EXPECT_EQ(sessions->totals().telemetry_bytes, 7U);
  EXPECT_EQ(sessions->totals().connected, 2U);
  EXPECT_TRUE(outbox.take().empty());
}

TEST_F(SessionTest, telemetry_in_anothers_name_is_refused) {
  const auto connection = connect("dev-1");
  connect("dev-2");
  telemetry(connection, "dev-2");
  telemetry(connection, "DEV-1");
  EXPECT_EQ(sessions->totals().telemetry_messages, 0U);
  EXPECT_EQ(sessions->totals().refused_messages, 2U);
  EXPECT_EQ(sessions->connected("dev-2")->telemetry, 0U);
}

TEST_F(SessionTest, unknown_topics_and_oversized_telemetry_are_refused) {
  const auto connection = connect("dev-1");
  for (const std::string topic :
       {"", "a", "devices/dev-1/messages/devicebound/", "devices/", "$iothub/twin/GET/?$rid=1",
        "$iothub/credential/POST/issueCertificate/?$rid=rid-1", "$SYS/x"}) {
    sessions->request(connection, topic, ByteView());
  }
  telemetry(connection, "dev-1", std::string(kMaxTelemetry, 'x'));
  telemetry(connection, "dev-1", std::string(kMaxTelemetry + 1, 'x'));
  EXPECT_EQ(sessions->totals().refused_messages, 8U);
  EXPECT_EQ(sessions->totals().telemetry_messages, 1U);
  EXPECT_TRUE(outbox.take().empty());
}

TEST_F(SessionTest, unknown_or_closed_connection_is_not_heard) {
  telemetry(7, "dev-1");
  const auto connection = connect("dev-1");
  sessions->closed(connection);
  telemetry(connection, "dev-1");
  EXPECT_TRUE(ask(connection, "rid-1", body("dev-1")).empty());
  EXPECT_EQ(sessions->totals().telemetry_messages, 0U);
  EXPECT_EQ(sessions->totals().connected, 0U);
  EXPECT_FALSE(sessions->connected("dev-1"));
  EXPECT_EQ(sessions->last_seen("dev-1"), kNow);
  EXPECT_FALSE(sessions->last_seen("dev-9"));
}

TEST_F(SessionTest, late_close_of_the_old_connection_leaves_the_new_one) {
  const auto old = connect("dev-1");
  const auto fresh = connect("dev-1");
  sessions->closed(old);
  ASSERT_TRUE(sessions->connected("dev-1"));
  EXPECT_EQ(sessions->connected("dev-1")->connection, fresh);
  EXPECT_EQ(sessions->totals().connected, 1U);
}

TEST_F(SessionTest, connection_told_again_is_the_same_session) {
  wire::Opened opened;
  opened.connection = connect("dev-1");
  opened.client_id = "dev-1";
  opened.resent = true;
  now += 1000;
  sessions->opened(opened);
  EXPECT_EQ(sessions->connected("dev-1")->since, kNow);
}

TEST_F(SessionTest, refused_attempt_is_not_a_session) {
  wire::Opened opened;
  opened.connection = 1;
  opened.attempt = true;
  opened.client_id = "dev-1";
  sessions->opened(opened);
  EXPECT_TRUE(sessions->connected().empty());
}

// --- many at once

TEST_F(SessionTest, many_devices_renew_and_talk_at_once) {
  constexpr int kThreads = 8;
  std::vector<wire::ConnectionId> open;
  for (int i = 0; i < kThreads; ++i) {
    add_device("many-" + std::to_string(i));
    open.push_back(connect("many-" + std::to_string(i)));
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::string id = "many-" + std::to_string(i);
      for (int n = 0; n < 5; ++n) {
        telemetry(open[i], id);
        post(open[i], "rid-" + std::to_string(n), body(id));
        sessions->connected();
      }
      sessions->closed(open[i]);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(issuer.issued, 5U * kThreads);
  EXPECT_EQ(sessions->totals().telemetry_messages, 5U * kThreads);
  EXPECT_EQ(heard().size(), 2U * 5U * kThreads);
}

}  // namespace
}  // namespace latchkey::hub::session
