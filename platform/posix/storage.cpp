// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/storage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace latchkey::posix {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr const char* kLockName = ".lock";

struct Names {
  const char* file;
  const char* temporary;
};
constexpr Names kNames[] = {
    {"slot-a.pem", ".slot-a.new"}, {"slot-b.pem", ".slot-b.new"}, {"pending-key.pem", ".pending-key.new"}};

const Names& names_of(ports::Item item) { return kNames[static_cast<std::size_t>(item)]; }

Status status_of(int error) {
  return error == ENOSPC || error == EDQUOT ? Status::kStorageFull : Status::kStorageFailed;
}

// A descriptor that closes itself unless it is released.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  explicit operator bool() const { return value_ >= 0; }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

bool is_private(int directory) {
  struct stat found;
  return fstat(directory, &found) == 0 && found.st_uid == geteuid() && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Result<void> write_all(int descriptor, ByteView bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t got = ::write(descriptor, bytes.data() + written, bytes.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(status_of(errno));
    written += static_cast<std::size_t>(got);
  }
  return {};
}

// A whole new file that has reached the medium, or none.
Result<void> make_file(int directory, const char* name, ByteView bytes) {
  unlinkat(directory, name, 0);
  Descriptor file(openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!file) return fail(status_of(errno));
  auto made = write_all(file.get(), bytes);
  if (made && fsync(file.get()) != 0) made = fail(status_of(errno));
  // A full disk may show only now on network file systems.
  if (::close(file.release()) != 0 && made) made = fail(status_of(errno));
  if (!made) unlinkat(directory, name, 0);
  return made;
}

}  // namespace

Result<std::unique_ptr<PosixStorage>> PosixStorage::open(const std::string& directory) {
  if (mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST) return fail(status_of(errno));
  Descriptor root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail(errno == ENOTDIR || errno == EACCES ? Status::kRefused : Status::kStorageFailed);
  if (!is_private(root.get())) return fail(Status::kRefused);

  Descriptor lock(openat(root.get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!lock) return fail(status_of(errno));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(errno == EWOULDBLOCK ? Status::kBusy : Status::kStorageFailed);
  }
  for (const Names& names : kNames) unlinkat(root.get(), names.temporary, 0);
  return std::unique_ptr<PosixStorage>(new PosixStorage(directory, root.release(), lock.release()));
}

PosixStorage::~PosixStorage() {
  ::close(descriptor_);
  ::close(lock_);  // and with it the lock
}

Result<std::size_t> PosixStorage::read(ports::Item item, MutableBytes out) {
  const Descriptor file(openat(descriptor_, names_of(item).file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return fail(errno == ENOENT ? Status::kNotFound : Status::kStorageFailed);
  struct stat found;
  if (fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) return fail(Status::kStorageFailed);
  const auto size = static_cast<std::size_t>(found.st_size);
  if (size > out.size()) return fail(Status::kTooLarge);

  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::read(file.get(), out.data() + filled, size - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Status::kStorageFailed);
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<void> PosixStorage::write(ports::Item item, ByteView bytes) {
  const Names& names = names_of(item);
  LATCHKEY_TRY_VOID(make_file(descriptor_, names.temporary, bytes));
  if (renameat(descriptor_, names.temporary, descriptor_, names.file) != 0) {
    const Status status = status_of(errno);
    unlinkat(descriptor_, names.temporary, 0);
    return fail(status);
  }
  return sync_directory();
}

Result<void> PosixStorage::erase(ports::Item item) {
  if (unlinkat(descriptor_, names_of(item).file, 0) != 0) {
    if (errno == ENOENT) return {};
    return fail(status_of(errno));
  }
  return sync_directory();
}

Result<void> PosixStorage::sync_directory() {
  if (fsync(descriptor_) != 0) return fail(status_of(errno));
  return {};
}

std::string PosixStorage::path(ports::Item item) const { return directory_ + "/" + names_of(item).file; }

}  // namespace latchkey::posix
