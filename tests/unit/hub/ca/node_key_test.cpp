// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/node_key.h"

#include <sys/stat.h>

#include <fstream>

#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Reason;

class NodeKeyTest : public ::testing::Test {
 protected:
  void write(const std::string& text, mode_t mode = 0600) {
    std::ofstream(file_, std::ios::trunc) << text;
    ASSERT_EQ(::chmod(file_.c_str(), mode), 0);
  }
  // What reading it is refused with.
  Reason refusal() {
    const auto key = NodeKey::read(file_);
    EXPECT_TRUE(key || key.error().detail.find(file_.string()) != std::string::npos) << "the file is not named";
    return key ? Reason::kNone : key.error().reason;
  }
  const std::string good_ = "latchkey-node-key-1 " + std::string(64, 'a') + "\n";

  tests::MemoryFolder folder_;
  const std::filesystem::path file_ = folder_ / "node.key";
};

TEST_F(NodeKeyTest, made_key_is_read_again_and_closed_to_others_whatever_the_umask) {
  const mode_t before = ::umask(0);
  const auto made = NodeKey::make(file_);
  ::umask(before);
  ASSERT_TRUE(made) << made.error().detail;
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  const auto found = NodeKey::read(file_);
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ((*found)->bytes(), (*made)->bytes());
  EXPECT_EQ((*found)->id(), (*made)->id());
}

TEST_F(NodeKeyTest, keys_and_their_ids_differ) {
  const auto one = NodeKey::make(file_);
  const auto other = NodeKey::make(folder_ / "other.key");
  ASSERT_TRUE(one);
  ASSERT_TRUE(other);
  EXPECT_NE((*one)->bytes(), (*other)->bytes());
  EXPECT_NE(to_text((*one)->id()), to_text((*other)->id()));
  EXPECT_EQ(to_text((*one)->id()).size(), 16U);
}

TEST_F(NodeKeyTest, id_is_no_part_of_the_key) {
  const auto made = NodeKey::make(file_);
  ASSERT_TRUE(made);
  const auto text = hex((*made)->bytes());
  EXPECT_EQ(text.find(to_text((*made)->id())), std::string::npos);
}

TEST_F(NodeKeyTest, file_that_is_there_is_never_overwritten) {
  write("something else");
  const auto made = NodeKey::make(file_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, Reason::kAlreadyExists);
  EXPECT_EQ(get(file_), registry::Bytes(ByteView(std::string_view("something else")).begin(),
                                        ByteView(std::string_view("something else")).end()));
}

TEST_F(NodeKeyTest, link_is_not_followed_to_make_one) {
  std::filesystem::create_symlink(folder_ / "elsewhere", file_);
  EXPECT_FALSE(NodeKey::make(file_));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere"));
}

TEST_F(NodeKeyTest, file_that_others_may_read_or_write_is_refused) {
  for (const mode_t mode : {0640, 0604, 0660, 0602, 0610}) {
    write(good_, mode);
    EXPECT_EQ(refusal(), Reason::kUnauthorized) << std::oct << mode;
  }
  write(good_, 0400);
  EXPECT_EQ(refusal(), Reason::kNone) << "as secrets are mounted";
}

TEST_F(NodeKeyTest, link_to_a_file_of_ours_is_read_and_to_an_open_one_is_not) {
  std::ofstream(folder_ / "mounted") << good_;
  std::filesystem::create_symlink(folder_ / "mounted", file_);
  ASSERT_EQ(::chmod((folder_ / "mounted").c_str(), 0600), 0);
  EXPECT_EQ(refusal(), Reason::kNone);
  ASSERT_EQ(::chmod((folder_ / "mounted").c_str(), 0644), 0);
  EXPECT_EQ(refusal(), Reason::kUnauthorized);
}

TEST_F(NodeKeyTest, what_is_no_file_is_refused) {
  EXPECT_EQ(refusal(), Reason::kNotFound);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(refusal(), Reason::kUnauthorized) << "and nobody waits for a writer";
}

TEST_F(NodeKeyTest, anything_but_a_node_key_is_refused) {
  const std::string cases[] = {"",
                               "\n",
                               "latchkey-node-key-1 \n",
                               good_.substr(0, good_.size() - 2) + "\n",
                               good_.substr(0, good_.size() - 1) + "a\n",
                               good_ + "\n",
                               good_ + good_,
                               "latchkey-node-key-2 " + std::string(64, 'a') + "\n",
                               "latchkey-node-key-1 " + std::string(64, 'g') + "\n",
                               " " + good_,
                               std::string(84, '\0')};
  for (const auto& text : cases) {
    write(text);
    EXPECT_EQ(refusal(), Reason::kInvalidArgument) << text;
  }
  write(good_.substr(0, good_.size() - 1));
  EXPECT_EQ(refusal(), Reason::kNone) << "without a line end";
}

TEST_F(NodeKeyTest, refusal_tells_nothing_of_the_key) {
  write("latchkey-node-key-1 " + std::string(63, 'a') + "\n");
  const auto key = NodeKey::read(file_);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().detail.find("aaaa"), std::string::npos);
}

TEST_F(NodeKeyTest, several_are_read_in_their_order_and_none_twice) {
  const auto one = NodeKey::make(file_);
  const auto other = NodeKey::make(folder_ / "other.key");
  const auto both = read_node_keys({folder_ / "other.key", file_});
  ASSERT_TRUE(both);
  ASSERT_EQ(both->size(), 2U);
  EXPECT_EQ((*both)[0]->id(), (*other)->id());
  EXPECT_EQ((*both)[1]->id(), (*one)->id());
  for (const auto& files : {std::vector<std::filesystem::path>{}, {file_, file_}, {file_, folder_ / "none.key"}}) {
    EXPECT_FALSE(read_node_keys(files));
  }
}

}  // namespace
}  // namespace latchkey::hub::ca::test
