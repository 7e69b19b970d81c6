// SPDX-License-Identifier: Apache-2.0
// Randomness for decisions, by PSA; its seed comes from the host's /dev/urandom through semihosting (entropy.cpp), as
// it would from the chip's generator. There is no fixed seed in any build.
#pragma once

#include "platform/ports/entropy.h"

namespace latchkey::semihosting {

class HostEntropy final : public ports::Entropy {
 public:
  std::uint32_t next() override;
};

}  // namespace latchkey::semihosting
