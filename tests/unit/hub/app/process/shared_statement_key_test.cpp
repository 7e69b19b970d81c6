// SPDX-License-Identifier: Apache-2.0
// Two nodes: data folders of their own, one registry.
#include "hub/app/process/shared_statement_key.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <fstream>

#include "hub/ca/node_key.h"
#include "hub/firmware/statements.h"
#include "platform/files/folder.h"
#include "platform/openssl/digest.h"
#include "registry/operations/rows.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::app {
namespace {

using registry::Outcome;
using registry::Reason;
using Key = firmware::StatementKey::Key;
using testing::HasSubstr;

struct NodeOfTest {
  NodeOfTest(registry::Registry& registry, const KeysOption& keys, const std::filesystem::path& data, bool alone)
      : folder(std::move(*DataFolder::open(data, false))),
        providers(std::move(*KeyProviders::open(keys, folder, registry))),
        firmware_folder(folder.path() / "firmware") {
    EXPECT_TRUE(files::make_secret_folder(firmware_folder));
    SharedStatementKey::Agree agree = [&registry](const std::string& setting, const std::string& ours) {
      auto known = registry.setting(setting);
      if (known && *known) return Outcome<std::string>(**known);
      EXPECT_TRUE(registry.set_setting(setting, ours));
      return Outcome<std::string>(ours);
    };
    if (alone) agree = {};
    key = std::make_unique<SharedStatementKey>(registry, *providers, firmware_folder, std::move(agree));
  }
  std::filesystem::path file() const { return firmware_folder / "statement.key"; }

  DataFolder folder;
  std::unique_ptr<KeyProviders> providers;
  std::filesystem::path firmware_folder;
  std::unique_ptr<SharedStatementKey> key;
};

class SharedStatementKeyTest : public testing::Test {
 protected:
  SharedStatementKeyTest() {
    ::chmod(folder_.file(".").c_str(), 0711);  // the brokers' user walks through to data folders
    registry_ = std::move(*registry::Registry::open({.path = folder_.file("registry.db")}, openssl::host_digest()));
    const auto node_key = folder_.file("node.key");
    EXPECT_TRUE(ca::NodeKey::make(node_key));
    sealed_ = *parse_keys("sealed:" + node_key, "");
  }
  ~SharedStatementKeyTest() override { registry_->close(); }
  std::unique_ptr<NodeOfTest> node(const std::string& name, const KeysOption& keys, bool alone = false) {
    return std::make_unique<NodeOfTest>(*registry_, keys, folder_.file(name), alone);
  }
  std::string setting() { return registry_->setting("statement key")->value_or(""); }
  static bool same(const Outcome<Key>& a, const Outcome<Key>& b) {
    return a && b && *a && *b && EVP_PKEY_eq(a->get(), b->get()) == 1;
  }
  static void expect_elsewhere(const Outcome<Key>& refused) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kPreconditionFailed);
    EXPECT_THAT(refused.error().detail, HasSubstr("copy firmware/statement.key"));
  }

  tests::MemoryFolder folder_;
  std::unique_ptr<registry::Registry> registry_;
  KeysOption sealed_;
  const KeysOption files_ = *parse_keys("files", "");
};

TEST_F(SharedStatementKeyTest, key_that_one_node_makes_is_the_others_and_lies_in_no_folder) {
  auto a = node("a", sealed_);
  auto b = node("b", sealed_);
  EXPECT_EQ(*a->key->load(), nullptr);
  const auto made = a->key->make();
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_TRUE(same(made, b->key->load()));
  EXPECT_TRUE(same(made, a->key->load()));
  EXPECT_FALSE(std::filesystem::exists(a->file()));
  EXPECT_THAT(setting(), testing::EndsWith(".sealed"));
}

TEST_F(SharedStatementKeyTest, of_two_that_are_made_at_once_one_counts) {
  auto a = node("a", sealed_);
  auto b = node("b", sealed_);
  const auto first = a->key->make();
  const auto second = b->key->make();  // which had seen none
  EXPECT_TRUE(same(first, second));
}

