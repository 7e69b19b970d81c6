// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/storage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "platform/files/folder.h"

namespace latchkey::posix {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr const char* kLockName = ".lock";

constexpr const char* kNames[] = {"slot-a.pem", "slot-b.pem", "pending-key.pem"};

const char* name_of(ports::Item item) { return kNames[static_cast<std::size_t>(item)]; }

// A folder that went away is a failure of the medium: kNotFound is for items.
Status without_folder(Status status) { return status == Status::kNotFound ? Status::kStorageFailed : status; }

bool is_private(int directory) {
  struct stat found;
  return fstat(directory, &found) == 0 && found.st_uid == geteuid() && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

Result<std::unique_ptr<PosixStorage>> PosixStorage::open(const std::string& directory) {
  if (mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return fail(without_folder(files::status_of(errno)));
  }
  files::Descriptor root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail(errno == ENOTDIR || errno == EACCES ? Status::kRefused : Status::kStorageFailed);
  if (!is_private(root.get())) return fail(Status::kRefused);

  files::Descriptor lock(openat(root.get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, files::kSecretFile));
  if (!lock) return fail(without_folder(files::status_of(errno)));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(errno == EWOULDBLOCK ? Status::kBusy : Status::kStorageFailed);
  }
  for (const std::string name : kNames) unlinkat(root.get(), (name + std::string(files::kUnfinished)).c_str(), 0);
  return std::unique_ptr<PosixStorage>(new PosixStorage(directory, std::move(root), std::move(lock)));
}

Result<std::size_t> PosixStorage::read(ports::Item item, MutableBytes out) {
  return files::read_file_at(folder_.get(), name_of(item), out);
}

Result<void> PosixStorage::write(ports::Item item, ByteView bytes) {
  const auto written = files::replace_file_at(folder_.get(), name_of(item), bytes);
  if (!written) return fail(without_folder(written.error()));
  return {};
}

Result<void> PosixStorage::erase(ports::Item item) { return files::remove_file_at(folder_.get(), name_of(item)); }

std::string PosixStorage::path(ports::Item item) const { return directory_ + "/" + name_of(item); }

}  // namespace latchkey::posix
