// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/door.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

namespace latchkey::hub::gate {
namespace {

constexpr int kDescriptors = 64;  // listeners and the set are opened before anything else

bool listens(int descriptor) {
  int listening = 0;
  socklen_t size = sizeof listening;
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening == 1;
}

bool is_tcp(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.ss_family != AF_UNIX;
}

bool is_epoll(int descriptor) {
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  char target[64] = {};
  const ssize_t size = readlink(link.c_str(), target, sizeof target);
  return size > 0 && std::string_view(target, static_cast<std::size_t>(size)) == "anon_inode:[eventpoll]";
}

}  // namespace

bool Door::find(int backlog) {
  for (int descriptor = 3; descriptor < kDescriptors; ++descriptor) {
    if (listens(descriptor)) listen(descriptor, backlog);
  }
  for (int descriptor = 3; descriptor < kDescriptors && listeners_.empty(); ++descriptor) {
    if (!is_epoll(descriptor)) continue;
    listeners_ = registered_in(descriptor);
    epoll_ = descriptor;
  }
  if (listeners_.empty()) return false;
  nobody_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bool good = nobody_ >= 0;
  for (Listener& listener : listeners_) {
    listener.kept = fcntl(listener.descriptor, F_DUPFD_CLOEXEC, 0);
    good = good && listener.kept >= 0;
  }
  if (!good) forget();
  return good;
}

Door::~Door() {
  set_open(true);
  forget();
}

void Door::forget() {
  for (const Listener& listener : listeners_) {
    if (listener.kept >= 0) close(listener.kept);
  }
  if (nobody_ >= 0) close(nobody_);
  nobody_ = -1;
  listeners_.clear();
}

std::vector<Door::Listener> Door::registered_in(int epoll) const {
  std::vector<Listener> found;
  std::ifstream in("/proc/self/fdinfo/" + std::to_string(epoll));
  for (std::string line; std::getline(in, line);) {
    Listener one;
    if (std::sscanf(line.c_str(), "tfd: %d events: %" SCNx32 " data: %" SCNx64, &one.descriptor, &one.events,
                    &one.data) != 3) {
      continue;
    }
    if (listens(one.descriptor) && is_tcp(one.descriptor)) found.push_back(one);
  }
  return found;
}

void Door::set_open(bool open) {
  if (open == open_) return;
  open_ = open;
  for (const Listener& listener : listeners_) {
    epoll_event event{};
    event.events = open ? listener.events : 0;
    event.data.u64 = listener.data;
    // The set knows the listener by this descriptor, so it has to be there while the set is changed.
    if (open) dup3(listener.kept, listener.descriptor, O_CLOEXEC);
    epoll_ctl(epoll_, EPOLL_CTL_MOD, listener.descriptor, &event);
    if (!open) dup3(nobody_, listener.descriptor, O_CLOEXEC);
  }
}

}  // namespace latchkey::hub::gate
