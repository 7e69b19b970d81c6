// SPDX-License-Identifier: Apache-2.0
// Makes device keys and their CSRs. An interface, because a fleet in one process wants a pool that is filled ahead and
// a test wants keys at no cost.
#pragma once

#include <string_view>

#include "agent/core/event.h"

namespace latchkey::agent {

class KeyMaker {
 public:
  virtual ~KeyMaker() = default;
  // A fresh key and a CSR with CN = `common_name`. `out` is empty after a failure.
  virtual Result<void> make(crypto::Curve curve, std::string_view common_name, MadeKey& out) = 0;
};

// By PSA, at once: some milliseconds on a PC, some hundred on a microcontroller. crypto::init() comes first.
class FreshKeyMaker final : public KeyMaker {
 public:
  Result<void> make(crypto::Curve curve, std::string_view common_name, MadeKey& out) override;
};

}  // namespace latchkey::agent
