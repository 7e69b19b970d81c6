// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/kept_address.h"

#include <gtest/gtest.h>

#include "hub/http/server.h"
#include "platform/openssl/digest.h"
#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::app {
namespace {

class KeptAddressTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    registry_.reset();
    registry_ = std::move(*registry::Registry::open({.path = folder_.file("registry.db")}, openssl::host_digest()));
  }
  KeptAddress kept(const std::string& setting = "one") { return KeptAddress(*registry_, setting); }
  Address chosen(const Address& wanted, const std::string& setting = "one") {
    const auto address = kept(setting).choose(wanted);
    EXPECT_TRUE(address) << address.error().detail;
    return address.value_or(Address{});
  }
  const Address any_{"127.0.0.1", 0};
  tests::MemoryFolder folder_;
  std::unique_ptr<registry::Registry> registry_;
};

TEST_F(KeptAddressTest, port_0_is_the_one_that_was_used_last_also_after_a_restart) {
  const Address first = chosen(any_);
  EXPECT_NE(first.port, 0);
  ASSERT_TRUE(kept().keep(first));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(chosen(any_).port, first.port);
  open();
  EXPECT_EQ(chosen(any_).port, first.port);
}

TEST_F(KeptAddressTest, what_was_not_kept_is_not_taken_up) {
  const Address first = chosen(any_);
  const Address second = chosen(any_);
  EXPECT_NE(first.port, second.port);
}

TEST_F(KeptAddressTest, port_that_was_asked_for_is_taken_at_its_word) {
  ASSERT_TRUE(kept().keep({"127.0.0.1", 20'001}));
  EXPECT_EQ(chosen({"127.0.0.1", 20'002}).port, 20'002);
}

TEST_F(KeptAddressTest, port_of_another_host_or_setting_is_not_taken_up) {
  ASSERT_TRUE(kept().keep({"127.0.0.1", 9}));  // nobody gets that one at random
  EXPECT_NE(chosen({"127.0.0.2", 0}).port, 9);
  EXPECT_NE(chosen(any_, "other").port, 9);
}

TEST_F(KeptAddressTest, port_that_somebody_else_has_gives_way_to_another) {
  auto server = http::Server::listen_tcp("127.0.0.1", 0, {}, {});
  ASSERT_TRUE(server);
  ASSERT_TRUE(kept().keep({"127.0.0.1", (*server)->port()}));
  testing::internal::CaptureStderr();
  const auto other = kept().choose(any_, "leads nowhere");
  const auto told = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(other);
  EXPECT_NE(other->port, (*server)->port());
  EXPECT_EQ(told, "latchkey: 127.0.0.1:" + std::to_string((*server)->port()) + " leads nowhere\n");
  (*server)->stop();
  EXPECT_EQ(chosen(any_).port, (*server)->port()) << "it is the one that was used last until another one is kept";
}

}  // namespace
}  // namespace latchkey::hub::app
