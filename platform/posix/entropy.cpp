// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace latchkey::posix {

std::uint32_t PosixEntropy::next() {
  std::uint32_t value = 0;
  // Up to 256 bytes come whole or not at all; before the pool is ready at boot the call waits.
  while (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
    if (errno != EINTR) std::abort();  // ENOSYS: a kernel older than 3.17
  }
  return value;
}

}  // namespace latchkey::posix
