// SPDX-License-Identifier: Apache-2.0
// Several nodes on one database, which over SQLite is a file that they share: what they do is the same.
#include "registry/cluster/cluster.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "registry/cluster/rows.h"
#include "registry/store/schema.h"
#include "tests/support/postgresql_between.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::cluster {
namespace {

constexpr std::int64_t kLong = 60'000;  // that a busy machine does not end
constexpr std::int64_t kBrief = 1'000;  // that a test can wait for
constexpr int kPatient = 600'000;

// A node without gates: what it confirms is what it is told to.
struct TestNode {
  struct Looks {
    int poll_ms = 5;
    int hurried_ms = 2;
    int told_ms = 5;
  };
  TestNode(const std::string& store, const std::string& name, std::int64_t lease_ms, Uuid kept, int patience_ms)
      : TestNode(store, name, lease_ms, kept, patience_ms, Looks{}) {}
  TestNode(const std::string& store, const std::string& name, std::int64_t lease_ms, Uuid kept, int patience_ms,
           Looks looks)
      : cluster({store,
                 {name, lease_ms},
                 kept,
                 "127.0.0.1:8883",
                 "test",
                 now,
                 looks.poll_ms,
                 looks.hurried_ms,
                 patience_ms,
                 looks.told_ms},
                {[this](const Uuid& incarnation) {
                   kept_now = incarnation;
                   return keeps ? Outcome<Nothing>(Nothing{}) : Outcome<Nothing>(refuse(Reason::kStorage, "disk full"));
                 },
                 [this](const Membership::Grant& grant) {
                   granted_sequence = grant.sequence;
                   granted_until = grant.until_ms;
                   ++grants;
                 },
                 [this] { ++lost; },
                 [this](Sequence newest) { committed = newest; },
                 [this] { ++changed; },
                 {},
                 [this](const std::string& why) {
                   not_told_why = why;
                   ++not_told;
                 }}) {}
  static std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  bool keeps = true;
  Uuid kept_now;
  std::atomic<Sequence> granted_sequence = 0;
  std::atomic<std::int64_t> granted_until = 0;
  std::atomic<int> grants = 0;
  std::atomic<int> lost = 0;
  std::atomic<Sequence> committed = 0;
  std::atomic<int> changed = 0;
  std::string not_told_why;
  std::atomic<int> not_told = 0;
  Cluster cluster;  // stops first
};

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() {
    store_ = store_in(folder_);
    database_ = std::move(*store::Database::open(store_, store::Database::Access::kReadWrite));
    EXPECT_TRUE(store::migrate(*database_));
  }
  std::unique_ptr<TestNode> node(const std::string& name, std::int64_t lease_ms = kLong, Uuid kept = {},
                                 int patience_ms = kPatient) {
    return std::make_unique<TestNode>(store_, name, lease_ms, kept, patience_ms);
  }
  Sequence change() {
    EXPECT_TRUE(database_->query("UPDATE counters SET value = value + 1 WHERE name = 'change'").run());
    return static_cast<Sequence>(
        **database_->query("SELECT value FROM counters WHERE name = 'change'").first([](const store::Query& row) {
          return row.integer(0);
        }));
  }
  NodeState state_of(const std::string& name) { return (**find_node(*database_, name)).state; }
  static bool eventually(const std::function<bool()>& holds, int tries = 60'000) {
    for (int i = 0; i < tries; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  tests::MemoryFolder folder_;
  std::string store_;
  std::unique_ptr<store::Database> database_;
};

Uuid uuid(std::uint8_t fill) {
  Uuid id;
  id.bytes.fill(fill);
  return id;
}

TEST_F(ClusterTest, rows_change_only_as_they_were_read) {
  Node node;
  node.name = "a";
  node.incarnation = uuid(1);
  node.lease_ms = 8'000;
  node.address = "127.0.0.1:8883";
  node.version = "1";
  EXPECT_TRUE(*insert_node(*database_, node));
  EXPECT_FALSE(*insert_node(*database_, node)) << "there is one";
  const Node read = **find_node(*database_, "a");
  EXPECT_EQ(read.incarnation, uuid(1));
  EXPECT_EQ(read.address, "127.0.0.1:8883");
  EXPECT_EQ(read.lease_ms, 8'000);
  EXPECT_FALSE(*find_node(*database_, "b"));

  const auto sequence = change();
  EXPECT_EQ(**renew_node(*database_, "a", uuid(1)), sequence);
  EXPECT_FALSE(*renew_node(*database_, "a", uuid(2))) << "not its row";
  EXPECT_FALSE(*renew_node(*database_, "b", uuid(1)));
  EXPECT_FALSE(*confirm_node(*database_, "a", uuid(2), 5, 5));
  EXPECT_TRUE(*confirm_node(*database_, "a", uuid(1), 5, 4));
  EXPECT_EQ((**find_node(*database_, "a")).applied, 5U);
  EXPECT_EQ((**find_node(*database_, "a")).cut, 4U);

  EXPECT_FALSE(*lose_node(*database_, read)) << "its beat went on";
  EXPECT_TRUE(*lose_node(*database_, **find_node(*database_, "a")));
  EXPECT_EQ(state_of("a"), NodeState::kLost);
  EXPECT_FALSE(*renew_node(*database_, "a", uuid(1))) << "a lost node gets no lease";
  EXPECT_FALSE(*confirm_node(*database_, "a", uuid(1), 9, 9));
  EXPECT_FALSE(*leave_node(*database_, "a", uuid(1)));

  node.incarnation = uuid(3);
  EXPECT_FALSE(*take_over_node(*database_, read, node));
  EXPECT_TRUE(*take_over_node(*database_, **find_node(*database_, "a"), node));
  EXPECT_EQ((**find_node(*database_, "a")).cut, 0U) << "what another one had confirmed is not its own";
  EXPECT_FALSE(*forget_node(*database_, "a")) << "it lives";
  EXPECT_TRUE(*drain_node(*database_, "a", true));
  EXPECT_TRUE((**find_node(*database_, "a")).draining);
  EXPECT_TRUE(*leave_node(*database_, "a", uuid(3)));
  EXPECT_FALSE(*drain_node(*database_, "a", true));
  EXPECT_TRUE(*forget_node(*database_, "a"));
  EXPECT_TRUE(list_nodes(*database_)->empty());
}

TEST_F(ClusterTest, what_a_node_says_of_its_devices_is_its_incarnations_and_no_answer_to_who_drains_it_anew) {
  Node node;
  node.name = "a";
  node.incarnation = uuid(1);
  ASSERT_TRUE(*insert_node(*database_, node));
  EXPECT_EQ((**find_node(*database_, "a")).sessions, 0);
  EXPECT_FALSE((**find_node(*database_, "a")).drained);
  EXPECT_FALSE(*note_load(*database_, "a", uuid(2), {7, true})) << "not its row";
  EXPECT_TRUE(*note_load(*database_, "a", uuid(1), {7, true}));
  EXPECT_EQ((**find_node(*database_, "a")).sessions, 7);
  EXPECT_TRUE((**find_node(*database_, "a")).drained);
  EXPECT_TRUE(*drain_node(*database_, "a", true));
  EXPECT_FALSE((**find_node(*database_, "a")).drained) << "it has to look again";
  ASSERT_TRUE(*note_load(*database_, "a", uuid(1), {7, true}));
  ASSERT_TRUE(*leave_node(*database_, "a", uuid(1)));
  EXPECT_FALSE(*note_load(*database_, "a", uuid(1), {8, false})) << "it has left";
  node.incarnation = uuid(3);
  ASSERT_TRUE(*take_over_node(*database_, **find_node(*database_, "a"), node));
  EXPECT_EQ((**find_node(*database_, "a")).sessions, 0) << "those were another one's";
  EXPECT_FALSE((**find_node(*database_, "a")).draining);
  EXPECT_FALSE((**find_node(*database_, "a")).drained);
}

TEST_F(ClusterTest, node_tells_its_load_and_hears_that_it_is_drained) {
  std::atomic<std::int64_t> sessions = 3;
  std::atomic<bool> asked = false;
  Cluster::Options options{store_, {"a", kLong}, {}, "127.0.0.1:8883", "test", TestNode::now, 5, 2, kPatient};
  options.load = [&] { return Load{sessions, asked && sessions == 0}; };
  Cluster::Events events;
  events.seen = [&](const Node& own) { asked = own.draining; };
  Cluster cluster(std::move(options), std::move(events));
  ASSERT_TRUE(cluster.start());
  const auto row = [this] { return **find_node(*database_, "a"); };
  EXPECT_TRUE(eventually([&] { return row().sessions == 3; }));
  ASSERT_TRUE(*drain_node(*database_, "a", true));
  EXPECT_TRUE(eventually([&] { return asked.load(); }));
  EXPECT_FALSE(row().drained) << "three are there";
  sessions = 0;
  EXPECT_TRUE(eventually([&] { return row().drained; }));
  EXPECT_EQ(row().sessions, 0);
  ASSERT_TRUE(*drain_node(*database_, "a", true));
  EXPECT_TRUE(eventually([&] { return row().drained; })) << "it says so again";
  ASSERT_TRUE(*drain_node(*database_, "a", false));
  EXPECT_TRUE(eventually([&] { return !asked; }));
  sessions = 1;
  EXPECT_TRUE(eventually([&] { return row().sessions == 1 && !row().drained; }));
}

TEST_F(ClusterTest, duty_is_taken_from_who_had_it_when_it_was_read_alone) {
  EXPECT_EQ(*duty_holder(*database_), "");
  EXPECT_TRUE(*take_duty(*database_, "", "a 1"));
  EXPECT_EQ(*duty_holder(*database_), "a 1");
  EXPECT_FALSE(*take_duty(*database_, "", "b 1")) << "another one was faster";
  EXPECT_FALSE(*take_duty(*database_, "a 2", "b 1"));
  EXPECT_EQ(*duty_holder(*database_), "a 1");
  EXPECT_TRUE(*take_duty(*database_, "a 1", "b 1"));
  EXPECT_EQ(*duty_holder(*database_), "b 1");
}

TEST_F(ClusterTest, one_node_is_on_duty_until_it_leaves_and_then_another_one) {
  const auto a = node("a");
  EXPECT_FALSE(a->cluster.on_duty()) << "it is no member";
  EXPECT_EQ(a->cluster.mark(), "");
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(eventually([&] { return a->cluster.on_duty(); }));
  EXPECT_EQ(*duty_holder(*database_), a->cluster.mark());
  const auto b = node("b");
  ASSERT_TRUE(b->cluster.start());
  EXPECT_NE(b->cluster.mark(), a->cluster.mark());
  EXPECT_FALSE(eventually([&] { return b->cluster.on_duty(); }, 1'500)) << "the other one lives";
  EXPECT_TRUE(a->cluster.on_duty());
  a->cluster.stop();
  ASSERT_TRUE(a->cluster.leave());
  EXPECT_FALSE(a->cluster.on_duty());
  EXPECT_TRUE(eventually([&] { return b->cluster.on_duty(); }));
}

TEST_F(ClusterTest, duty_of_a_node_that_ended_is_taken_when_its_lease_has_ended_and_not_before) {
  const auto a = node("a", kBrief);
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(eventually([&] { return a->cluster.on_duty(); }));
  const auto b = node("b");
  ASSERT_TRUE(b->cluster.start());
  a->cluster.stop();  // as if it were killed: it does not leave
  bool both = false;
  EXPECT_TRUE(eventually([&] {
    const bool other = b->cluster.on_duty();  // before the question whether it was too early
    both = both || (other && a->cluster.on_duty());
    return other;
  }));
  EXPECT_FALSE(both);
  EXPECT_EQ(state_of("a"), NodeState::kLost) << "nobody waited for it, and yet its duty had to go on";
}

TEST_F(ClusterTest, duty_of_an_incarnation_that_was_lost_is_not_the_next_ones_by_itself) {
  const auto a = node("a");
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(eventually([&] { return a->cluster.on_duty(); }));
  const auto before = a->cluster.mark();
  // The beat may go on between the two.
  ASSERT_TRUE(eventually([&] { return *lose_node(*database_, **find_node(*database_, "a")); }));
  // The mark first: whoever has the new one and is on duty has it by the new one.
  ASSERT_TRUE(eventually([&] { return a->cluster.mark() != before && a->cluster.on_duty(); }));
  EXPECT_EQ(*duty_holder(*database_), a->cluster.mark()) << "it took it again";
}

TEST_F(ClusterTest, what_the_first_says_is_agreed) {
  EXPECT_EQ(*agree(*database_, "id scope", "0ne00000001"), "0ne00000001");
  EXPECT_EQ(*agree(*database_, "id scope", "0ne00000002"), "0ne00000001");
}

TEST_F(ClusterTest, node_joins_and_has_a_lease_for_what_the_registry_holds) {
  const auto sequence = change();
  const auto a = node("a", kBrief);
  ASSERT_TRUE(a->cluster.start());
  EXPECT_TRUE(a->cluster.state().member);
  EXPECT_EQ(a->granted_sequence, sequence);
  EXPECT_GT(a->granted_until, 0);
  EXPECT_EQ(a->committed, sequence);
  const int before = a->grants;
  EXPECT_TRUE(eventually([&] { return a->grants > before + 2; })) << "it renews by itself";
  EXPECT_EQ((**find_node(*database_, "a")).incarnation, a->kept_now);
}

TEST_F(ClusterTest, nodes_follow_what_others_commit) {
  const auto a = node("a");
  ASSERT_TRUE(a->cluster.start());
  const auto sequence = change();
  EXPECT_TRUE(eventually([&] { return a->committed == sequence; }));
}

TEST_F(ClusterTest, nodes_hear_when_others_changed_how_devices_are_judged) {
  const auto a = node("a");
  ASSERT_TRUE(a->cluster.start());
  const int before = a->changed;
  ASSERT_TRUE(database_->query("UPDATE counters SET value = value + 1 WHERE name = 'edition'").run());
  EXPECT_TRUE(eventually([&] { return a->changed == before + 1; }));
}

TEST_F(ClusterTest, wait_ends_when_all_others_have_confirmed) {
  const auto a = node("a");
  const auto b = node("b");
  const auto c = node("c");
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(b->cluster.start());
  ASSERT_TRUE(c->cluster.start());
  const auto sequence = change();
  auto waiting = std::async(std::launch::async, [&] { return a->cluster.wait(sequence, Confirmed::kCut); });
  b->cluster.confirm(sequence, Confirmed::kCut);
  ASSERT_TRUE(eventually([&] { return (**find_node(*database_, "b")).cut == sequence; }));
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout) << "c has not";
  c->cluster.confirm(sequence, Confirmed::kApplied);
  ASSERT_TRUE(eventually([&] { return (**find_node(*database_, "c")).applied == sequence; }));
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout) << "applied is not cut";
  c->cluster.confirm(sequence, Confirmed::kCut);
  EXPECT_TRUE(waiting.get());
}

TEST_F(ClusterTest, node_alone_waits_for_nobody) {
  const auto a = node("a");
  ASSERT_TRUE(a->cluster.start());
  EXPECT_TRUE(a->cluster.wait(change(), Confirmed::kCut));
}

TEST_F(ClusterTest, wait_is_given_up_while_a_silent_node_lives) {
  const auto a = node("a", kLong, {}, 200);
  const auto b = node("b");
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(b->cluster.start());
  const auto outcome = a->cluster.wait(change(), Confirmed::kCut);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::kEnforcementTimeout);
  EXPECT_NE(outcome.error().detail.find("'b'"), std::string::npos) << outcome.error().detail;
  EXPECT_EQ(state_of("b"), NodeState::kLive);
}

TEST_F(ClusterTest, node_that_ended_is_lost_when_its_lease_is_and_not_before) {
  const auto a = node("a");
  auto b = node("b", kBrief);
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(b->cluster.start());
  b->cluster.stop();  // as a process that was killed: its row lives on
  const auto until_ms = b->granted_until.load();
  EXPECT_TRUE(a->cluster.wait(change(), Confirmed::kCut));
  EXPECT_GE(TestNode::now(), until_ms);
  EXPECT_EQ(state_of("b"), NodeState::kLost);
}

TEST_F(ClusterTest, silent_node_that_nobody_waits_for_is_left_alone) {
  const auto a = node("a", kBrief);
  auto b = node("b", kBrief);
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(b->cluster.start());
  b->cluster.stop();
  const int before = a->grants;
  ASSERT_TRUE(eventually([&] { return a->grants > before + 6; }));  // longer than b's lease
  EXPECT_EQ(state_of("b"), NodeState::kLive);
}

TEST_F(ClusterTest, lost_node_joins_anew) {
  const auto a = node("a", kBrief);
  ASSERT_TRUE(a->cluster.start());
  const Uuid first = (**find_node(*database_, "a")).incarnation;
  while (!*lose_node(*database_, **find_node(*database_, "a"))) {
  }
  EXPECT_TRUE(eventually([&] { return a->lost == 1 && a->cluster.state().member; }));
  EXPECT_NE((**find_node(*database_, "a")).incarnation, first);
  EXPECT_TRUE(eventually([&] { return a->cluster.state().trouble.empty(); }));
}

TEST_F(ClusterTest, node_that_left_is_waited_for_by_nobody) {
  const auto a = node("a");
  const auto b = node("b");
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(b->cluster.start());
  b->cluster.stop();
  ASSERT_TRUE(b->cluster.leave());
  EXPECT_EQ(state_of("b"), NodeState::kLeft);
  EXPECT_TRUE(a->cluster.wait(change(), Confirmed::kCut));
  const auto again = node("b");
  EXPECT_TRUE(again->cluster.start()) << "the name is free";
}

TEST_F(ClusterTest, second_node_of_a_name_is_refused_and_says_what_to_do) {
  const auto a = node("a", 6'000);  // the second sees a beat within a quarter of it
  ASSERT_TRUE(a->cluster.start());
  const auto other = node("a");
  const auto outcome = other->cluster.start();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::kAlreadyExists);
  EXPECT_NE(outcome.error().detail.find("--node"), std::string::npos) << outcome.error().detail;
  EXPECT_EQ(a->lost, 0);
}

TEST_F(ClusterTest, name_of_a_node_that_was_killed_is_taken_over_when_its_lease_has_ended) {
  auto a = node("a", kBrief);
  ASSERT_TRUE(a->cluster.start());
  a->cluster.stop();
  const auto until_ms = a->granted_until.load();
  const auto other = node("a");
  ASSERT_TRUE(other->cluster.start());
  EXPECT_GE(TestNode::now(), until_ms);
}

TEST_F(ClusterTest, same_folder_goes_on_with_its_incarnation) {
  auto a = node("a");
  ASSERT_TRUE(a->cluster.start());
  const Uuid kept = a->kept_now;
  a->cluster.stop();
  const auto again = node("a", kLong, kept);
  ASSERT_TRUE(again->cluster.start());
  EXPECT_EQ((**find_node(*database_, "a")).incarnation, kept);
  EXPECT_TRUE(again->kept_now.is_zero()) << "nothing new to keep";
}

TEST_F(ClusterTest, node_that_cannot_keep_its_incarnation_does_not_join) {
  const auto a = node("a");
  a->keeps = false;
  const auto outcome = a->cluster.start();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().detail, "disk full");
  EXPECT_FALSE(*find_node(*database_, "a"));
}

TEST_F(ClusterTest, database_that_cannot_be_spoken_to_is_told) {
  TestNode lonely(folder_.file("no such folder") + "/registry.db", "a", kLong, {}, kPatient);
  const auto outcome = lonely.cluster.start();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::kStorage);
}

