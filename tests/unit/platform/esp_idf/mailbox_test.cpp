// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace latchkey::esp_idf {
namespace {

using testing::ElementsAre;

class Listener final : public ports::MqttLinkEvents {
 public:
  void on_connected(bool) override { said.emplace_back("connected"); }
  void on_ended(ports::LinkFailure, int) override { said.emplace_back("ended"); }
  void on_subscribed(bool granted) override { said.emplace_back(granted ? "granted" : "not granted"); }
  void on_published() override { said.emplace_back("published"); }
  void on_message(std::string_view topic, ByteView payload) override {
    said.push_back(std::string(topic) + "=" + std::string(payload.text()));
  }
  std::vector<std::string> said;
};

std::vector<std::string> deliver_all(Mailbox& box, bool quiet = false) {
  Listener to;
  Mailbox::End end{};
  for (;;) {
    const auto delivered = box.deliver_one(to, quiet, end);
    if (delivered == Mailbox::Delivered::kEnd) to.on_ended(end.why, end.detail);
    if (delivered != Mailbox::Delivered::kEvent) return to.said;
  }
}

void put_message(Mailbox& box, const std::string& topic, const std::string& payload) {
  box.put_piece(topic, ByteView(payload), 0, payload.size());
}

TEST(Mailbox, delivers_in_the_order_of_a_session_and_its_end_last) {
  Mailbox box;
  ASSERT_TRUE(box.usable());
  box.put_ended(ports::LinkFailure::kLost, 0);
  put_message(box, "t", "one");
  put_message(box, "t", "two");
  box.put_published();
  box.put_subscribed(false);
  box.put_subscribed(true);
  box.put_connected(false);
  EXPECT_THAT(deliver_all(box),
              ElementsAre("connected", "granted", "not granted", "published", "t=one", "t=two", "ended"));
  EXPECT_TRUE(deliver_all(box).empty());
}

TEST(Mailbox, when_quiet_only_the_end_is_told) {
  Mailbox box;
  box.put_connected(true);
  put_message(box, "t", "one");
  box.put_ended(ports::LinkFailure::kLost, 0);
  EXPECT_THAT(deliver_all(box, true), ElementsAre("ended"));
  EXPECT_TRUE(deliver_all(box).empty());
}

TEST(Mailbox, puts_pieces_together_and_drops_what_does_not_fit_together) {
  Mailbox box;
  const std::string text = "0123456789";
  const auto piece = [&](std::size_t at, std::size_t size) {
    box.put_piece(at == 0 ? "t" : "", ByteView(text).subview(at, size), at, text.size());
  };
  piece(0, 4);
  piece(4, 4);
  EXPECT_TRUE(deliver_all(box).empty());
  piece(8, 2);
  EXPECT_THAT(deliver_all(box), ElementsAre("t=0123456789"));
  piece(4, 4);  // without a beginning
  piece(0, 4);
  piece(6, 4);  // with a hole
  piece(8, 2);
  EXPECT_TRUE(deliver_all(box).empty());
  piece(0, 4);
  box.put_piece("", ByteView(std::string(20, 'x')), 4, text.size());  // more than was said
  piece(4, 6);
  EXPECT_TRUE(deliver_all(box).empty());
  box.put_piece("empty", {}, 0, 0);
  EXPECT_THAT(deliver_all(box), ElementsAre("empty="));
}

TEST(Mailbox, number_and_size_of_messages_are_bounded) {
  Mailbox box;
  for (std::size_t i = 0; i < Mailbox::kMostMessages + 2; ++i) put_message(box, "t", "x");
  EXPECT_EQ(deliver_all(box).size(), Mailbox::kMostMessages);
  EXPECT_EQ(box.dropped(), 2u);
  put_message(box, "t", std::string(Mailbox::kLargestMessage, 'x'));  // with its topic it is one too long
  EXPECT_EQ(box.dropped(), 3u);
  for (int i = 0; i < 3; ++i) put_message(box, "", std::string(Mailbox::kMostBytes / 2, 'x'));
  EXPECT_EQ(deliver_all(box).size(), 2u);
  EXPECT_EQ(box.dropped(), 4u);
  put_message(box, "t", "x");
  box.clear();
  EXPECT_TRUE(deliver_all(box).empty());
}

TEST(Mailbox, who_waits_is_woken) {
  Mailbox box;
  std::thread other([&] { box.put_published(); });
  std::vector<std::string> said;
  while (said.empty()) {
    box.wait(pdMS_TO_TICKS(1000));
    said = deliver_all(box);
  }
  other.join();
  EXPECT_THAT(said, ElementsAre("published"));
}

}  // namespace
}  // namespace latchkey::esp_idf
