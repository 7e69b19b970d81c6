// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/node_news.h"

#include <gmock/gmock.h>

#include <fstream>
#include <string>
#include <vector>

#include "registry/store/schema.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::hub::app {
namespace {

using registry::store::Database;
using registry::store::DeviceNews;
using testing::ElementsAre;
using testing::IsEmpty;

class NodeNewsTest : public testing::Test {
 protected:
  NodeNewsTest() {
    database_ = std::move(*Database::open(registry::store_in(folder_), Database::Access::kReadWrite));
    EXPECT_TRUE(registry::store::migrate(*database_));
    device_.bytes.fill(7);
    // Nobody writes news where no node has ever joined.
    EXPECT_TRUE(database_
                    ->query("INSERT INTO nodes (name, incarnation, state, beat, lease, applied, cut, address, version, "
                            "draining) VALUES ('a', $1, 1, 0, 8000, 0, 0, '', '', 0)",
                            device_)
                    .run());
  }
  NodeNews news() {
    return NodeNews({[this](const DeviceNews& one) { heard_.push_back(one.device_id); },
                     [this] { heard_.emplace_back("all end"); }},
                    kept_);
  }
  void write(const std::string& device) {
    EXPECT_TRUE(registry::store::tell_nodes(*database_, {0, "default", device_, device, 2, "{}"}));
  }
  void forget_up_to(std::uint64_t number) {
    EXPECT_TRUE(database_->query("DELETE FROM device_news WHERE number <= $1", number).run());
  }
  // What is heard in one turn, which has to go through.
  std::vector<std::string> turn(NodeNews& news, bool more = false) {
    const auto done = news.turn(*database_);
    EXPECT_TRUE(done) << (done ? "" : done.error().detail);
    EXPECT_EQ(done && *done, more);
    return std::exchange(heard_, {});
  }
  void keep(const std::string& text) const { std::ofstream(kept_) << text; }

  tests::MemoryFolder folder_;
  const std::filesystem::path kept_ = folder_.file("node.news");
  std::unique_ptr<Database> database_;
  Uuid device_;
  std::vector<std::string> heard_;
};

TEST_F(NodeNewsTest, news_are_told_once_each_in_their_order) {
  auto node = news();
  node.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(node), IsEmpty());
  write("dev-1");
  write("dev-2");
  write("dev-1");
  EXPECT_THAT(turn(node), ElementsAre("dev-1", "dev-2", "dev-1"));
  EXPECT_THAT(turn(node), IsEmpty());
  write("dev-3");
  EXPECT_THAT(turn(node), ElementsAre("dev-3"));
}

TEST_F(NodeNewsTest, what_was_written_before_its_first_turn_is_for_nobody_here) {
  write("before");
  auto node = news();
  EXPECT_THAT(turn(node), IsEmpty());
  node.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(node), IsEmpty());
}

TEST_F(NodeNewsTest, what_was_written_while_sessions_became_known_is_told_once_they_are) {
  auto node = news();
  EXPECT_THAT(turn(node), IsEmpty());
  write("dev-1");
  EXPECT_THAT(turn(node), IsEmpty()) << "not before it begins";
  node.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(node), ElementsAre("dev-1"));
}

TEST_F(NodeNewsTest, much_is_told_in_several_turns) {
  auto node = news();
  node.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(node), IsEmpty());
  for (int i = 0; i < 300; ++i) write("dev-" + std::to_string(i));
  auto all = turn(node, true);
  EXPECT_EQ(all.size(), 256u);
  for (const auto& one : turn(node)) all.push_back(one);
  ASSERT_EQ(all.size(), 300u);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], "dev-" + std::to_string(i));
}

TEST_F(NodeNewsTest, gap_ends_all_sessions_before_anything_is_told) {
  auto node = news();
  node.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(node), IsEmpty());
  for (const char* one : {"dev-1", "dev-2", "dev-3"}) write(one);
  forget_up_to(2);
  EXPECT_THAT(turn(node), ElementsAre("all end", "dev-3"));
  write("dev-4");
  EXPECT_THAT(turn(node), ElementsAre("dev-4")) << "one gap is one end";
}

TEST_F(NodeNewsTest, oldest_that_is_kept_follows_and_is_no_gap) {
  auto node = news();
  EXPECT_THAT(turn(node), IsEmpty());
  node.begin(NodeNews::Sessions::kNew);
  write("dev-1");
  EXPECT_THAT(turn(node), ElementsAre("dev-1"));
  write("dev-2");
  forget_up_to(1);
  EXPECT_THAT(turn(node), ElementsAre("dev-2"));
}

