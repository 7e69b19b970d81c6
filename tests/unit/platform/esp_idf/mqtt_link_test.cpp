// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/mqtt_link.h"

#include <fstream>
#include <sstream>

#include "platform/esp_idf/link_failure.h"
#include "platform/esp_idf/storage.h"
#include "tests/contract/link_contract.h"
#include "tests/support/esp_idf/mqtt_client.h"
#include "tests/support/esp_idf/nvs.h"

namespace latchkey::test {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

class EspLinkMedium {
 public:
  static constexpr bool kOnboards = true;
  static constexpr std::size_t kLarge = 10'000;  // five pieces

  EspLinkMedium(const LinkWorld& world, ports::MqttLinkEvents& events, int network_timeout_ms = 30'000)
      : trust_(text_of(world.folder().file("ca.pem"))),
        certificate_(text_of(world.folder().file("onboarding.pem"))),
        key_(text_of(world.folder().file("onboarding.key"))),
        link_({trust_.c_str(), certificate_.c_str(), key_.c_str(), network_timeout_ms}, storage_, events) {
    esp::Nvs::the().reset();
    EXPECT_TRUE(storage_.open());
  }
  esp_idf::EspMqttLink& link() { return link_; }
  void put(ports::Item item, const std::string& record) { ASSERT_TRUE(storage_.write(item, ByteView(record))); }
  void turn() { link_.poll(10); }

 private:
  const std::string trust_, certificate_, key_;
  esp_idf::NvsStorage storage_;
  esp_idf::EspMqttLink link_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Esp, LinkContract, EspLinkMedium);

}  // namespace latchkey::test

namespace latchkey::esp_idf {
namespace {

using ports::LinkFailure;
using ports::LinkIdentity;
using test::LinkRecorder;

class EspMqttLinkTest : public test::LinkContract<test::EspLinkMedium> {
 protected:
  void TestBody() override {}
  void TearDown() override {
    test::esp::mqtt_end_twice(false);
    medium_.reset();
    EXPECT_EQ(test::esp::mqtt_clients(), 0u);
  }
};

TEST_F(EspMqttLinkTest, second_telling_of_an_end_does_not_end_the_next_attempt) {
  const test::MosquittoBroker broker(world_.folder(), world_.broker_settings(test::kOpenDoor));
  test::esp::mqtt_end_twice(true);
  for (std::size_t round = 1; round <= 3; ++round) {
    ASSERT_TRUE(link().connect(request(broker.port())));
    ASSERT_TRUE(await_connected(static_cast<int>(round)));
    ASSERT_TRUE(link().publish("t", {}, 1)) << "the session is up";
    const int published = static_cast<int>(round);
    ASSERT_TRUE(await([=](const LinkRecorder::Told& now) { return now.published == published; }));
    EXPECT_EQ(told().ends.size(), round - 1);
    link().disconnect();
    ASSERT_TRUE(await_end(round));
  }
  EXPECT_EQ(told().ends.size(), 3u);
}

// A server that takes a publish, never acknowledges it and goes away.
TEST_F(EspMqttLinkTest, what_one_session_left_unacknowledged_is_not_sent_in_the_next) {
  const test::LoopbackServer server([this](int socket) {
    serve_tls(socket, world_.server_files(), [](SSL* tls) {
      char packet[512];
      SSL_read(tls, packet, sizeof packet);
      SSL_write(tls, "\x20\x02\x00\x00", 4);  // CONNACK
      SSL_read(tls, packet, sizeof packet);   // PUBLISH
    });
  });
  const std::size_t before = test::esp::mqtt_repeats();
  ASSERT_TRUE(link().connect(request(server.port())));
  ASSERT_TRUE(await_connected());
  ASSERT_TRUE(link().publish("for/this/server/alone", ByteView(std::string("x")), 1));
  ASSERT_TRUE(await_end());
  const test::MosquittoBroker broker(world_.folder(), world_.broker_settings(test::kOpenDoor));
  ASSERT_TRUE(link().connect(request(broker.port())));
  ASSERT_TRUE(await_connected(2));
  ASSERT_TRUE(link().publish("t", ByteView(std::string("y")), 1));
  ASSERT_TRUE(await([](const LinkRecorder::Told& now) { return now.published == 1; }));
  EXPECT_EQ(test::esp::mqtt_repeats(), before);
}

// A server that takes the connection and never says anything.
TEST_F(EspMqttLinkTest, attempt_that_is_given_up_ends_when_its_time_is_over) {
  const test::LoopbackServer server([](int socket) {
    char hello[1024];
    while (recv(socket, hello, sizeof hello, 0) > 0) {
    }
  });
  medium_ = std::make_unique<test::EspLinkMedium>(world_, *events_, 200);
  ASSERT_TRUE(link().connect(request(server.port())));
  link().disconnect();
  ASSERT_TRUE(await_end());
  EXPECT_EQ(told().ends[0].first, LinkFailure::kLost);
  EXPECT_EQ(told().connected, 0);
}

TEST_F(EspMqttLinkTest, silent_server_is_unreachable) {
  const test::LoopbackServer server([](int socket) {
    char hello[1024];
    while (recv(socket, hello, sizeof hello, 0) > 0) {
    }
  });
  medium_ = std::make_unique<test::EspLinkMedium>(world_, *events_, 200);
  ASSERT_TRUE(link().connect(request(server.port())));
  ASSERT_TRUE(await_end());
  EXPECT_EQ(told().ends[0].first, LinkFailure::kUnreachable);
}

TEST_F(EspMqttLinkTest, connection_that_came_after_it_was_given_up_is_closed_without_a_word) {
  const test::MosquittoBroker broker(world_.folder(), world_.broker_settings(test::kOpenDoor));
  for (std::size_t round = 1; round <= 5; ++round) {
    ASSERT_TRUE(link().connect(request(broker.port())));
    link().disconnect();
    ASSERT_TRUE(await_end(round));
    EXPECT_EQ(told().ends[round - 1].first, LinkFailure::kLost);
  }
  EXPECT_EQ(told().connected, 0);
  ASSERT_TRUE(link().connect(request(broker.port())));
  EXPECT_TRUE(await_connected());
}

TEST_F(EspMqttLinkTest, task_that_died_without_a_word_is_started_again) {
  const test::MosquittoBroker broker(world_.folder(), world_.broker_settings(test::kOpenDoor));
  medium_ = std::make_unique<test::EspLinkMedium>(world_, *events_, 300);
  for (std::size_t round = 1; round <= 2; ++round) {
    test::esp::mqtt_die_silently(true);
    ASSERT_TRUE(link().connect(request(broker.port())));
    link().disconnect();  // as the core does when its patience is over
    ASSERT_TRUE(await_end(round));
    EXPECT_EQ(told().connected, 0);
  }
  test::esp::mqtt_die_silently(false);  // a task that was given up before it began did not come to it
  medium_ = std::make_unique<test::EspLinkMedium>(world_, *events_);
  ASSERT_TRUE(link().connect(request(broker.port())));
  EXPECT_TRUE(await_connected());
}

TEST_F(EspMqttLinkTest, connect_from_within_the_end_of_a_session_works) {
  const test::MosquittoBroker broker(world_.folder(), world_.broker_settings("allow_anonymous false\n"));
  class Again final : public ports::MqttLinkEvents {
   public:
    void on_connected(bool) override {}
    void on_ended(LinkFailure why, int) override {
      EXPECT_EQ(why, LinkFailure::kRefused);
      if (++ends < 3) {
        EXPECT_TRUE(link->connect(asked));
      }
    }
    void on_subscribed(bool) override {}
    void on_published() override {}
    void on_message(std::string_view, ByteView) override {}
    ports::MqttLink* link = nullptr;
    ports::LinkRequest asked;
    std::atomic<int> ends{0};
  } again;
  medium_ = std::make_unique<test::EspLinkMedium>(world_, again);
  again.link = &link();
  again.asked = request(broker.port());
  ASSERT_TRUE(link().connect(again.asked));
  EXPECT_TRUE(await([&](const LinkRecorder::Told&) { return again.ends == 3; }));
}

TEST_F(EspMqttLinkTest, message_beyond_all_bounds_is_dropped_and_the_next_one_arrives) {
  const test::MosquittoBroker broker(world_.folder(), world_.broker_settings(test::kOpenDoor));
  ASSERT_TRUE(link().connect(request(broker.port())));
  ASSERT_TRUE(await_connected());
  ASSERT_TRUE(link().subscribe("t", 1));
  ASSERT_TRUE(await([](const LinkRecorder::Told& now) { return !now.granted.empty(); }));
  LinkRecorder other_events;
  test::EspLinkMedium other(world_, other_events);
  auto asked = request(broker.port());
  asked.client_id = "pump-18";
  ASSERT_TRUE(other.link().connect(asked));
  ASSERT_TRUE(await([&](const LinkRecorder::Told&) {
    other.turn();
    return other_events.told().connected == 1;
  }));
  EXPECT_EQ(other.link().publish("t", ByteView(std::string(EspMqttLink::kOutboxMax + 1, 'x')), 0).error(),
            Status::kTooLarge);
  ASSERT_TRUE(other.link().publish("t", ByteView(std::string(EspMqttLink::kOutboxMax, 'x')), 0));
  ASSERT_TRUE(other.link().publish("t", ByteView(std::string("small")), 0));
  ASSERT_TRUE(await([](const LinkRecorder::Told& now) { return !now.messages.empty(); }));
  EXPECT_THAT(told().messages, testing::ElementsAre("t=small"));
  EXPECT_EQ(medium_->link().dropped(), 1u);
}

TEST_F(EspMqttLinkTest, texts_that_do_not_fit_are_refused_at_once) {
  const std::string longer(EspMqttLink::kMaxText + 1, 'x');
  auto asked = request(1);
  asked.username = longer;
  EXPECT_EQ(link().connect(asked).error(), Status::kTooLarge);
  asked = request(1);
  asked.password = std::string_view("a\0b", 3);  // would be cut off at the zero
  EXPECT_EQ(link().connect(asked).error(), Status::kTooLarge);
  asked = request(1);
  asked.host = "";
  EXPECT_EQ(link().connect(asked).error(), Status::kInvalidArgument);
  EXPECT_EQ(told().ends.size(), 0u);
}

TEST_F(EspMqttLinkTest, full_outbox_throttles) {
  const test::LoopbackServer server([this](int socket) {
    serve_tls(socket, world_.server_files(), [](SSL* tls) {
      char packet[512];
      SSL_read(tls, packet, sizeof packet);
      SSL_write(tls, "\x20\x02\x00\x00", 4);  // CONNACK
      while (SSL_read(tls, packet, sizeof packet) > 0) {
      }
    });
  });
  ASSERT_TRUE(link().connect(request(server.port())));
  ASSERT_TRUE(await_connected());
  const std::string half(EspMqttLink::kOutboxMax / 2, 'x');
  EXPECT_TRUE(link().publish("t", ByteView(half), 1));
  EXPECT_TRUE(link().publish("t", ByteView(half), 1));
  EXPECT_EQ(link().publish("t", ByteView(half), 1).error(), Status::kThrottled);
  link().disconnect();
  EXPECT_TRUE(await_end());
}

struct Explained {
  int last_esp_error, stack_error;
  LinkFailure why;
};

// Only what was refused is a refusal; only a broken chain is a server that is not trusted.
TEST(LinkFailureText, each_code_of_esp_tls_has_its_meaning) {
  const Explained table[] = {
      {0x8001, 0, LinkFailure::kUnreachable},            // no such name
      {0x8002, 0, LinkFailure::kUnreachable},            // no socket
      {0x8004, 0, LinkFailure::kUnreachable},            // refused TCP
      {0x8006, 0, LinkFailure::kUnreachable},            // time-out
      {0x8009, 0, LinkFailure::kUnreachable},            // handshake time-out
      {0x8015, 0x2180, LinkFailure::kLocal},             // our certificate
      {0x8019, 0x3D00, LinkFailure::kLocal},             // our key
      {0x8017, 0x7F00, LinkFailure::kLocal},             // memory
      {0x101, 0, LinkFailure::kLocal},                   // memory
      {0x801A, 0x2700, LinkFailure::kServerNotTrusted},  // X.509 verification
      {0x801A, 0x7780, LinkFailure::kTlsAlert},          // fatal alert
      {0x801A, 0x7280, LinkFailure::kTlsAlert},          // closed
      {0x801A, 0x0050, LinkFailure::kTlsAlert},          // reset
      {0x801A, 0x7F00, LinkFailure::kLocal},             // memory
      {0x801A, 0x7200, LinkFailure::kServerNotTrusted},  // no TLS
      {0x8008, 0, LinkFailure::kClosedWithoutConnack},   // FIN
      {0x801D, 0x7780, LinkFailure::kClosedWithoutConnack},
      {0, 0, LinkFailure::kClosedWithoutConnack},
  };
  for (const Explained& row : table) {
    esp_mqtt_error_codes_t error{};
    error.error_type = MQTT_ERROR_TYPE_TCP_TRANSPORT;
    error.esp_tls_last_esp_err = row.last_esp_error;
    error.esp_tls_stack_err = row.stack_error;
    error.connect_return_code = 5;  // left over
    EXPECT_EQ(explain(error).why, row.why) << std::hex << row.last_esp_error << " " << row.stack_error;
  }
  esp_mqtt_error_codes_t refused{};
  refused.error_type = MQTT_ERROR_TYPE_CONNECTION_REFUSED;
  refused.connect_return_code = 5;
  EXPECT_EQ(explain(refused).why, LinkFailure::kRefused);
  EXPECT_EQ(explain(refused).detail, 5);
}

}  // namespace
}  // namespace latchkey::esp_idf
