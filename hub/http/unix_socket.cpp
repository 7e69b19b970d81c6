// SPDX-License-Identifier: Apache-2.0
#include "hub/http/internal/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace latchkey::hub::http::internal {
namespace {

using registry::Reason;
using registry::refuse;

std::string system_error_text() { return std::generic_category().message(errno); }

registry::Outcome<registry::Nothing> prepare_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return refuse(Reason::kStorage, "cannot make the folder " + folder + ": " + system_error_text());
  }
  struct stat status {};
  if (lstat(folder.c_str(), &status) != 0) {
    return refuse(Reason::kStorage, "cannot look at " + folder + ": " + system_error_text());
  }
  if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 0077) != 0) {
    return refuse(Reason::kInvalidArgument, folder + " must be a folder of our own with mode 0700");
  }
  return registry::Nothing{};
}

// Removes what a crashed process left at `path`; refuses to push out one that lives.
registry::Outcome<registry::Nothing> clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return registry::Nothing{};
  if (!S_ISSOCK(status.st_mode)) return refuse(Reason::kInvalidArgument, path + " is there and is not a socket");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool alive = probe >= 0 && connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (probe >= 0) close(probe);
  if (alive) return refuse(Reason::kAlreadyExists, "another process listens on " + path);
  if (unlink(path.c_str()) != 0) {
    return refuse(Reason::kStorage, "cannot remove the old " + path + ": " + system_error_text());
  }
  return registry::Nothing{};
}

}  // namespace

registry::Outcome<int> listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return refuse(Reason::kInvalidArgument, "the path of the socket has " + std::to_string(path.size()) +
                                                " bytes and may have " + std::to_string(sizeof address.sun_path - 1) +
                                                "; choose a data folder with a shorter path: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) LATCHKEY_TRY_VOID(prepare_folder(path.substr(0, slash)));
  LATCHKEY_TRY_VOID(clear_path(path, address));
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // Linux takes the mode of the socket's own inode for the file that bind() makes: it is 0600 from the start.
  if (descriptor < 0 || fchmod(descriptor, 0600) != 0 ||
      bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(descriptor, SOMAXCONN) != 0) {
    const auto why = system_error_text();
    if (descriptor >= 0) close(descriptor);
    return refuse(Reason::kStorage, "cannot listen on " + path + ": " + why);
  }
  return descriptor;
}

}  // namespace latchkey::hub::http::internal
