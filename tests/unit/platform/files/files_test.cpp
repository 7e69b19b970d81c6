// SPDX-License-Identifier: Apache-2.0
// Runs as root too, so nothing here is refused by a mode alone: what cannot be written lies below a regular file.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>

#include "platform/files/file.h"
#include "platform/files/folder.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::files {
namespace {

class FilesTest : public testing::Test {
 protected:
  static unsigned mode_of(const std::filesystem::path& path) {
    struct stat found {};
    EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
    return found.st_mode & 07777;
  }
  std::filesystem::path file(const std::string& name = "file") const { return folder_ / name; }
  std::filesystem::path made(const std::string& name, const std::string& content) const {
    EXPECT_TRUE(replace_file(file(name), content));
    return file(name);
  }
  static std::string text_of(const std::filesystem::path& path) {
    return read_text(path, 1 << 20).value_or("<cannot be read>");
  }
  std::ptrdiff_t entries() const { return std::distance(std::filesystem::directory_iterator(folder_), {}); }

  const tests::TemporaryFolder own_;
  const std::filesystem::path folder_ = own_.path();
};

TEST_F(FilesTest, bytes_come_back_as_they_were) {
  const std::string content("\0\r\n\xff text", 9);
  made("file", content);
  EXPECT_EQ(text_of(file()), content);
  const auto bytes = read_file(file(), 9);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(ByteView(*bytes).text(), content);
}

TEST_F(FilesTest, file_is_its_owners_alone_even_with_an_empty_umask) {
  const mode_t before = ::umask(0);
  EXPECT_TRUE(replace_file(file("secret"), std::string("s")));
  ::umask(before);
  EXPECT_EQ(mode_of(file("secret")), 0600U);
}

TEST_F(FilesTest, file_has_its_mode_whatever_the_umask_takes_away) {
  const mode_t before = ::umask(0777);
  EXPECT_TRUE(replace_file(file("public"), std::string("p"), kPublicFile));
  EXPECT_TRUE(replace_file(file("secret"), std::string("s"), kSecretFile));
  ::umask(before);
  EXPECT_EQ(mode_of(file("public")), 0644U);
  EXPECT_EQ(mode_of(file("secret")), 0600U);
}

TEST_F(FilesTest, replacing_leaves_nothing_of_the_old_file) {
  ASSERT_TRUE(replace_file(file(), std::string("a long first content"), kPublicFile));
  ASSERT_TRUE(replace_file(file(), std::string("short")));
  EXPECT_EQ(text_of(file()), "short");
  EXPECT_EQ(mode_of(file()), 0600U);
  EXPECT_EQ(entries(), 1);
}

TEST_F(FilesTest, what_a_crash_left_is_written_over) {
  made("file.tmp", "half of a lon");
  ASSERT_TRUE(replace_file(file(), std::string("new")));
  EXPECT_EQ(text_of(file()), "new");
  EXPECT_FALSE(std::filesystem::exists(file("file.tmp")));
}

TEST_F(FilesTest, link_in_the_files_place_is_replaced_and_not_followed) {
  made("target", "untouched");
  for (const auto* name : {"file", "file.tmp"}) std::filesystem::create_symlink(file("target"), file(name));
  ASSERT_TRUE(replace_file(file(), std::string("new")));
  EXPECT_EQ(text_of(file("target")), "untouched");
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(file())));
  EXPECT_EQ(text_of(file()), "new");
}

TEST_F(FilesTest, folder_in_the_files_place_is_a_failure_that_leaves_nothing) {
  std::filesystem::create_directory(file());
  EXPECT_EQ(replace_file(file(), std::string("x")).error(), Status::kStorageFailed);
  EXPECT_TRUE(std::filesystem::is_directory(file()));
  EXPECT_EQ(entries(), 1);
}

