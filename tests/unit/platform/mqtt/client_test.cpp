// SPDX-License-Identifier: Apache-2.0
#include "platform/mqtt/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace latchkey::mqtt {
namespace {

using testing::ElementsAre;
using namespace std::string_literals;

class Recorder final : public ports::MqttLinkEvents {
 public:
  void on_connected(bool session_present) override { add(session_present ? "connected, session" : "connected"); }
  void on_ended(ports::LinkFailure, int) override { add("ended"); }
  void on_subscribed(bool granted) override { add(granted ? "granted" : "not granted"); }
  void on_published() override { add("published"); }
  void on_message(std::string_view topic, ByteView payload) override {
    add(std::string(topic) + "=" + std::string(payload.text()));
    if (inside_on_message) inside_on_message();
  }
  std::vector<std::string> seen;
  std::function<void()> inside_on_message;

 private:
  void add(std::string what) { seen.push_back(std::move(what)); }
};

struct Bench {
  std::array<std::uint8_t, 64> in{};
  std::array<std::uint8_t, 160> out{};
  Recorder events;
  Client client{in, out, events};

  std::string unsent() const { return std::string(client.unsent().text()); }
  std::string take_unsent(ports::MonotonicMs now = 0) {
    const std::string bytes = unsent();
    client.sent(bytes.size(), now);
    return bytes;
  }
  void receive(const std::string& bytes, ports::MonotonicMs now = 0) { client.receive(ByteView(bytes), now); }
  void open(std::uint16_t keep_alive_s = 60) {
    ports::LinkRequest request;
    request.client_id = "pump-17";
    request.username = "u";
    request.password = "p";
    request.keep_alive_s = keep_alive_s;
    ASSERT_TRUE(client.open(request, 0));
  }
  void open_and_connect(std::uint16_t keep_alive_s = 60) {
    open(keep_alive_s);
    take_unsent();
    receive("\x20\x02\0\0"s);
    ASSERT_EQ(client.phase(), Client::Phase::kUp);
  }
};

std::string text(const std::string& value) {
  return std::string{static_cast<char>(value.size() >> 8), static_cast<char>(value.size())} + value;
}

std::string packet(char first, const std::string& body) {
  std::string header{first};
  std::size_t rest = body.size();
  do {
    header += static_cast<char>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
    rest >>= 7;
  } while (rest != 0);
  return header + body;
}

// MQTT 3.1.1 section 3.1, byte for byte.
TEST(MqttClient, connect_packet_is_the_standards) {
  Bench bench;
  bench.open();
  EXPECT_EQ(bench.unsent(), packet('\x10', text("MQTT") + "\x04\xC2\0\x3C"s + text("pump-17") + text("u") + text("p")));
  EXPECT_EQ(bench.client.phase(), Client::Phase::kConnecting);
}

TEST(MqttClient, nothing_that_was_sent_stays_in_the_buffer) {
  Bench bench;
  bench.open();
  bench.take_unsent();
  EXPECT_EQ(bench.out, (std::array<std::uint8_t, 160>{}));
  bench.open();
  bench.client.disconnect();  // before it could be sent
  EXPECT_EQ(bench.unsent(), "");
  EXPECT_EQ(bench.out, (std::array<std::uint8_t, 160>{}));
}

TEST(MqttClient, tells_of_a_session_that_was_kept) {
  Bench bench;
  bench.open();
  bench.receive("\x20\x02\x01\0"s);
  EXPECT_THAT(bench.events.seen, ElementsAre("connected, session"));
}

TEST(MqttClient, refusal_keeps_its_code_and_what_follows_is_not_read) {
  Bench bench;
  bench.open();
  bench.receive("\x20\x02\0\x05"s + packet('\x30', text("t") + "x"));
  EXPECT_EQ(bench.client.phase(), Client::Phase::kRefused);
  EXPECT_EQ(bench.client.refusal(), 5);
  EXPECT_TRUE(bench.events.seen.empty());
}

// What a server says in a good session.
std::string good_stream() {
  return "\x20\x02\0\0"s + "\x90\x03\0\x01\x01"s + packet('\x30', text("a/b") + "zero") +
         packet('\x32', text("c") + "\0\x07"s + "one") + "\x40\x02\0\x02"s + packet('\x30', text("empty")) + "\xD0\0"s +
         packet('\x32', text("large") + "\0\x08"s + std::string(300, 'x')) + "\x90\x03\0\x03\x80"s +
         packet('\x30', text("last") + "!");
}

// Feeds a good stream cut where `cuts` says, asking for what it acknowledges on the way.
std::vector<std::string> live_through(const std::string& stream, const std::vector<std::size_t>& cuts) {
  Bench bench;
  bench.open();
  bench.take_unsent();
  std::size_t at = 0;
  bool asked = false;
  bool asked_again = false;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : stream.size();
    while (at < end) {
      // the requests come when they may: after CONNACK, and a second filter after the first is settled
      const bool up = !bench.events.seen.empty();
      if (up && !asked) {
        asked =
            bench.client.subscribe("a/#", 1).has_value() && bench.client.publish("t", ByteView("p"s), 1).has_value();
        bench.take_unsent();
      }
      if (asked && !asked_again && bench.events.seen.size() > 1) {
        asked_again = bench.client.subscribe("b/#", 1).has_value();
        bench.take_unsent();
      }
      const std::size_t stop = up ? (asked_again ? end : std::min(end, std::max<std::size_t>(at + 1, 9)))
                                  : std::min(end, std::max<std::size_t>(at + 1, 4));
      bench.receive(stream.substr(at, stop - at));
      at = stop;
    }
  }
  EXPECT_EQ(bench.client.phase(), Client::Phase::kUp);
  EXPECT_EQ(bench.client.dropped(), 1u);
  bench.events.seen.push_back(bench.unsent());
  return bench.events.seen;
}