TEST_F(NodeNewsTest, sessions_that_were_left_hear_what_the_process_before_had_not_told) {
  auto before = news();
  before.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(before), IsEmpty());
  write("dev-1");
  EXPECT_THAT(turn(before), ElementsAre("dev-1"));
  write("dev-2");
  auto after = news();
  EXPECT_THAT(turn(after), IsEmpty());
  write("dev-3");
  after.begin(NodeNews::Sessions::kLeft);
  EXPECT_THAT(turn(after), ElementsAre("dev-2", "dev-3"));
  EXPECT_THAT(turn(after), IsEmpty());
}

TEST_F(NodeNewsTest, new_sessions_hear_nothing_of_what_the_process_before_missed) {
  auto before = news();
  before.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(before), IsEmpty());
  write("dev-1");
  auto after = news();
  after.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(after), IsEmpty());
  write("dev-2");
  auto last = news();
  last.begin(NodeNews::Sessions::kLeft);
  EXPECT_THAT(turn(last), ElementsAre("dev-2")) << "its place is kept before anything is told";
}

TEST_F(NodeNewsTest, gap_is_seen_by_the_next_process_too) {
  auto before = news();
  before.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(before), IsEmpty());
  write("dev-1");
  write("dev-2");
  forget_up_to(1);
  auto after = news();
  after.begin(NodeNews::Sessions::kLeft);
  EXPECT_THAT(turn(after), ElementsAre("all end", "dev-2"));
}

TEST_F(NodeNewsTest, kept_place_that_cannot_be_read_or_is_another_registrys_counts_for_nothing) {
  write("before");
  for (const char* wrong : {"", "seven", "-1", "1x", " 1", "00000000000000000099", "99999999999999999999",
                            "000000000000000000000000000000001"}) {
    keep(wrong);
    auto node = news();
    node.begin(NodeNews::Sessions::kLeft);
    EXPECT_THAT(turn(node), IsEmpty()) << wrong;
    write(wrong);
    EXPECT_THAT(turn(node), ElementsAre(wrong));
  }
}

TEST_F(NodeNewsTest, place_that_cannot_be_kept_costs_only_the_next_process) {
  std::filesystem::create_directory(kept_);
  auto node = news();
  node.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(node), IsEmpty());
  write("dev-1");
  EXPECT_THAT(turn(node), ElementsAre("dev-1"));
}

TEST_F(NodeNewsTest, kept_place_is_its_owners_alone) {
  auto node = news();
  node.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(node), IsEmpty());
  EXPECT_EQ(std::filesystem::status(kept_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(NodeNewsTest, row_that_cannot_be_read_is_refused_with_nobody_told_and_its_place_kept) {
  auto node = news();
  node.begin(NodeNews::Sessions::kNew);
  EXPECT_THAT(turn(node), IsEmpty());
  write("dev-1");
  ASSERT_TRUE(database_->execute("INSERT INTO device_news VALUES (2, 'default', X'0102', 'dev-2', 2, '{}')"));
  write("dev-3");
  for (int again = 0; again < 2; ++again) {
    const auto refused = node.turn(*database_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, registry::Reason::kStorage);
    EXPECT_THAT(heard_, IsEmpty());
  }
  ASSERT_TRUE(database_->query("UPDATE device_news SET device = $1 WHERE number = 2", device_).run());
  EXPECT_THAT(turn(node), ElementsAre("dev-1", "dev-2", "dev-3"));
}

TEST_F(NodeNewsTest, registry_that_cannot_be_read_is_asked_again) {
  auto node = news();
  node.begin(NodeNews::Sessions::kNew);
  ASSERT_TRUE(database_->execute("ALTER TABLE device_news RENAME TO hidden"));
  EXPECT_FALSE(node.turn(*database_));
  ASSERT_TRUE(database_->execute("ALTER TABLE hidden RENAME TO device_news"));
  EXPECT_THAT(turn(node), IsEmpty());
  write("dev-1");
  ASSERT_TRUE(database_->execute("ALTER TABLE device_news RENAME TO hidden"));
  EXPECT_FALSE(node.turn(*database_));
  EXPECT_THAT(heard_, IsEmpty());
  ASSERT_TRUE(database_->execute("ALTER TABLE hidden RENAME TO device_news"));
  EXPECT_THAT(turn(node), ElementsAre("dev-1"));
}

}  // namespace
}  // namespace latchkey::hub::app
