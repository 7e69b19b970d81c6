// SPDX-License-Identifier: Apache-2.0
#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

#include "registry/cluster/internal/random.h"

namespace latchkey::registry::cluster {

Uuid random_uuid() {
  Uuid made;
  while (::getrandom(made.bytes.data(), made.bytes.size(), 0) != static_cast<ssize_t>(made.bytes.size())) {
    if (errno != EINTR) std::abort();
  }
  return made;
}

}  // namespace latchkey::registry::cluster
