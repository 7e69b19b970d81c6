// SPDX-License-Identifier: Apache-2.0
// Several nodes, each with a publisher and a folder of its own: one signs, all have the same lists.
#include <gmock/gmock.h>

#include <atomic>
#include <map>

#include "hub/ca/crl_publisher.h"
#include "tests/unit/hub/ca/world.h"

namespace latchkey::hub::ca::test {
namespace {

using ::testing::IsEmpty;

class SharedListsTest : public World {
 protected:
  struct Node {
    std::atomic<bool> on_duty = false;
    std::filesystem::path folder;
    std::unique_ptr<CrlPublisher> publisher;
  };
  void SetUp() override {
    World::SetUp();
    shared_ = std::make_unique<registry::StatusLists>(registry::rows_of(*registry_));
    make(a_, "a", 2);
    make(b_, "b", 2);
  }
  void TearDown() override {
    a_.publisher.reset();
    b_.publisher.reset();
    World::TearDown();
  }
  void make(Node& node, const std::string& name, unsigned shards) {
    node.folder = folder_ / name;
    std::filesystem::create_directories(node.folder);
    CrlPublisher::Options options;
    options.folder = node.folder;
    options.splits = {{shards, {"http://127.0.0.1/crl"}}};
    options.shared = shared_.get();
    options.on_duty = [&node] { return node.on_duty.load(); };
    node.publisher = std::make_unique<CrlPublisher>(
        *registry_, *authority_, [this] { return now_; }, options,
        [](const registry::Refusal& refusal) { ADD_FAILURE() << refusal.detail; });
  }
  // How many lists it wrote.
  static std::size_t publish(Node& node) {
    const auto written = node.publisher->publish();
    EXPECT_TRUE(written) << written.error().detail;
    return written ? *written : 0;
  }
  static std::map<std::string, registry::Bytes> lists(const Node& node) {
    std::map<std::string, registry::Bytes> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(node.folder)) {
      if (entry.is_regular_file()) all[entry.path().lexically_relative(node.folder).string()] = get(entry.path());
    }
    return all;
  }
  std::uint64_t number(const Node& node) const {
    return read_published(node.folder / list_path(issuing_.id, {})).number;
  }
  void revoke(const std::string& device) {
    Issuance issuance(*registry_, *authority_);
    ASSERT_TRUE(issuance.issue(call_, grant(device), csr(device)));
    ASSERT_TRUE(registry_->revoke_device(call_, "space", device, false));
  }

  UnixMs now_ = kNow;
  std::unique_ptr<registry::StatusLists> shared_;
  Node a_;
  Node b_;
};

TEST_F(SharedListsTest, who_is_not_on_duty_signs_nothing) {
  EXPECT_EQ(publish(a_), 0u);
  EXPECT_THAT(lists(a_), IsEmpty());
  EXPECT_EQ(keys_->count(issuing_.key_ref), 0);
}

TEST_F(SharedListsTest, what_one_signs_all_have_and_it_is_signed_once) {
  a_.on_duty = true;
  EXPECT_EQ(publish(a_), 4u) << "two CAs, and two shards of the issuing one";
  const auto signatures = keys_->count(issuing_.key_ref);
  EXPECT_EQ(publish(b_), 4u);
  EXPECT_EQ(lists(a_), lists(b_));
  revoke("dev-1");
  publish(b_);
  EXPECT_NE(number(a_), 0u);
  publish(a_);
  publish(b_);
  EXPECT_EQ(lists(a_), lists(b_));
  EXPECT_EQ(read_published(b_.folder / list_path(issuing_.id, {})).content.entries, 1u);
  EXPECT_GT(keys_->count(issuing_.key_ref), signatures);
  EXPECT_EQ(publish(a_) + publish(b_), 0u) << "nothing is due";
}

TEST_F(SharedListsTest, who_takes_over_goes_on_where_the_other_ended) {
  a_.on_duty = true;
  publish(a_);
  revoke("dev-1");
  publish(a_);
  const auto before = number(a_);
  a_.on_duty = false;
  b_.on_duty = true;
  const auto signatures = keys_->count(issuing_.key_ref);
  publish(b_);
  EXPECT_EQ(number(b_), before);
  EXPECT_EQ(keys_->count(issuing_.key_ref), signatures) << "the other one's lists are good";
  revoke("dev-2");
  publish(b_);
  EXPECT_GT(number(b_), before);
  publish(a_);
  EXPECT_EQ(lists(a_), lists(b_));
}

TEST_F(SharedListsTest, lists_that_wear_out_are_signed_anew_by_who_is_on_duty) {
  a_.on_duty = true;
  publish(a_);
  publish(b_);
  const auto before = lists(b_);
  now_ += 4 * kDayMs;
  EXPECT_EQ(publish(b_), 0u);
  EXPECT_GT(publish(a_), 0u);
  publish(b_);
  EXPECT_NE(lists(b_), before);
  EXPECT_EQ(lists(a_), lists(b_));
}

// A hub that was alone becomes one of several: what only it has counts for nothing.
TEST_F(SharedListsTest, lists_from_before_are_signed_anew_under_other_numbers) {
  CrlPublisher::Options alone;
  alone.folder = a_.folder;
  CrlPublisher before(*registry_, *authority_, [this] { return now_; }, alone, {});
  ASSERT_TRUE(before.publish());
  const auto old = number(a_);
  a_.on_duty = true;
  publish(a_);
  publish(b_);
  EXPECT_GT(number(a_), old);
  EXPECT_EQ(lists(a_), lists(b_));
}

// As when it crashed behind the row, and before the file.
TEST_F(SharedListsTest, file_that_is_missing_or_damaged_is_written_from_the_registry) {
  a_.on_duty = true;
  publish(a_);
  const auto whole = lists(a_);
  put(a_.folder / list_path(issuing_.id, {}), ByteView(std::string("damaged")));
  std::filesystem::remove(a_.folder / list_path(root_.id, {}));
  make(a_, "a", 2);
  a_.on_duty = true;
  EXPECT_EQ(publish(a_), 2u);
  EXPECT_EQ(lists(a_), whole);
}

TEST_F(SharedListsTest, last_list_of_a_ca_reaches_all_before_its_key_goes) {
  a_.on_duty = true;
  publish(a_);
  revoke("dev-1");
  const auto gone = registry_->delete_policy(call_, "space", "policy");
  ASSERT_TRUE(gone) << gone.error().detail;
  publish(a_);
  publish(b_);
  EXPECT_EQ(lists(a_), lists(b_));
  EXPECT_GE(read_published(b_.folder / list_path(issuing_.id, {})).next_update, issuing_.not_after);
}

TEST_F(SharedListsTest, path_that_leads_elsewhere_is_refused) {
  for (const auto* path : {"../escaped.crl", "/tmp/escaped.crl", "a/../../escaped.crl"}) {
    ASSERT_TRUE(shared_->put(path, 1, {0x30}));
    const auto refused = b_.publisher->publish();
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().reason, registry::Reason::kStorage);
    ASSERT_TRUE(rows_of(*registry_).keep_rows([](registry::store::Database& db) {
      return db.query("DELETE FROM status_lists").run();
    }));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "escaped.crl"));
}

}  // namespace
}  // namespace latchkey::hub::ca::test
