// SPDX-License-Identifier: Apache-2.0
#include "platform/files/folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace latchkey::files {

Status status_of(int error) {
  if (error == ENOENT) return Status::kNotFound;
  return error == ENOSPC || error == EDQUOT ? Status::kStorageFull : Status::kStorageFailed;
}

Result<Descriptor> open_folder(const std::filesystem::path& path) {
  Descriptor folder(::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail(status_of(errno));
  return folder;
}

Result<void> sync_folder(int folder) {
  if (::fsync(folder) != 0) return fail(status_of(errno));
  return {};
}

Result<void> make_folder(const std::filesystem::path& path, mode_t mode, uid_t owner) {
  std::error_code ignored;  // mkdir() says what is wrong
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail(status_of(errno));
  LATCHKEY_TRY(folder, open_folder(path));
  if (owner != kOurselves && ::fchown(folder.get(), owner, gid_t(-1)) != 0) return fail(status_of(errno));
  if (::fchmod(folder.get(), mode) != 0) return fail(status_of(errno));
  return {};
}

Result<void> make_secret_folder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0) {
    LATCHKEY_TRY(parent, open_folder(path.parent_path()));
    return sync_folder(parent.get());
  }
  if (errno != EEXIST) return fail(status_of(errno));
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return fail(status_of(errno));
  const bool ours = S_ISDIR(found.st_mode) && found.st_uid == ::geteuid();
  const bool closed = (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  if (!ours || !closed) return fail(Status::kRefused);
  return {};
}

}  // namespace latchkey::files
