// SPDX-License-Identifier: Apache-2.0
// Several nodes, one registry: each e-mail is told by one of them.
#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <thread>

#include "hub/signing/outbox/outbox.h"
#include "tests/unit/registry/signing/signing_fixture.h"

namespace latchkey::hub::signing {
namespace {

using registry::signing::MailClaims;
using registry::signing::must;

class MailClaimsTest : public registry::signing::SigningTest {
 protected:
  void SetUp() override {
    SigningTest::SetUp();
    prepare();
    make_account();
    make_validation(registry::signing::organization());  // three e-mails
    ASSERT_EQ(mails().size(), 3u);
    claims = std::make_unique<MailClaims>(registry::rows_of(*registry));
  }
  Outbox outbox(const std::string& node) {
    return must_open({folder.file(node), nullptr, [this] { return real_ms; }, claims.get(), [node] { return node; }});
  }
  Outbox must_open(Outbox::Options options) {
    auto opened = Outbox::open(validations(), std::move(options));
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }
  // How often each e-mail was told, by all of these.
  std::map<std::string, int> told(const std::vector<std::string>& nodes) const {
    std::map<std::string, int> times;
    for (const auto& node : nodes) {
      for (const auto& file : std::filesystem::directory_iterator(folder.file(node) + "/new")) {
        ++times[file.path().filename().string()];
      }
    }
    return times;
  }

  std::int64_t real_ms = 0;
  std::unique_ptr<MailClaims> claims;
};

TEST_F(MailClaimsTest, nodes_that_send_at_once_tell_each_mail_once) {
  for (int i = 0; i < 20; ++i) make_validation(registry::signing::private_organization());
  const auto all = mails().size();
  ASSERT_GT(all, 20u);
  const std::vector<std::string> nodes{"a", "b", "c"};
  std::vector<std::thread> threads;
  for (const auto& node : nodes) {
    threads.emplace_back([this, box = outbox(node)]() mutable {
      while (!mails().empty()) EXPECT_TRUE(box.send(call.now));
    });
  }
  for (auto& thread : threads) thread.join();
  const auto times = told(nodes);
  EXPECT_EQ(times.size(), all);
  for (const auto& [name, often] : times) EXPECT_EQ(often, 1) << name;
}

TEST_F(MailClaimsTest, claim_of_another_stands_for_longer_than_a_mail_takes) {
  const auto first = mails().front().number;
  ASSERT_EQ(must(claims->claim(first, "dead", "dead")), "dead");
  auto box = outbox("a");
  EXPECT_EQ(must(box.send(call.now)), 2u) << "the others are nobody's";
  EXPECT_EQ(must(box.send(call.now)), 0u);
  real_ms += Outbox::kClaimStandsMs - 1;
  EXPECT_EQ(must(box.send(call.now)), 0u);
  real_ms += 1;
  EXPECT_EQ(must(box.send(call.now)), 1u);
  EXPECT_TRUE(mails().empty());
}

TEST_F(MailClaimsTest, claim_that_goes_from_hand_to_hand_counts_anew) {
  const auto first = mails().front().number;
  ASSERT_EQ(must(claims->claim(first, "dead", "dead")), "dead");
  auto box = outbox("a");
  EXPECT_EQ(must(box.send(call.now)), 2u);
  real_ms += Outbox::kClaimStandsMs;
  ASSERT_EQ(must(claims->claim(first, "c", "dead")), "c");  // a third one was faster
  EXPECT_EQ(must(box.send(call.now)), 0u);
  real_ms += Outbox::kClaimStandsMs - 1;
  EXPECT_EQ(must(box.send(call.now)), 0u) << "the third one may be telling it";
  real_ms += 1;
  EXPECT_EQ(must(box.send(call.now)), 1u);
}

TEST_F(MailClaimsTest, own_claim_is_gone_on_with_after_a_failure_and_a_start) {
  const auto first = mails().front().number;
  ASSERT_EQ(must(claims->claim(first, "a", "a")), "a");
  auto box = outbox("a");
  EXPECT_EQ(must(box.send(call.now)), 3u);
}

TEST_F(MailClaimsTest, who_is_no_member_tells_nothing) {
  auto box = must_open({folder.file("a"), nullptr, {}, claims.get(), [] { return std::string(); }});
  EXPECT_EQ(must(box.send(call.now)), 0u);
  EXPECT_EQ(mails().size(), 3u);
}

TEST_F(MailClaimsTest, who_is_alone_asks_nobody) {
  ASSERT_EQ(must(claims->claim(mails().front().number, "dead", "dead")), "dead");
  auto box = must_open({folder.file("a")});
  EXPECT_EQ(must(box.send(call.now)), 3u);
}

TEST_F(MailClaimsTest, what_was_told_is_nobodys) {
  const auto first = mails().front().number;
  ASSERT_TRUE(validations().mail_delivered(first, call.now));
  EXPECT_EQ(must(claims->claim(first, "a", "a")), "");
  EXPECT_EQ(must(claims->claim(4711, "a", "a")), "") << "there is none of that number";
}

}  // namespace
}  // namespace latchkey::hub::signing
