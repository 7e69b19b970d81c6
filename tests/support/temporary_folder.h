// SPDX-License-Identifier: Apache-2.0
// Folders that last as long as a test.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace latchkey::tests {

class TemporaryFolder {
 public:
  // Others may pass through and not list: a broker that root started drops to a user of its own.
  TemporaryFolder() : TemporaryFolder(std::filesystem::temp_directory_path()) { ::chmod(path_.c_str(), 0711); }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  // Returns the path of what was written.
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = file(name);
    std::filesystem::remove(path);
    // A key is nobody else's from its first byte.
    ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

 protected:
  explicit TemporaryFolder(const std::filesystem::path& parent) {
    std::string pattern = (parent / "latchkey-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) ::abort();  // 0700
    path_ = pattern;
  }

 private:
  std::filesystem::path path_;
};

// In memory where there is such a place and the environment wants no other.
inline std::filesystem::path memory_or_disk() {
  const std::filesystem::path memory = "/dev/shm";
  const bool free_choice = ::getenv("TMPDIR") == nullptr && std::filesystem::is_directory(memory);
  return free_choice ? memory : std::filesystem::temp_directory_path();
}

// For tests of which hundreds make a database each: syncing them to a disk would be most of the time. What a power cut
// does to a disk is SQLite's promise, not tested there. Its user's alone.
class MemoryFolder : public TemporaryFolder {
 public:
  MemoryFolder() : TemporaryFolder(memory_or_disk()) {}
};

}  // namespace latchkey::tests
