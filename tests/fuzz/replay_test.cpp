// SPDX-License-Identifier: Apache-2.0
// Replays the corpus without a fuzzer: what was found once stays found.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

namespace {

// In a block of exactly its size: one byte read behind the end is seen by the sanitizer.
void replay(const Target& target, const std::string& bytes, std::size_t size) {
  const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[size]);
  if (size != 0) std::memcpy(block.get(), bytes.data(), size);
  target.run({block.get(), size});
}

class Replay : public testing::TestWithParam<Target> {};

TEST_P(Replay, corpus_and_its_beginnings) {
  const std::filesystem::path folder = std::filesystem::path(LATCHKEY_FUZZ_CORPUS) / GetParam().name;
  std::size_t files = 0;
  g_good = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    // Truncated anywhere, too; some eighty places are enough of a long one
    const std::size_t step = bytes.size() / 80 + 1;
    for (std::size_t size = 0; size < bytes.size(); size += step) {
      EXPECT_NO_THROW(replay(GetParam(), bytes, size)) << entry.path().filename() << ", " << size << " bytes";
    }
    EXPECT_NO_THROW(replay(GetParam(), bytes, bytes.size())) << entry.path().filename();
    ++files;
  }
  EXPECT_GT(files, 0U);
  EXPECT_GT(g_good, 0) << "nothing in the corpus is good to the end";
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, testing::ValuesIn(targets()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// A corpus without a target is read by nobody.
TEST(FuzzCorpus, every_folder_has_its_target) {
  for (const auto& entry : std::filesystem::directory_iterator(LATCHKEY_FUZZ_CORPUS)) {
    bool found = false;
    for (const Target& target : targets()) found = found || entry.path().filename() == target.name;
    EXPECT_TRUE(found) << entry.path();
  }
}

}  // namespace
}  // namespace latchkey::fuzz
