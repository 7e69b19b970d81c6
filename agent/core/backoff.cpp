// SPDX-License-Identifier: Apache-2.0
#include "agent/core/backoff.h"

namespace latchkey::agent {

std::uint64_t with_jitter(std::uint64_t base_ms, ports::Entropy& entropy) {
  const std::uint64_t span = base_ms * 2 / 5;
  return base_ms - base_ms / 5 + (span == 0 ? 0 : entropy.next() % (span + 1));
}

std::uint64_t Backoff::next(ports::Entropy& entropy) {
  std::uint64_t wait = initial_ms_;
  for (std::uint32_t i = 0; i < step_ && wait < max_ms_; ++i) wait *= 2;
  if (wait < max_ms_) {
    ++step_;
  } else {
    wait = max_ms_;
  }
  return with_jitter(wait, entropy);
}

}  // namespace latchkey::agent
