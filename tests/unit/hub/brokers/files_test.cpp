// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/hub/brokers/scratch.h"

namespace latchkey::hub::brokers {
namespace {

using test::mode_of;
using test::Scratch;

TEST(FilesTest, file_has_its_mode_whatever_the_umask) {
  const Scratch scratch;
  const mode_t before = ::umask(0);
  EXPECT_TRUE(write_file(scratch / "secret", "s", 0600));
  ::umask(0777);
  EXPECT_TRUE(write_file(scratch / "public", "p", 0644));
  ::umask(before);
  EXPECT_EQ(mode_of(scratch / "secret"), 0600U);
  EXPECT_EQ(mode_of(scratch / "public"), 0644U);
}

TEST(FilesTest, file_is_replaced_as_a_whole) {
  const Scratch scratch;
  ASSERT_TRUE(write_file(scratch / "file", "a long first content", 0600));
  ASSERT_TRUE(write_file(scratch / "file", "short", 0600));
  EXPECT_EQ(read_file(scratch / "file").value_or(""), "short");
}

TEST(FilesTest, nothing_is_left_beside_the_file) {
  const Scratch scratch;
  ASSERT_TRUE(write_file(scratch / "file", "x", 0600));
  std::filesystem::create_directory(scratch / "folder");
  EXPECT_FALSE(write_file(scratch / "folder", "a folder is in the way", 0600));
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator((scratch / "file").parent_path()))
    ++entries;
  EXPECT_EQ(entries, 2);
}

TEST(FilesTest, missing_folder_and_file_are_not_found) {
  const Scratch scratch;
  EXPECT_EQ(write_file(scratch / "no/where", "x", 0600).error(), Status::kNotFound);
  EXPECT_EQ(read_file(scratch / "nothing").error(), Status::kNotFound);
}

TEST(FilesTest, bytes_come_back_as_they_were) {
  const Scratch scratch;
  const std::string content("\0\r\n\xff text", 9);
  ASSERT_TRUE(write_file(scratch / "file", content, 0600));
  EXPECT_EQ(read_file(scratch / "file").value_or(""), content);
}

TEST(FilesTest, folder_gets_its_mode_also_when_it_is_there) {
  const Scratch scratch;
  ASSERT_TRUE(make_folder(scratch / "a/b", 0700));
  EXPECT_EQ(mode_of(scratch / "a/b"), 0700U);
  ASSERT_TRUE(make_folder(scratch / "a/b", 0711));
  EXPECT_EQ(mode_of(scratch / "a/b"), 0711U);
}

TEST(FilesTest, file_in_the_place_of_a_folder_is_a_failure) {
  const Scratch scratch;
  ASSERT_TRUE(write_file(scratch / "file", "x", 0600));
  EXPECT_FALSE(make_folder(scratch / "file", 0700));
}

}  // namespace
}  // namespace latchkey::hub::brokers
