// SPDX-License-Identifier: Apache-2.0
// Claims of several nodes on one database, which over SQLite is a file that they share.
#include "registry/cluster/claimant.h"

#include <gmock/gmock.h>

#include <chrono>
#include <set>
#include <thread>

#include "registry/cluster/claim_rows.h"
#include "registry/cluster/rows.h"
#include "registry/store/schema.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::cluster {
namespace {

const Place kPlace{"hub", "dev-1"};

Uuid uuid(std::uint8_t fill) {
  Uuid id;
  id.bytes.fill(fill);
  return id;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 60'000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// A node whose gate ends sessions at once.
class TestNode {
 public:
  TestNode(const std::string& store, std::uint8_t number)
      : incarnation_(uuid(number)), claimant_({store, now_ms, 5}, claims_, [this](const Claims::Ending& ending) {
          const std::lock_guard lock(mutex_);
          lives_.erase(ending.connection);
          claims_.closed(ending.connection);
        }) {
    claimant_.serve_as(incarnation_);
    claimant_.all_told();
    claimant_.start();
  }
  void open(std::uint64_t connection, const Place& place = kPlace) {
    const std::lock_guard lock(mutex_);
    lives_.insert(connection);
    claims_.opened({place, connection, now_ms()});
  }
  void close(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    lives_.erase(connection);
    claims_.closed(connection);
  }
  bool lives(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    return lives_.count(connection) != 0;
  }
  const Uuid& incarnation() const { return incarnation_; }

 private:
  const Uuid incarnation_;
  std::mutex mutex_;  // guards the next one
  std::set<std::uint64_t> lives_;
  Claims claims_{now_ms()};
  Claimant claimant_;  // stops first
};

class ClaimantTest : public ::testing::Test {
 protected:
  ClaimantTest() {
    store_ = store_in(folder_);
    database_ = std::move(*store::Database::open(store_, store::Database::Access::kReadWrite));
    EXPECT_TRUE(store::migrate(*database_));
    for (const std::uint8_t number : {1, 2}) join(number);
  }
  void join(std::uint8_t number) {
    Node node;
    node.name = "node-" + std::to_string(number);
    node.incarnation = uuid(number);
    EXPECT_TRUE(*insert_node(*database_, node));
  }
  // The number that the claim got; 0: it took nothing.
  ClaimNumber claim(std::uint8_t node, ClaimNumber over, const Place& place = kPlace) {
    const auto taken = write_claims(*database_, uuid(node), {{{place, 7, over}}, {}});
    EXPECT_TRUE(taken);
    return taken->empty() ? 0 : taken->front().number;
  }
  std::vector<ClaimRow> rows() { return *claims_behind(*database_, 0, 1'000); }
  Uuid owner() {
    const auto all = rows();
    return all.empty() ? Uuid{} : all.front().node;
  }

  tests::MemoryFolder folder_;
  std::string store_;
  std::unique_ptr<store::Database> database_;
};

TEST_F(ClaimantTest, claim_takes_what_it_is_newer_than_its_own_and_what_is_void) {
  const auto first = claim(1, 0);
  EXPECT_EQ(first, 1) << "nobody was there";
  EXPECT_EQ(claim(2, 0), 0) << "node 1 lives";
  EXPECT_EQ(owner(), uuid(1));
  EXPECT_EQ(*newest_claim(*database_), 2) << "a number is given all the same";
  EXPECT_EQ(claim(2, first), 3);
  EXPECT_EQ(claim(2, 0), 4) << "its own";
  EXPECT_EQ(claim(1, 3), 0);
  EXPECT_EQ(claim(1, Claim::kWhatever), 6);
  EXPECT_TRUE(*leave_node(*database_, "node-1", uuid(1)));
  EXPECT_EQ(claim(2, 0), 7) << "node 1 has left";
  EXPECT_EQ(claim(1, 0, {"east", "dev-1"}), 8) << "another hub is another place";
  EXPECT_EQ(rows().size(), 2U);
}

TEST_F(ClaimantTest, batch_says_which_of_its_claims_took_their_places) {
  claim(1, 0, {"hub", "b"});
  const auto taken =
      write_claims(*database_, uuid(2), {{{{"hub", "a"}, 1, 0}, {{"hub", "b"}, 2, 0}, {{"hub", "c"}, 3, 0}}, {}});
  ASSERT_TRUE(taken);
  ASSERT_EQ(taken->size(), 2U);
  EXPECT_EQ((*taken)[0].place.device, "a");
  EXPECT_EQ((*taken)[1].place.device, "c");
  EXPECT_LT((*taken)[0].number, (*taken)[1].number);
}

TEST_F(ClaimantTest, row_goes_with_the_session_and_somebody_elses_stays) {
  claim(1, 0);
  EXPECT_TRUE(write_claims(*database_, uuid(2), {{}, {kPlace}}));
  EXPECT_EQ(owner(), uuid(1));
  EXPECT_EQ(claims_of(*database_, uuid(1))->size(), 1U);
  EXPECT_TRUE(claims_of(*database_, uuid(2))->empty());
  EXPECT_TRUE(write_claims(*database_, uuid(1), {{}, {kPlace}}));
  EXPECT_TRUE(rows().empty());
}

TEST_F(ClaimantTest, claims_of_nodes_that_do_not_live_are_forgotten) {
  claim(1, 0);
  claim(2, 0, {"hub", "dev-2"});
  claim(3, 0, {"hub", "dev-3"});
  EXPECT_TRUE(*leave_node(*database_, "node-2", uuid(2)));
  EXPECT_TRUE(forget_void_claims(*database_));
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_EQ(owner(), uuid(1));
}

TEST_F(ClaimantTest, others_have_what_a_live_node_but_oneself_has_claimed) {
  using testing::UnorderedElementsAre;
  const Place second{"hub", "dev-2"};
  claim(1, 0);
  claim(2, 0, second);
  claim(2, 0, {"hub", "dev-3"});
  claim(2, 0, {"east", "dev-1"});
  claim(3, 0, {"hub", "dev-4"});  // that nobody knows
  EXPECT_TRUE(*claimed_by_others(*database_, kPlace, "node-2"));
  EXPECT_FALSE(*claimed_by_others(*database_, kPlace, "node-1")) << "its own";
  EXPECT_TRUE(*claimed_by_others(*database_, second, "node-1"));
  EXPECT_FALSE(*claimed_by_others(*database_, Place{"hub", "dev-4"}, "node-1"));
  EXPECT_FALSE(*claimed_by_others(*database_, Place{"west", "dev-1"}, "node-2"));
  EXPECT_THAT(*claimed_by_others(*database_, "hub", "node-1"), UnorderedElementsAre("dev-2", "dev-3"));
  EXPECT_THAT(*claimed_by_others(*database_, "hub", "node-2"), UnorderedElementsAre("dev-1"));
  EXPECT_TRUE(write_claims(*database_, uuid(2), {{}, {second}}));
  EXPECT_FALSE(*claimed_by_others(*database_, second, "node-1")) << "its session has ended";
  EXPECT_TRUE(*leave_node(*database_, "node-2", uuid(2)));
  EXPECT_TRUE(claimed_by_others(*database_, "hub", "node-1")->empty()) << "who has left has none";
}

TEST_F(ClaimantTest, newest_session_stays_whichever_node_it_is_at) {
  TestNode a(store_, 1);
  TestNode b(store_, 2);
  a.open(1);
  ASSERT_TRUE(eventually([&] { return owner() == a.incarnation(); }));
  b.open(2);
  EXPECT_TRUE(eventually([&] { return !a.lives(1); }));
  EXPECT_TRUE(b.lives(2));
  a.open(3);
  EXPECT_TRUE(eventually([&] { return !b.lives(2); }));
  EXPECT_TRUE(a.lives(3));
  a.close(3);
  EXPECT_TRUE(eventually([&] { return rows().empty(); })) << "as many rows as devices are there";
}

TEST_F(ClaimantTest, of_sessions_that_come_to_both_at_once_exactly_one_stays) {
  constexpr std::uint64_t kDevices = 50;
  TestNode a(store_, 1);
  TestNode b(store_, 2);
  std::thread other([&] {
    for (std::uint64_t i = 1; i <= kDevices; ++i) b.open(i, {"hub", std::to_string(i)});
  });
  for (std::uint64_t i = 1; i <= kDevices; ++i) a.open(i, {"hub", std::to_string(i)});
  other.join();
  for (std::uint64_t i = 1; i <= kDevices; ++i) {
    EXPECT_TRUE(eventually([&] { return a.lives(i) != b.lives(i); })) << i;
  }
  const auto left = rows();
  EXPECT_EQ(left.size(), kDevices);
  for (const auto& row : left) {
    const auto connection = std::stoull(row.place.device);
    EXPECT_TRUE((row.node == a.incarnation() ? a : b).lives(connection)) << row.place.device;
  }
}

TEST_F(ClaimantTest, what_was_claimed_in_an_earlier_life_is_over) {
  claim(1, 0);
  claim(2, 0, {"hub", "dev-2"});
  TestNode again(store_, 1);
  EXPECT_TRUE(eventually([&] { return rows().size() == 1; }));
  EXPECT_EQ(owner(), uuid(2));
}

TEST_F(ClaimantTest, database_that_goes_away_and_comes_back_ends_nobody_and_goes_on) {
  if (!on_postgres()) GTEST_SKIP() << "a file does not go away";
  tests::PostgresServer server;
  store_ = server.url("postgres");
  database_ = std::move(*store::Database::open(store_, store::Database::Access::kReadWrite));
  ASSERT_TRUE(store::migrate(*database_));
  for (const std::uint8_t number : {1, 2}) join(number);
  TestNode a(store_, 1);
  TestNode b(store_, 2);
  a.open(1);
  a.open(2, {"hub", "dev-2"});
  ASSERT_TRUE(eventually([&] { return rows().size() == 2; }));
  for (const std::uint64_t i : {8, 9}) {  // two rounds: by the second b has seen what a claimed
    b.open(i, {"hub", std::to_string(i)});
    ASSERT_TRUE(eventually([&] { return rows().size() == i - 5; }));
  }
  server.stop();
  b.open(3);
  server.start();
  EXPECT_TRUE(eventually([&] { return !a.lives(1); })) << "what began meanwhile is newer, however late it is claimed";
  EXPECT_TRUE(b.lives(3));
  EXPECT_TRUE(a.lives(2));
  b.open(4, {"hub", "dev-2"});
  EXPECT_TRUE(eventually([&] { return !a.lives(2); }));
}

}  // namespace
}  // namespace latchkey::registry::cluster
