// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/storage.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/contract/storage_contract.h"
#include "tests/unit/platform/posix/test_servers.h"

namespace latchkey::test {

class PosixMedium {
 public:
  PosixMedium() { restart(); }
  ports::Storage& storage() { return *storage_; }
  void restart() {
    storage_.reset();
    storage_ = posix::PosixStorage::open(folder_.file("state")).value();
  }

 private:
  tests::TemporaryFolder folder_;
  std::unique_ptr<posix::PosixStorage> storage_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Posix, StorageContract, PosixMedium);

}  // namespace latchkey::test

namespace latchkey::posix {
namespace {

using ports::Item;

class PosixStorageTest : public testing::Test {
 protected:
  Status open_status() {
    const auto opened = PosixStorage::open(state());
    return opened ? Status::kOk : opened.error();
  }
  std::unique_ptr<PosixStorage> open() {
    auto opened = PosixStorage::open(state());
    EXPECT_TRUE(opened);
    return opened ? std::move(*opened) : nullptr;
  }
  std::string state() const { return folder_.file("state"); }
  static mode_t mode_of(const std::string& path) {
    struct stat found {};
    EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
    return found.st_mode & 07777;
  }
  tests::TemporaryFolder folder_;
};

TEST_F(PosixStorageTest, folder_and_files_are_the_owners_only_whatever_the_umask) {
  const mode_t before = umask(0);
  {
    const auto storage = open();
    ASSERT_TRUE(storage->write(Item::kSlotA, ByteView(std::string("a"))));
    ASSERT_TRUE(storage->write(Item::kSlotA, ByteView(std::string("b"))));
    EXPECT_EQ(mode_of(storage->path(Item::kSlotA)), 0600u);
  }
  umask(before);
  EXPECT_EQ(mode_of(state()), 0700u);
  for (const auto& entry : std::filesystem::directory_iterator(state())) EXPECT_EQ(mode_of(entry.path()), 0600u);
}

TEST_F(PosixStorageTest, items_lie_where_paths_say) {
  const auto storage = open();
  EXPECT_EQ(storage->path(Item::kSlotA), state() + "/slot-a.pem");
  EXPECT_EQ(storage->path(Item::kSlotB), state() + "/slot-b.pem");
  EXPECT_EQ(storage->path(Item::kPendingKey), state() + "/pending-key.pem");
  ASSERT_TRUE(storage->write(Item::kSlotB, ByteView(std::string("12345"))));
  EXPECT_EQ(std::filesystem::file_size(storage->path(Item::kSlotB)), 5u);
}

TEST_F(PosixStorageTest, second_owner_of_a_folder_is_busy_until_the_first_has_gone) {
  auto first = open();
  EXPECT_EQ(open_status(), Status::kBusy);
  first.reset();
  EXPECT_EQ(open_status(), Status::kOk);
}

TEST_F(PosixStorageTest, folder_that_others_may_write_to_is_refused) {
  ASSERT_EQ(mkdir(state().c_str(), 0700), 0);
  for (const mode_t mode : {0770, 0702, 0777}) {
    ASSERT_EQ(chmod(state().c_str(), mode), 0);
    EXPECT_EQ(open_status(), Status::kRefused);
  }
  ASSERT_EQ(chmod(state().c_str(), 0750), 0);
  EXPECT_EQ(open_status(), Status::kOk);
}

TEST_F(PosixStorageTest, file_in_the_folders_place_and_missing_parent_are_refused) {
  folder_.write("state", "a file");
  EXPECT_EQ(open_status(), Status::kRefused);
  EXPECT_EQ(PosixStorage::open(folder_.file("no/such")).error(), Status::kStorageFailed);
}

TEST_F(PosixStorageTest, remains_of_an_interrupted_write_are_cleared_away) {
  {
    const auto storage = open();
    ASSERT_TRUE(storage->write(Item::kSlotA, ByteView(std::string("good"))));
  }
  folder_.write("state/slot-a.pem.tmp", "half of a rec");
  const auto storage = open();
  EXPECT_FALSE(std::filesystem::exists(state() + "/slot-a.pem.tmp"));
  std::array<std::uint8_t, 16> out;
  EXPECT_EQ(storage->read(Item::kSlotA, out).value_or(0), 4u);
}

TEST_F(PosixStorageTest, link_in_an_items_place_is_not_followed) {
  const auto storage = open();
  const std::string target = folder_.write("target", "somebody else's");
  ASSERT_EQ(symlink(target.c_str(), storage->path(Item::kSlotA).c_str()), 0);
  std::array<std::uint8_t, 64> out;
  EXPECT_EQ(storage->read(Item::kSlotA, out).error(), Status::kStorageFailed);
  ASSERT_TRUE(storage->write(Item::kSlotA, ByteView(std::string("mine"))));
  EXPECT_EQ(std::filesystem::file_size(target), 15u);
  EXPECT_EQ(storage->read(Item::kSlotA, out).value_or(0), 4u);
}

// A file size limit stands for a disk that takes part of a write.
TEST_F(PosixStorageTest, write_that_fails_half_way_leaves_the_old_bytes) {
  const auto storage = open();
  ASSERT_TRUE(storage->write(Item::kSlotA, ByteView(std::string("old"))));
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{1000, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = storage->write(Item::kSlotA, ByteView(std::string(5000, 'n')));
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, previous);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(), Status::kStorageFailed);
  std::array<std::uint8_t, 16> out;
  EXPECT_EQ(storage->read(Item::kSlotA, out).value_or(0), 3u);
  EXPECT_FALSE(std::filesystem::exists(state() + "/slot-a.pem.tmp"));
}

}  // namespace
}  // namespace latchkey::posix
