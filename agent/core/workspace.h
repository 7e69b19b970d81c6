// SPDX-License-Identifier: Apache-2.0
// The room that a step works in: what an action's views point into, and nothing that outlives the step. A board has
// one; a fleet of thousands of agents on one thread shares one, which is two thirds of what an agent would weigh.
// Whoever shares it performs the actions of one core before any other core is stepped; a driver does.
#pragma once

#include <array>
#include <cstdint>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/core/issued.h"
#include "agent/core/record.h"

namespace latchkey::agent {

struct Workspace {
  Actions actions;
  IssuedChain issued;
  std::array<std::uint8_t, kMaxRecord> record{};  // as it is written
  std::array<std::uint8_t, 2048> payload{};
  std::array<std::uint8_t, 512> topic{};
  std::array<std::uint8_t, 512> username{};
  std::array<std::uint8_t, 512> password{};
  std::array<std::uint8_t, 256> text{};

  // The driver's. What storage gives back lies where a chain was decoded: it is read when the record of that chain is
  // written, or long before there is one.
  MadeKey made;
  const MutableBytes read_back = issued.room().subview(0, kMaxRecord);

  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { clear(); }
  // Wipes what may be a secret: records hold keys, the password is a token.
  void clear() {
    wipe(record);
    wipe(password);
    wipe(read_back);
    made.key.clear();
  }
};

}  // namespace latchkey::agent
