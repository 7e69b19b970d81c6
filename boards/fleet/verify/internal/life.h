// SPDX-License-Identifier: Apache-2.0
// What one device's records have told so far, and what operators have asked of it.
#pragma once

#include <array>
#include <cstdint>

#include "boards/fleet/history/record.h"

namespace latchkey::boards::fleet::verify {

using history::kNever;
using history::TimeUs;

struct Connection {
  TimeUs since = kNever;  // when it was opened; kNever: there is none
  bool accepted = false;
};

struct Life {
  std::array<Connection, 2> connections;  // by service
  TimeUs missing_since = kNever;          // awake and without a session with the hub
  TimeUs condemned_at = kNever;           // when it was answered that `condemned` is
  TimeUs barred_at = kNever;              // when it was answered that the device is disabled
  std::uint32_t stored = 0;               // the newest generation; 0: none
  std::uint32_t proven = 0;               // the newest that the hub has accepted
  std::uint32_t session = 0;              // of the session that there is
  std::uint32_t asked_for = 0;            // up to this generation an act condemns, answered or not
  std::uint32_t condemned = 0;            // the same, answered
  std::uint32_t last_act = 0;             // which act took something from it last; from 1, 0: none did
  bool asleep = false;
  bool disabled = false;  // asked for, answered or not
  bool credential_lost = false;
  bool clock_behind = false;
  bool hub_said_no = false;   // since it was last accepted
  bool network_gone = false;  // its last connection ended so
};

}  // namespace latchkey::boards::fleet::verify
