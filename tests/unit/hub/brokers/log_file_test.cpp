// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/log_file.h"

#include <gtest/gtest.h>

#include "tests/unit/hub/brokers/scratch.h"

namespace latchkey::hub::brokers {
namespace {

using test::mode_of;
using test::Scratch;

class LogFileTest : public testing::Test {
 protected:
  void write(const std::string& text) const { ASSERT_TRUE(files::replace_file(scratch_ / "log", text)); }
  std::string text_of(const std::string& name) const {
    return files::read_text(scratch_ / name, 4 * LogFile::kLimit).value_or("<none>");
  }
  // Numbered lines of ten bytes.
  static std::string lines(int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i) {
      const auto number = std::to_string(i);
      text += std::string(9 - number.size(), '0') + number + '\n';
    }
    return text;
  }

  const Scratch scratch_;
  const LogFile log_{scratch_ / "log"};
};

constexpr int kLines = LogFile::kLimit / 10 + 100;  // more than fit

TEST_F(LogFileTest, log_at_the_limit_is_left_alone) {
  write(std::string(LogFile::kLimit, 'x'));
  log_.bound();
  EXPECT_EQ(text_of("log").size(), LogFile::kLimit);
  EXPECT_EQ(text_of("log.1"), "<none>");
}

TEST_F(LogFileTest, end_of_a_log_over_the_limit_moves_aside_in_whole_lines) {
  write(lines(0, kLines));
  log_.bound();
  EXPECT_EQ(text_of("log"), "");
  const auto before = text_of("log.1");
  EXPECT_LE(before.size(), LogFile::kLimit);
  EXPECT_GT(before.size(), LogFile::kLimit - 20);
  EXPECT_EQ(before, lines(kLines - static_cast<int>(before.size() / 10), kLines));
  EXPECT_EQ(mode_of(scratch_ / "log"), 0600U);
  EXPECT_EQ(mode_of(scratch_ / "log.1"), 0600U);
}

TEST_F(LogFileTest, older_half_is_replaced) {
  write(lines(0, kLines));
  log_.bound();
  write(lines(kLines, 2 * kLines));
  log_.bound();
  EXPECT_TRUE(text_of("log.1").ends_with(lines(2 * kLines - 1, 2 * kLines)));
  EXPECT_EQ(text_of("log.1").find(lines(kLines - 1, kLines)), std::string::npos);
}

TEST_F(LogFileTest, bound_holds_when_the_older_half_cannot_be_kept) {
  std::filesystem::create_directory(scratch_ / "log.1");
  write(lines(0, kLines));
  log_.bound();
  EXPECT_EQ(text_of("log"), "");
}

TEST_F(LogFileTest, link_in_the_logs_place_is_not_followed) {
  const std::string precious(LogFile::kLimit + 1, 'p');
  ASSERT_TRUE(files::replace_file(scratch_ / "precious", precious));
  std::filesystem::create_symlink(scratch_ / "precious", scratch_ / "log");
  log_.bound();
  EXPECT_EQ(text_of("precious"), precious);
}

TEST_F(LogFileTest, log_that_is_not_there_is_no_matter) {
  log_.bound();
  EXPECT_EQ(log_.tail(100), "");
  EXPECT_EQ(text_of("log.1"), "<none>");
  LogFile("").bound();
}

TEST_F(LogFileTest, tail_begins_with_a_whole_line) {
  write("one\ntwo\nthree\n");
  EXPECT_EQ(log_.tail(100), "one\ntwo\nthree\n");
  EXPECT_EQ(log_.tail(12), "two\nthree\n");
  EXPECT_EQ(log_.tail(8), "three\n");
}

TEST_F(LogFileTest, line_longer_than_the_tail_is_shown_by_its_end) {
  write("a very long line");
  EXPECT_EQ(log_.tail(4), "line");
}

}  // namespace
}  // namespace latchkey::hub::brokers