TEST_F(ClusterTest, database_that_goes_away_and_comes_back_costs_a_node_nothing_but_its_lease) {
  if (!on_postgres()) GTEST_SKIP() << "a file does not go away";
  tests::PostgresServer server;
  const auto url = server.url("postgres");
  {
    const auto database = std::move(*store::Database::open(url, store::Database::Access::kReadWrite));
    ASSERT_TRUE(store::migrate(*database));
  }
  TestNode a(url, "a", kBrief, {}, kPatient);
  ASSERT_TRUE(a.cluster.start());
  const Uuid incarnation = a.kept_now;
  server.stop();
  ASSERT_TRUE(eventually([&] { return TestNode::now() >= a.granted_until; })) << "nothing renews it";
  EXPECT_FALSE(a.cluster.state().trouble.empty());
  const int before = a.grants;
  server.start();
  EXPECT_TRUE(eventually([&] { return a.grants > before && a.cluster.state().trouble.empty(); }));
  EXPECT_EQ(a.lost, 0) << "nobody had waited for it";
  EXPECT_EQ(a.kept_now, incarnation);
}

// Nodes that would find nothing by themselves before the test is over, in the run on PostgreSQL.
class ToldTest : public ClusterTest {
 protected:
  static constexpr int kNever = 3'600'000;
  static constexpr std::int64_t kLease = 600'000;  // nor by renewing

