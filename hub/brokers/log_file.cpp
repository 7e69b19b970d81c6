// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "platform/files/descriptor.h"
#include "platform/files/file.h"

namespace latchkey::hub::brokers {
namespace {

using files::Descriptor;

std::size_t size_of(int file) {
  struct stat found {};
  return ::fstat(file, &found) == 0 && S_ISREG(found.st_mode) ? static_cast<std::size_t>(found.st_size) : 0;
}

// Up to `bytes` of the end, without the line that they begin in the middle of.
std::string end_of(int file, std::size_t bytes) {
  const std::size_t size = size_of(file);
  const std::size_t from = size > bytes ? size - bytes : 0;
  std::string text(size - from, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::pread(file, text.data() + done, text.size() - done, static_cast<off_t>(from + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  if (from > 0) text.erase(0, text.find('\n') + 1);  // one line alone stays as it is
  return text;
}

}  // namespace

void LogFile::bound() const {
  struct stat found {};
  if (path_.empty() || ::stat(path_.c_str(), &found) != 0) return;
  if (static_cast<std::uintmax_t>(found.st_size) <= kLimit) return;
  const Descriptor file(::open(path_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file) return;
  const auto text = end_of(file.get(), kLimit);
  if (::ftruncate(file.get(), 0) != 0) return;  // at once: what comes between the two is lost
  (void)files::replace_file(path_.string() + ".1", text);
}

std::string LogFile::tail(std::size_t bytes) const {
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return file ? end_of(file.get(), bytes) : "";
}

}  // namespace latchkey::hub::brokers
