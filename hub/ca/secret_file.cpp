// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "platform/files/descriptor.h"

namespace latchkey::hub::ca {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

std::string errno_text() { return std::strerror(errno); }

Outcome<void> check_closed(int file, const std::string& name) {
  struct stat info {};
  if (::fstat(file, &info) != 0) return refuse(Reason::kStorage, name + ": " + errno_text());
  if (!S_ISREG(info.st_mode)) return refuse(Reason::kUnauthorized, name + " is not a file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return refuse(Reason::kUnauthorized, name + " belongs to another user");
  }
  if ((info.st_mode & 077) != 0) {
    return refuse(Reason::kUnauthorized,
                  name + " is open to others: close it (chmod 600), and change it if they may have read it");
  }
  return {};
}

}  // namespace

Outcome<Secret> read_secret_file(const std::filesystem::path& file, const std::string& what, std::size_t limit) {
  const std::string name = what + " " + file.string();
  // Not to wait for whoever might write into a pipe.
  const files::Descriptor found(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!found && errno == ENOENT) return refuse(Reason::kNotFound, name + " is not there");
  if (!found) return refuse(Reason::kUnauthorized, name + " cannot be read: " + errno_text());
  LATCHKEY_TRY_VOID(check_closed(found.get(), name));
  Secret content(limit + 1);
  std::size_t size = 0;
  while (size <= limit) {
    const ssize_t more = ::read(found.get(), content.writable().data() + size, limit + 1 - size);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return refuse(Reason::kStorage, name + ": " + errno_text());
    if (more == 0) break;
    size += static_cast<std::size_t>(more);
  }
  if (size > limit) return refuse(Reason::kInvalidArgument, name + " is too large for one");
  content.shrink(size);
  return content;
}

}  // namespace latchkey::hub::ca