  void SetUp() override {
    if (!on_postgres()) GTEST_SKIP() << "SQLite tells nobody";
  }
  std::unique_ptr<TestNode> node(const std::string& name) { return node_at(store_, name, {kNever, kNever, kNever}); }
  static std::unique_ptr<TestNode> node_at(const std::string& store, const std::string& name, TestNode::Looks looks) {
    return std::make_unique<TestNode>(store, name, kLease, Uuid{}, kPatient, looks);
  }
  // As a transaction of the registry does.
  Sequence announced_change() {
    EXPECT_TRUE(database_->begin_write());
    database_->announce();
    const auto sequence = change();
    EXPECT_TRUE(database_->commit());
    return sequence;
  }
  std::string between_url(const tests::PostgresBetween& between) const {
    return between.url("postgres", store_.substr(store_.find("&options")));
  }
};

TEST_F(ToldTest, commit_is_heard_of_and_not_found) {
  const auto a = node("a");
  ASSERT_TRUE(a->cluster.start());
  for (int i = 0; i < 20; ++i) {
    const auto sequence = announced_change();
    ASSERT_TRUE(eventually([&] { return a->committed == sequence; })) << i;
  }
  EXPECT_EQ(a->not_told, 0);
}

TEST_F(ToldTest, confirmation_ends_the_wait_of_another_node) {
  const auto a = node("a");
  const auto b = node("b");
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(b->cluster.start());
  for (int i = 0; i < 10; ++i) {
    const auto sequence = announced_change();
    auto waiting = std::async(std::launch::async, [&] { return a->cluster.wait(sequence, Confirmed::kCut); });
    ASSERT_TRUE(eventually([&] { return b->committed == sequence; }));
    b->cluster.confirm(sequence, Confirmed::kApplied);
    b->cluster.confirm(sequence, Confirmed::kCut);
    ASSERT_EQ(waiting.wait_for(std::chrono::minutes(1)), std::future_status::ready);
    EXPECT_TRUE(waiting.get());
  }
}

