// SPDX-License-Identifier: Apache-2.0
// What of a node's row waits for a standby, and what does not. In the run on PostgreSQL.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "registry/cluster/rows.h"
#include "registry/store/schema.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::cluster {
namespace {

using testing::HasSubstr;

// A primary whose standby does not answer: whatever waits for it is given up by an operator.
class RowsWithoutStandby : public testing::Test {
 protected:
  void SetUp() override {
    if (!on_postgres()) GTEST_SKIP() << "in the run on PostgreSQL";
    server_ = std::make_unique<tests::PostgresServer>();
    server_->stop();
    server_->start({"synchronous_standby_names=nobody", "max_wal_senders=1", "wal_level=replica"});
    database_ = open("&options=-csynchronous_commit%3Dlocal");
    ASSERT_TRUE(store::make_ready(*database_));
    node_.name = "a";
    node_.incarnation.bytes.fill(1);
    node_.lease_ms = 8'000;
    ASSERT_TRUE(*insert_node(*database_, node_));
    ASSERT_TRUE(database_->execute("SET synchronous_commit = on"));
    operator_ = std::thread([this] {
      const auto other = open("");
      while (!over_) {
        static_cast<void>(
            other->execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
  }
  void TearDown() override {
    over_ = true;
    if (operator_.joinable()) operator_.join();
  }
  std::unique_ptr<store::Database> open(const std::string& more) const {
    return std::move(*store::Database::open(server_->url("postgres", more), store::Database::Access::kReadWrite));
  }

  std::unique_ptr<tests::PostgresServer> server_;
  std::unique_ptr<store::Database> database_;
  Node node_;

 private:
  std::atomic<bool> over_ = false;
  std::thread operator_;
};

TEST_F(RowsWithoutStandby, confirmation_waits_for_none_and_a_renewal_does) {
  const auto confirmed = confirm_node(*database_, "a", node_.incarnation, 5, 4);
  ASSERT_TRUE(confirmed) << confirmed.error().detail;
  EXPECT_TRUE(*confirmed);
  const auto renewed = renew_node(*database_, "a", node_.incarnation);
  ASSERT_FALSE(renewed) << "what a lease hangs on is durable";
  EXPECT_THAT(renewed.error().detail, HasSubstr("not known to hold"));
  const auto row = find_node(*database_, "a");
  EXPECT_EQ((*row)->applied, 5U);
  EXPECT_EQ((*row)->cut, 4U);
}

TEST_F(RowsWithoutStandby, one_of_another_incarnation_is_refused_and_ends_its_transaction) {
  Uuid other;
  other.bytes.fill(2);
  const auto confirmed = confirm_node(*database_, "a", other, 5, 4);
  ASSERT_TRUE(confirmed) << confirmed.error().detail;
  EXPECT_FALSE(*confirmed);
  EXPECT_FALSE(database_->in_transaction());
  EXPECT_EQ((*find_node(*database_, "a"))->applied, 0U);
}

}  // namespace
}  // namespace latchkey::registry::cluster