TEST(MqttClient, stream_may_be_cut_anywhere) {
  const std::string stream = good_stream();
  const auto whole = live_through(stream, {});
  const std::vector<std::string> expected{"connected",   "granted",   "a/b=zero",
                                          "c=one",       "published", "empty=",
                                          "not granted", "last=!",    "\x40\x02\0\x07\x40\x02\0\x08"s};
  ASSERT_EQ(whole, expected);
  for (std::size_t first = 1; first < stream.size(); ++first) {
    ASSERT_EQ(live_through(stream, {first}), whole) << "cut at " << first;
    if (first > 60) continue;
    for (std::size_t second = first + 1; second < 60; ++second) {
      ASSERT_EQ(live_through(stream, {first, second}), whole) << "cut at " << first << " and " << second;
    }
  }
  std::vector<std::size_t> everywhere;
  for (std::size_t at = 1; at < stream.size(); ++at) everywhere.push_back(at);
  EXPECT_EQ(live_through(stream, everywhere), whole);
}

TEST(MqttClient, what_a_server_may_not_say_breaks_the_session) {
  const std::string bad[] = {
      "\x20\x02\0\0"s,                                          // CONNACK twice
      "\x10\x02\0\0"s,                                          // a client's packet
      "\x40\x01\0"s,                                            // PUBACK too short
      "\x40\x03\0\x01\0"s,                                      // too long
      "\x42\x02\0\x01"s,                                        // reserved flags
      "\x90\x03\0\x09\x01"s,                                    // SUBACK that nobody asked for
      "\xD0\x01\0"s,                                            // PINGRESP with a body
      packet('\x34', text("t") + "\0\x01"s),                    // QoS 2
      packet('\x36', text("t") + "\0\x01"s),                    // QoS 3
      packet('\x32', text("t") + "\0\0"s),                      // packet id 0
      packet('\x32', text("t")),                                // no packet id
      packet('\x30', "\0\x05t"s),                               // topic beyond the packet
      packet('\x30', "\0\0"s),                                  // no topic
      packet('\x30', "\0"s),                                    // no length
      packet('\x30', text(std::string(100, 't')) + "payload"),  // topic beyond our buffer
      "\x30\x80\x80\x80\x80\x01"s,                              // length of five bytes
  };
  for (const std::string& bytes : bad) {
    Bench bench;
    bench.open_and_connect();
    bench.receive(bytes);
    EXPECT_EQ(bench.client.phase(), Client::Phase::kBroken) << testing::PrintToString(bytes);
    bench.receive("\x30\x04\0\x01t!"s);
    EXPECT_THAT(bench.events.seen, ElementsAre("connected")) << testing::PrintToString(bytes);
  }
  for (const std::string& bytes : {"\x30\x04\0\x01t!"s, "\x20\x03\0\0\0"s, "\x20\x02\x02\0"s, "\x21\x02\0\0"s}) {
    Bench bench;
    bench.open();
    bench.receive(bytes);
    EXPECT_EQ(bench.client.phase(), Client::Phase::kBroken) << testing::PrintToString(bytes);
    EXPECT_TRUE(bench.events.seen.empty());
  }
}

TEST(MqttClient, no_bytes_do_harm) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string good = good_stream();
  for (int run = 0; run < 20'000; ++run) {
    Bench bench;
    bench.open();
    std::string stream = good.substr(0, random() % good.size());
    for (unsigned change = random() % 4; change > 0 && !stream.empty(); --change) {
      stream[random() % stream.size()] = static_cast<char>(random());
    }
    for (unsigned more = random() % 40; more > 0; --more) stream += static_cast<char>(random());
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece = 1 + random() % 50;
      bench.receive(stream.substr(at, piece));
      at += piece;
    }
    ASSERT_LE(bench.client.unsent().size(), bench.out.size());
    for (const std::string& event : bench.events.seen) ASSERT_LE(event.size(), bench.in.size() + 1);
  }
}