TEST_F(ToldTest, node_that_leaves_ends_the_wait_of_another) {
  const auto a = node("a");
  const auto b = node("b");
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(b->cluster.start());
  auto waiting = std::async(std::launch::async, [&] { return a->cluster.wait(announced_change(), Confirmed::kCut); });
  b->cluster.stop();
  ASSERT_TRUE(b->cluster.leave());
  ASSERT_EQ(waiting.wait_for(std::chrono::minutes(1)), std::future_status::ready);
  EXPECT_TRUE(waiting.get());
}

TEST_F(ToldTest, connection_that_was_ended_is_made_anew_and_listens) {
  const auto a = node("a");
  ASSERT_TRUE(a->cluster.start());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(database_
                    ->query("SELECT pg_terminate_backend(pid)::int4 FROM pg_stat_activity WHERE pid <> "
                            "pg_backend_pid() AND backend_type = 'client backend'")
                    .all([](const store::Query&) { return 0; }));
    const auto sequence = announced_change();
    ASSERT_TRUE(eventually([&] { return a->committed == sequence; })) << i;
  }
}

TEST_F(ToldTest, server_that_was_away_is_listened_to_again) {
  tests::PostgresServer server;
  const auto url = server.url("postgres");
  database_ = std::move(*store::Database::open(url, store::Database::Access::kReadWrite));
  ASSERT_TRUE(store::migrate(*database_));
  const auto a = node_at(url, "a", {kNever, kNever, kNever});
  ASSERT_TRUE(a->cluster.start());
  server.stop();
  ASSERT_TRUE(eventually([&] { return !a->cluster.state().trouble.empty(); })) << "it hears of the end at once";
  server.start();
  ASSERT_TRUE(eventually([&] { return a->cluster.state().trouble.empty(); }));
  const auto sequence = announced_change();
  EXPECT_TRUE(eventually([&] { return a->committed == sequence; }));
}

