// SPDX-License-Identifier: Apache-2.0
#include "platform/files/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "platform/files/folder.h"

namespace latchkey::files {
namespace {

constexpr std::size_t kFirstRoom = 4096;  // for files that tell no size, as those in /proc

Result<void> write_all(int file, ByteView content) {
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t count = ::write(file, content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(count < 0 ? status_of(errno) : Status::kStorageFailed);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

// How many bytes until the file ends or `out` is full.
Result<std::size_t> read_some(int file, MutableBytes out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::read(file, out.data() + done, out.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(status_of(errno));
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

// A whole new file that has reached the medium.
Result<void> make_file(int folder, const std::string& name, ByteView content, mode_t mode, uid_t owner) {
  if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT) return fail(status_of(errno));
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Descriptor file(::openat(folder, name.c_str(), kFlags, kSecretFile));
  if (!file) return fail(status_of(errno));
  LATCHKEY_TRY_VOID(write_all(file.get(), content));
  if (owner != kOurselves && ::fchown(file.get(), owner, gid_t(-1)) != 0) return fail(status_of(errno));
  // after the owner, because a change of that may clear bits; and it undoes what the umask did
  if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) return fail(status_of(errno));
  // a full disk may show only now on network file systems
  if (::close(file.release()) != 0) return fail(status_of(errno));
  return {};
}

template <class Bytes>
MutableBytes room(Bytes& bytes, std::size_t from) {
  return {reinterpret_cast<std::uint8_t*>(bytes.data()) + from, bytes.size() - from};
}

template <class Bytes>
Result<Bytes> read_whole(const std::filesystem::path& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(status_of(errno));
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return fail(status_of(errno));
  if (static_cast<std::uintmax_t>(found.st_size) > limit) return fail(Status::kTooLarge);
  // One byte more than it has tells the end of the file; a file that grows meanwhile gets a second piece.
  Bytes content;
  content.resize(found.st_size > 0 ? static_cast<std::size_t>(found.st_size) + 1 : std::min(kFirstRoom, limit + 1));
  std::size_t size = 0;
  while (true) {
    const auto more = read_some(file.get(), room(content, size));
    if (!more || size + *more > limit) {
      wipe(room(content, 0));
      return fail(more ? Status::kTooLarge : more.error());
    }
    size += *more;
    if (size < content.size()) break;
    Bytes larger;
    larger.resize(std::min(content.size() * 2, limit + 1));
    std::copy(content.begin(), content.end(), larger.begin());
    wipe(room(content, 0));
    content = std::move(larger);
  }
  content.resize(size);
  return content;
}

}  // namespace

Result<void> replace_file_at(int folder, const std::string& name, ByteView content, mode_t mode, uid_t owner) {
  const std::string fresh = name + std::string(kUnfinished);
  auto replaced = make_file(folder, fresh, content, mode, owner);
  if (replaced && ::renameat(folder, fresh.c_str(), folder, name.c_str()) != 0) replaced = fail(status_of(errno));
  if (!replaced) {
    ::unlinkat(folder, fresh.c_str(), 0);
    return replaced;
  }
  return sync_folder(folder);
}

Result<void> replace_file(const std::filesystem::path& path, ByteView content, mode_t mode, uid_t owner) {
  LATCHKEY_TRY(folder, open_folder(path.parent_path()));
  return replace_file_at(folder.get(), path.filename(), content, mode, owner);
}

Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path, std::size_t limit) {
  return read_whole<std::vector<std::uint8_t>>(path, limit);
}

Result<std::string> read_text(const std::filesystem::path& path, std::size_t limit) {
  return read_whole<std::string>(path, limit);
}

Result<std::size_t> read_file_at(int folder, const std::string& name, MutableBytes out) {
  const Descriptor file(::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return fail(status_of(errno));
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return fail(status_of(errno));
  if (!S_ISREG(found.st_mode)) return fail(Status::kStorageFailed);
  const auto size = static_cast<std::size_t>(found.st_size);
  if (size > out.size()) return fail(Status::kTooLarge);
  LATCHKEY_TRY(got, read_some(file.get(), out.subview(0, size)));
  if (got != size) return fail(Status::kStorageFailed);
  return size;
}

Result<void> remove_file_at(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT) return fail(status_of(errno));
  return sync_folder(folder);
}

Result<void> remove_file(const std::filesystem::path& path) {
  LATCHKEY_TRY(folder, open_folder(path.parent_path()));
  return remove_file_at(folder.get(), path.filename());
}

}  // namespace latchkey::files
