// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/own_root_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "hub/ca/file_key_provider.h"
#include "hub/ca/signing_request.h"
#include "platform/openssl/digest.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::app {
namespace {

constexpr UnixMs kNow = 1'900'000'000'000;
constexpr UnixMs kDay = 24LL * 60 * 60 * 1000;

class OwnRootWatchTest : public testing::Test {
 protected:
  // Policy "own", its issuing CA good for 400 days.
  void SetUp() override {
    auto opened = registry::Registry::open({(folder_ / "registry.db").string(), 256, false}, openssl::host_digest());
    ASSERT_TRUE(opened) << opened.error().detail;
    registry_ = std::move(*opened);
    auto keys = ca::FileKeyProvider::open(folder_ / "keys");
    ASSERT_TRUE(keys) << keys.error().detail;
    keys_ = std::move(*keys);
    registry::NewCa root;
    root.id.bytes.fill(1);
    root.issuer = root.id;
    root.subject = "CN=root";
    root.serial = {1};
    root.not_before = kNow;
    root.not_after = kNow + 4000 * kDay;
    root.der = {0x30};
    root.key_ref = "root";
    ASSERT_TRUE(registry_->create_namespace(call_, "plant"));
    ASSERT_TRUE(registry_->create_credential(call_, "plant", root));
    const auto request = ca::make_signing_request(*keys_, registry::KeyProfile::kEcP384);
    ASSERT_TRUE(request);
    ASSERT_TRUE(registry_->create_own_root_policy(call_, "plant", {"own", 30, *request}));
    ASSERT_TRUE(registry_->activate_policy(call_, "plant", "own",
                                           {request->id, {2}, kNow, kNow + 400 * kDay, {0x30, 0x01}, {}}));
    policy_ = registry_->find_policy("plant", "own")->uuid;
  }
  void TearDown() override { registry_.reset(); }
  std::ptrdiff_t keys_on_disk() const {
    const std::filesystem::directory_iterator files(folder_ / "keys");
    return std::distance(begin(files), end(files));
  }

  const registry::Call call_{"test", kNow};
  UnixMs now_ = kNow;
  const tests::MemoryFolder folder_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<ca::FileKeyProvider> keys_;
  Uuid policy_;
};

// Rows: R-5-15
TEST_F(OwnRootWatchTest, one_csr_is_made_when_the_window_opens_and_no_more) {
  OwnRootWatch watch(*registry_, *keys_, [this] { return now_; }, {});
  now_ = kNow + 370 * kDay - 1;
  EXPECT_EQ(watch.look().value(), 0);
  EXPECT_FALSE(registry_->pending_ca(policy_).value());
  now_ = kNow + 370 * kDay;
  EXPECT_EQ(watch.look().value(), 1);
  const auto pending = registry_->pending_ca(policy_).value();
  ASSERT_TRUE(pending);
  EXPECT_TRUE(keys_->load(pending->key_ref)) << "its key is there";
  EXPECT_EQ(registry_->find_policy("plant", "own")->key_profile, registry::KeyProfile::kEcP384);
  EXPECT_EQ(watch.look().value(), 0);
  EXPECT_EQ(registry_->pending_ca(policy_).value()->csr, pending->csr);
  EXPECT_EQ(keys_on_disk(), 2);
}

// Rows: R-5-15
TEST_F(OwnRootWatchTest, expired_ca_gets_one_too) {
  OwnRootWatch watch(*registry_, *keys_, [this] { return now_; }, {});
  now_ = kNow + 1000 * kDay;
  EXPECT_EQ(watch.look().value(), 1);
}

TEST_F(OwnRootWatchTest, key_of_a_request_that_nobody_keeps_is_destroyed) {
  OwnRootWatch watch(*registry_, *keys_, [this] { return now_; }, {});
  now_ = kNow + 370 * kDay;
  registry_->close();  // reads go on, no write does
  const auto looked = watch.look();
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().reason, registry::Reason::kShuttingDown);
  EXPECT_EQ(keys_on_disk(), 1) << "of the current CA";
}

TEST_F(OwnRootWatchTest, watch_that_was_started_stops) {
  OwnRootWatch watch(*registry_, *keys_, [this] { return now_; }, {});
  watch.start();
  watch.stop();
  watch.stop();
}

}  // namespace
}  // namespace latchkey::hub::app
