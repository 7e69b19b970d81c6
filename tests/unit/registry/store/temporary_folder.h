// SPDX-License-Identifier: Apache-2.0
// A folder that lasts as long as a test.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace latchkey::registry {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    // In memory where there is such a place: hundreds of tests make a database each, and syncing them to a disk would
    // be most of the time. What a power cut does to a disk is SQLite's promise, not tested here.
    const std::string memory = "/dev/shm";
    const std::string parent = std::filesystem::is_directory(memory) ? memory : testing::TempDir();
    std::string pattern = parent + "/latchkey-registry-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace latchkey::registry
