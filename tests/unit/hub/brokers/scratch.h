// SPDX-License-Identifier: Apache-2.0
// A program that behaves like a broker as far as a process goes.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "platform/files/file.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::brokers::test {

class Scratch : public tests::TemporaryFolder {
 public:
  // An executable script. The shell becomes no other program, so that its arguments stay visible.
  std::filesystem::path script(const std::string& name, const std::string& body) const {
    const auto file = path() / name;
    EXPECT_TRUE(files::replace_file(file, "#!/bin/sh\n" + body, 0700));
    return file;
  }
};

inline mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

inline bool eventually(const std::function<bool()>& holds, int timeout_ms = 60'000) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace latchkey::hub::brokers::test
