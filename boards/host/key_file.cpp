// SPDX-License-Identifier: Apache-2.0
#include "boards/host/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/core/config.h"
#include "platform/base/bytes.h"

namespace latchkey::boards::host {
namespace {

constexpr std::size_t kSmallestKey = 16;

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

std::vector<std::uint8_t> read_key_file(const std::string& path, std::string& problem) {
  const File file(path);
  struct stat facts {};
  if (file.descriptor() < 0 || ::fstat(file.descriptor(), &facts) != 0) {
    problem = "key file " + path + ": " + std::strerror(errno);
    return {};
  }
  if (!S_ISREG(facts.st_mode) || (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    problem = "key file " + path + " has to be a file that only its owner can read (chmod 600)";
    return {};
  }
  std::array<std::uint8_t, 256> text{};
  const ssize_t size = ::read(file.descriptor(), text.data(), text.size());
  std::vector<std::uint8_t> key(agent::kMaxSymmetricKey);
  const std::string_view base64 = trimmed(ByteView(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0).text());
  const auto decoded = base64_decode(base64, MutableBytes(key.data(), key.size()));
  wipe(MutableBytes(text.data(), text.size()));
  if (!decoded || *decoded < kSmallestKey) {
    wipe(MutableBytes(key.data(), key.size()));
    problem = "key file " + path + " does not hold a key of 16 to 64 bytes in base64";
    return {};
  }
  key.resize(*decoded);
  return key;
}

}  // namespace latchkey::boards::host
