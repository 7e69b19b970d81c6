// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace latchkey::hub::brokers {
namespace {

Status from_errno(int error) {
  if (error == ENOSPC || error == EDQUOT) return Status::kStorageFull;
  if (error == ENOENT) return Status::kNotFound;
  return Status::kStorageFailed;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return fail(from_errno(errno));
  return {};
}

}  // namespace

Result<void> write_file(const std::filesystem::path& path, std::string_view content, mode_t mode, uid_t owner) {
  std::string temporary = path.string() + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // 0600 whatever the umask
  if (file.get() < 0) return fail(from_errno(errno));
  const bool written =
      write_all(file.get(), content) && (owner == uid_t(-1) || ::fchown(file.get(), owner, gid_t(-1)) == 0) &&
      ::fchmod(file.get(), mode) == 0 && ::fsync(file.get()) == 0 && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!written) {
    const Status status = from_errno(errno);
    ::unlink(temporary.c_str());
    return fail(status);
  }
  return sync_folder(path.parent_path());
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(std::filesystem::exists(path) ? Status::kStorageFailed : Status::kNotFound);
  std::ostringstream content;
  content << in.rdbuf();
  if (in.bad()) return fail(Status::kStorageFailed);
  return std::move(content).str();
}

Result<void> make_folder(const std::filesystem::path& path, mode_t mode, uid_t owner) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail(from_errno(errno));
  if (!std::filesystem::is_directory(path, error)) return fail(Status::kStorageFailed);
  if (owner != uid_t(-1) && ::chown(path.c_str(), owner, gid_t(-1)) != 0) return fail(from_errno(errno));
  if (::chmod(path.c_str(), mode) != 0) return fail(from_errno(errno));
  return {};
}

}  // namespace latchkey::hub::brokers