TEST_F(ToldTest, server_without_listen_is_looked_at_as_often_as_a_file_and_that_is_said_once) {
  tests::PostgresBetween between(postgres_of_run(), "LISTEN latchkey", "LISTEN latch-ey");
  const auto a = node_at(between_url(between), "a", {5, 2, kNever});
  ASSERT_TRUE(a->cluster.start());
  EXPECT_EQ(a->not_told, 1);
  EXPECT_NE(a->not_told_why.find("LISTEN"), std::string::npos) << a->not_told_why;
  for (int i = 0; i < 3; ++i) {
    const auto sequence = announced_change();
    ASSERT_TRUE(eventually([&] { return a->committed == sequence; }));
  }
  EXPECT_EQ(a->not_told, 1);
}

// As a pool does that gives the connection to somebody else between transactions.
TEST_F(ToldTest, server_that_takes_listen_and_tells_nothing_is_found_out) {
  tests::PostgresBetween between(postgres_of_run(), "LISTEN latchkey", "LISTEN somebody");
  const auto a = node_at(between_url(between), "a", {5, 2, 50});
  ASSERT_TRUE(a->cluster.start());
  EXPECT_EQ(a->not_told, 0) << "who would know";
  const auto sequence = announced_change();
  ASSERT_TRUE(eventually([&] { return a->committed == sequence; }));
  EXPECT_TRUE(eventually([&] { return a->not_told == 1; }));
}

TEST_F(ClusterTest, wait_ends_with_the_hub) {
  const auto a = node("a");
  const auto b = node("b");
  ASSERT_TRUE(a->cluster.start());
  ASSERT_TRUE(b->cluster.start());
  auto waiting = std::async(std::launch::async, [&] { return a->cluster.wait(1'000, Confirmed::kCut); });
  a->cluster.stop();
  const auto outcome = waiting.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().reason, Reason::kShuttingDown);
}

}  // namespace
}  // namespace latchkey::registry::cluster
