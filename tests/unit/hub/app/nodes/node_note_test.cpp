// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/node_note.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_folder.h"

namespace latchkey::hub::app {
namespace {

class NodeNote : public ::testing::Test {
 protected:
  NodeNote() {
    incarnation_.bytes.fill(7);
    std::filesystem::create_directory(folder_ / "data");
  }

  std::filesystem::path note() const { return folder_ / "data" / "node.json"; }
  const tests::TemporaryFolder folder_;
  Uuid incarnation_;
};

TEST_F(NodeNote, is_kept) {
  EXPECT_TRUE(read_node_note(note()).is_zero());
  ASSERT_TRUE(write_node_note(note(), incarnation_));
  EXPECT_EQ(read_node_note(note()), incarnation_);
  Uuid other;
  other.bytes.fill(8);
  ASSERT_TRUE(write_node_note(note(), other));
  EXPECT_EQ(read_node_note(note()), other);
}

TEST_F(NodeNote, of_a_folder_that_was_copied_is_nobodys) {
  ASSERT_TRUE(write_node_note(note(), incarnation_));
  std::filesystem::copy(folder_ / "data", folder_ / "copy");
  EXPECT_TRUE(read_node_note(folder_ / "copy" / "node.json").is_zero());
  std::filesystem::rename(folder_ / "data", folder_ / "moved");
  EXPECT_EQ(read_node_note(folder_ / "moved" / "node.json"), incarnation_) << "it is the same folder";
}

TEST_F(NodeNote, from_before_a_reboot_is_nobodys) {
  ASSERT_TRUE(write_node_note(note(), incarnation_));
  std::string text;
  std::getline(std::ifstream(note()), text, '\0');
  const auto boot = note_origin(note()).substr(0, 36);
  ASSERT_NE(text.find(boot), std::string::npos);
  std::ofstream(note()) << text.replace(text.find(boot), 36, "00000000-0000-4000-8000-000000000000");
  EXPECT_TRUE(read_node_note(note()).is_zero());
}

TEST_F(NodeNote, that_cannot_be_read_is_none) {
  for (const std::string text : {"", "{", "[]", "{\"incarnation\": 7}", "{\"origin\": \"\", \"incarnation\": \"\"}"}) {
    std::ofstream(note()) << text;
    EXPECT_TRUE(read_node_note(note()).is_zero()) << text;
  }
  std::ofstream(note()) << "{\"origin\": \"" << note_origin(note()) << "\", \"incarnation\": \"x\"}";
  EXPECT_TRUE(read_node_note(note()).is_zero());
}

TEST_F(NodeNote, that_cannot_be_written_is_told) {
  std::filesystem::remove(folder_ / "data");
  const auto written = write_node_note(note(), incarnation_);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().reason, registry::Reason::kStorage);
}

}  // namespace
}  // namespace latchkey::hub::app