TEST_F(SharedStatementKeyTest, hub_that_is_alone_keeps_it_where_its_keys_are) {
  auto sealed = node("a", sealed_, true);
  const auto made = sealed->key->make();
  ASSERT_TRUE(made);
  EXPECT_FALSE(std::filesystem::exists(sealed->file()));
  EXPECT_TRUE(same(made, node("b", sealed_)->key->load())) << "and so has it when it is joined by others";
}

TEST_F(SharedStatementKeyTest, file_of_a_hub_that_is_alone_stays_one_and_is_not_named) {
  auto a = node("a", files_, true);
  const auto made = a->key->make();
  ASSERT_TRUE(made);
  EXPECT_TRUE(std::filesystem::exists(a->file()));
  EXPECT_EQ(setting(), "");
  a.reset();
  EXPECT_TRUE(same(made, node("a", files_, true)->key->load()));
}

TEST_F(SharedStatementKeyTest, nodes_with_files_need_that_very_file) {
  auto a = node("a", files_);
  auto b = node("b", files_);
  const auto made = a->key->make();
  ASSERT_TRUE(made);
  expect_elsewhere(b->key->load());
  expect_elsewhere(b->key->make());
  EXPECT_FALSE(std::filesystem::exists(b->file())) << "one that nobody uses is not left";
  std::filesystem::copy(a->file(), b->file());
  b.reset();
  EXPECT_TRUE(same(made, node("b", files_)->key->load()));
}

TEST_F(SharedStatementKeyTest, another_file_is_not_signed_with) {
  ASSERT_TRUE(node("b", files_, true)->key->make());
  auto a = node("a", files_);
  ASSERT_TRUE(a->key->make());
  auto b = node("b", files_);
  ASSERT_TRUE(b->key->settle());
  expect_elsewhere(b->key->load());
  EXPECT_TRUE(std::filesystem::exists(b->file())) << "it is for its owner to remove";
}

TEST_F(SharedStatementKeyTest, file_of_before_counts_once_its_node_has_said_so) {
  const auto before = firmware::StatementKeyFile(node("a", sealed_)->firmware_folder).make();
  ASSERT_TRUE(before);
  auto a = node("a", sealed_);
  auto b = node("b", sealed_);
  ASSERT_TRUE(b->key->settle());
  EXPECT_EQ(setting(), "") << "it has none to name";
  ASSERT_TRUE(a->key->settle());
  EXPECT_TRUE(same(before, a->key->load()));
  expect_elsewhere(b->key->load());
  ASSERT_TRUE(node("c", sealed_)->key->settle());
  EXPECT_TRUE(same(before, a->key->load()));
}

TEST_F(SharedStatementKeyTest, no_second_key_is_made_where_there_are_statements) {
  firmware::StatementKeyFile before(node("a", sealed_)->firmware_folder);
  firmware::Statements statements(rows_of(*registry_), before);
  ASSERT_TRUE(statements.pin({"tester", 1000}, {"1.2.3"}));
  auto b = node("b", sealed_);
  EXPECT_EQ(*b->key->load(), nullptr) << "nobody has named it yet";
  expect_elsewhere(b->key->make());
}

TEST_F(SharedStatementKeyTest, damaged_file_is_refused_and_names_nothing) {
  auto a = node("a", files_);
  std::ofstream(a->file()) << "rubbish";
  ASSERT_TRUE(a->key->settle());
  EXPECT_EQ(setting(), "");
  const auto refused = a->key->load();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kStorage);
}

TEST_F(SharedStatementKeyTest, node_without_the_node_key_cannot_use_it) {
  ASSERT_TRUE(node("a", sealed_)->key->make());
  const auto other = folder_.file("other.key");
  ASSERT_TRUE(ca::NodeKey::make(other));
  EXPECT_FALSE(node("b", *parse_keys("sealed:" + other, ""))->key->load());
  EXPECT_FALSE(node("c", files_)->key->load());
}

}  // namespace
}  // namespace latchkey::hub::app