// A file size limit stands for a disk that takes part of a write.
TEST_F(FilesTest, write_that_fails_half_way_leaves_the_old_file) {
  made("file", "old");
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{1000, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = replace_file(file(), std::string(5000, 'n'));
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, previous);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(), Status::kStorageFailed);
  EXPECT_EQ(text_of(file()), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(FilesTest, missing_folder_is_not_found) {
  EXPECT_EQ(replace_file(file("no/where"), std::string("x")).error(), Status::kNotFound);
  EXPECT_EQ(read_file(file("no/where"), 100).error(), Status::kNotFound);
  EXPECT_EQ(remove_file(file("no/where")).error(), Status::kNotFound);
  EXPECT_EQ(entries(), 0);
}

TEST_F(FilesTest, what_lies_below_a_file_is_not_missing_but_out_of_reach) {
  made("file", "x");
  EXPECT_EQ(replace_file(file("file/below"), std::string("x")).error(), Status::kStorageFailed);
  EXPECT_EQ(read_file(file("file/below"), 100).error(), Status::kStorageFailed);
  EXPECT_EQ(remove_file(file("file/below")).error(), Status::kStorageFailed);
  EXPECT_EQ(make_folder(file("file/below"), 0700).error(), Status::kStorageFailed);
  EXPECT_EQ(text_of(file()), "x");
}

TEST_F(FilesTest, missing_file_is_told_from_one_that_cannot_be_read) {
  std::filesystem::create_directory(file("folder"));
  EXPECT_EQ(read_file(file("none"), 100).error(), Status::kNotFound);
  EXPECT_EQ(read_file(file("folder"), 1 << 20).error(), Status::kStorageFailed);
}

TEST_F(FilesTest, file_over_the_limit_is_too_large_and_one_at_the_limit_is_not) {
  made("file", std::string(101, 'x'));
  EXPECT_EQ(read_file(file(), 100).error(), Status::kTooLarge);
  EXPECT_EQ(read_text(file(), 100).error(), Status::kTooLarge);
  EXPECT_EQ(read_file(file(), 101).value_or(std::vector<std::uint8_t>()).size(), 101U);
  made("empty", "");
  EXPECT_EQ(read_text(file("empty"), 0).value_or("?"), "");
}

// Files in /proc have content but no size.
TEST_F(FilesTest, limit_holds_for_files_that_tell_no_size) {
  constexpr int kPages = 256;
  const auto page = static_cast<std::size_t>(::getpagesize());
  void* const pages = ::mmap(nullptr, kPages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  for (std::size_t i = 0; i < kPages; i += 2) {  // a line for each
    ASSERT_EQ(::mprotect(static_cast<char*>(pages) + i * page, page, PROT_READ), 0);
  }
  const auto whole = read_text("/proc/self/maps", 1 << 20);
  EXPECT_EQ(read_text("/proc/self/maps", 5000).error(), Status::kTooLarge);
  ::munmap(pages, kPages * page);
  ASSERT_TRUE(whole);
  EXPECT_GT(std::count(whole->begin(), whole->end(), '\n'), kPages);
  EXPECT_EQ(whole->back(), '\n');
}

TEST_F(FilesTest, file_is_read_through_a_link_by_path_but_not_in_an_open_folder) {
  made("target", "content");
  std::filesystem::create_symlink(file("target"), file("link"));
  EXPECT_EQ(text_of(file("link")), "content");
  const auto folder = open_folder(folder_);
  ASSERT_TRUE(folder);
  std::array<std::uint8_t, 64> out{};
  EXPECT_EQ(read_file_at(folder->get(), "link", out).error(), Status::kStorageFailed);
  EXPECT_EQ(read_file_at(folder->get(), "target", out).value_or(0), 7U);
}

TEST_F(FilesTest, buffer_that_is_too_small_stays_as_it_is) {
  made("file", "12345");
  const auto folder = open_folder(folder_);
  ASSERT_TRUE(folder);
  std::array<std::uint8_t, 4> out{9, 9, 9, 9};
  EXPECT_EQ(read_file_at(folder->get(), "file", out).error(), Status::kTooLarge);
  EXPECT_EQ(out, (std::array<std::uint8_t, 4>{9, 9, 9, 9}));
  EXPECT_EQ(read_file_at(folder->get(), "none", out).error(), Status::kNotFound);
}

TEST_F(FilesTest, anything_but_a_file_in_an_open_folder_is_refused_at_once) {
  const auto folder = open_folder(folder_);
  ASSERT_TRUE(folder);
  ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0600), 0);  // reading it would wait for a writer
  std::array<std::uint8_t, 4> out{};
  EXPECT_EQ(read_file_at(folder->get(), "pipe", out).error(), Status::kStorageFailed);
}

TEST_F(FilesTest, removing_what_is_not_there_is_success) {
  made("file", "x");
  EXPECT_TRUE(remove_file(file()));
  EXPECT_TRUE(remove_file(file()));
  EXPECT_EQ(entries(), 0);
}

TEST_F(FilesTest, removing_does_not_remove_a_folder) {
  std::filesystem::create_directory(file());
  EXPECT_FALSE(remove_file(file()));
  EXPECT_TRUE(std::filesystem::exists(file()));
}

TEST_F(FilesTest, folder_gets_its_mode_also_when_it_is_there) {
  ASSERT_TRUE(make_folder(file("a/b"), 0700));
  EXPECT_EQ(mode_of(file("a/b")), 0700U);
  ASSERT_TRUE(make_folder(file("a/b"), 0711));
  EXPECT_EQ(mode_of(file("a/b")), 0711U);
}

TEST_F(FilesTest, file_in_the_place_of_a_folder_is_a_failure) {
  made("file", "x");
  EXPECT_FALSE(make_folder(file(), 0700));
  EXPECT_EQ(make_secret_folder(file()).error(), Status::kRefused);
  EXPECT_EQ(text_of(file()), "x");
}

TEST_F(FilesTest, secret_folder_is_ours_and_closed_or_refused) {
  EXPECT_TRUE(make_secret_folder(file("new")));
  EXPECT_EQ(mode_of(file("new")), 0700U);
  EXPECT_TRUE(make_secret_folder(file("new")));
  for (const mode_t mode : {0701, 0710, 0704, 0740}) {
    ASSERT_EQ(::chmod(file("new").c_str(), mode), 0);
    EXPECT_EQ(make_secret_folder(file("new")).error(), Status::kRefused);
  }
  EXPECT_EQ(make_secret_folder(file("no/parent")).error(), Status::kNotFound);
}

TEST_F(FilesTest, link_to_a_secret_folder_is_refused) {
  ASSERT_TRUE(make_secret_folder(file("real")));
  std::filesystem::create_directory_symlink(file("real"), file("link"));
  EXPECT_EQ(make_secret_folder(file("link")).error(), Status::kRefused);
}

}  // namespace
}  // namespace latchkey::files