TEST(MqttClient, sends_what_the_standard_says) {
  Bench bench;
  bench.open_and_connect();
  ASSERT_TRUE(bench.client.subscribe("f/#", 1));
  EXPECT_EQ(bench.take_unsent(), packet('\x82', "\0\x01"s + text("f/#") + "\x01"));
  ASSERT_TRUE(bench.client.publish("t", ByteView("hello"s), 1));
  EXPECT_EQ(bench.take_unsent(), packet('\x32', text("t") + "\0\x02"s + "hello"));
  ASSERT_TRUE(bench.client.publish("t", ByteView(), 0));
  EXPECT_EQ(bench.take_unsent(), packet('\x30', text("t")));
  bench.client.disconnect();
  EXPECT_EQ(bench.take_unsent(), "\xE0\0"s);
}

TEST(MqttClient, length_beyond_127_takes_two_bytes) {
  Bench bench;
  bench.open_and_connect();
  const std::string payload(140, 'x');
  ASSERT_TRUE(bench.client.publish("t", ByteView(payload), 0));
  EXPECT_EQ(bench.unsent(), packet('\x30', text("t") + payload));
}

TEST(MqttClient, refuses_what_it_has_no_room_for) {
  Bench bench;
  EXPECT_EQ(bench.client.publish("t", ByteView(), 0).error(), Status::kNotReady);
  EXPECT_EQ(bench.client.subscribe("t", 0).error(), Status::kNotReady);
  ports::LinkRequest request;
  const std::string long_name(200, 'u');
  request.username = long_name;
  EXPECT_EQ(bench.client.open(request, 0).error(), Status::kTooLarge);
  EXPECT_EQ(bench.client.phase(), Client::Phase::kClosed);

  bench.open_and_connect();
  const std::string large(200, 'x');
  EXPECT_EQ(bench.client.publish("t", ByteView(large), 0).error(), Status::kTooLarge);
  EXPECT_EQ(bench.client.publish("t", ByteView(), 2).error(), Status::kUnsupported);
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(bench.client.publish("t", ByteView(), 1)) << i;
    bench.take_unsent();
  }
  EXPECT_EQ(bench.client.publish("t", ByteView(), 1).error(), Status::kBusy);
  bench.receive("\x40\x02\0\x03"s);
  EXPECT_TRUE(bench.client.publish("t", ByteView(), 1));
  bench.receive("\x40\x02\0\x03"s);  // settled before: says nothing
  EXPECT_THAT(bench.events.seen, ElementsAre("connected", "published"));
}

TEST(MqttClient, pings_after_the_keep_alive_and_gives_up_without_an_answer) {
  Bench bench;
  bench.open_and_connect(10);
  EXPECT_EQ(bench.client.wake_at(), 10'000u);
  bench.client.on_time(9'999);
  EXPECT_EQ(bench.unsent(), "");
  bench.client.on_time(10'000);
  EXPECT_EQ(bench.take_unsent(10'000), "\xC0\0"s);
  bench.receive("\xD0\0"s, 10'100);
  bench.client.on_time(20'000);
  EXPECT_EQ(bench.take_unsent(20'000), "\xC0\0"s);
  bench.client.on_time(29'999);
  EXPECT_EQ(bench.client.phase(), Client::Phase::kUp);
  bench.client.on_time(30'000);
  EXPECT_EQ(bench.client.phase(), Client::Phase::kBroken);
}

TEST(MqttClient, listener_may_answer_and_leave_from_within_a_message) {
  Bench bench;
  bench.open_and_connect();
  bench.events.inside_on_message = [&] {
    ASSERT_TRUE(bench.client.publish("answer", ByteView("x"s), 0));
    bench.client.disconnect();
  };
  const std::string message = packet('\x32', text("t") + "\0\x07"s + "ask");
  bench.receive(message + message);
  EXPECT_THAT(bench.events.seen, ElementsAre("connected", "t=ask"));
  EXPECT_EQ(bench.unsent(), packet('\x30', text("answer") + "x") + "\xE0\0"s);
}

TEST(MqttClient, new_session_remembers_nothing_of_the_last) {
  Bench bench;
  bench.open_and_connect();
  ASSERT_TRUE(bench.client.subscribe("f", 1));
  ASSERT_TRUE(bench.client.publish("t", ByteView(), 1));
  bench.receive("\x30\x10\0"s);  // a message that never ends
  bench.open_and_connect();
  ASSERT_TRUE(bench.client.subscribe("f", 1));
  EXPECT_THAT(bench.events.seen, ElementsAre("connected", "connected"));
}

}  // namespace
}  // namespace latchkey::mqtt
