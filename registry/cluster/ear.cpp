// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/ear.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace latchkey::registry::cluster {

Ear::Ear() : call_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (call_ < 0) std::abort();  // a process that has no file left when it starts is of no use
}

Ear::~Ear() { ::close(call_); }

void Ear::ring() const { ::eventfd_write(call_, 1); }

void Ear::rest(store::Database* database, std::int64_t most_ms) {
  const int for_ms = static_cast<int>(std::clamp<std::int64_t>(most_ms, 0, 60'000));
  if (database == nullptr) {
    pollfd call{call_, POLLIN, 0};
    ::poll(&call, 1, for_ms);
  } else if (database->wait_for_news(call_, std::chrono::milliseconds(for_ms)) == store::Database::Heard::kNews) {
    heard();
  }
  eventfd_t rung = 0;
  ::eventfd_read(call_, &rung);
}

void Ear::looked(bool news, std::int64_t now_ms) {
  if (heard_) {
    missed_ms_.reset();
    deaf_ = false;
  } else if (news && !missed_ms_) {
    missed_ms_ = now_ms;
  } else if (missed_ms_ && now_ms - *missed_ms_ >= kDoubtMs) {
    deaf_ = true;
  }
  heard_ = false;
}

}  // namespace latchkey::registry::cluster
