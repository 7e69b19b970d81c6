// SPDX-License-Identifier: Apache-2.0
// Where one device stands, as far as its records have told.
#pragma once

#include <cstdint>
#include <string>

#include "boards/fleet/history/record.h"

namespace latchkey::boards::fleet::report {

using history::kNever;
using history::TimeUs;

struct Life {
  TimeUs connecting_since[2] = {kNever, kNever};  // by service: an attempt is under way, or has become a session
  TimeUs wanted_since = kNever;                   // it ought to be connected to the hub and is not
  TimeUs asleep_until = kNever;
  std::uint32_t session = 0;      // generation of the certificate that its session with the hub lives on
  std::uint32_t certificate = 0;  // the newest generation that it holds; 0: none
  std::uint16_t last_reason = 0;  // why it was refused or failed last, since it was last connected; 0: it was not
  bool known = false;             // there is a record of it
  bool connected = false;
  bool asleep = false;
  bool disabled = false;
  bool credential_lost = false;
  bool provisioning = false;  // has asked DPS since it was last connected, and holds no answer yet
};

// "connack 5", "dps 401002", "tls alert 45", "renewal 409005": the names that reports use.
std::string reason_of(const history::Refused& refused);
std::string reason_of(const history::Ended& ended);
// The same for people.
std::string explained(const std::string& reason);

// Why it is not connected; `last_reason` as its number stands for.
std::string why_absent(const Life& life, const std::string& last_reason);

}  // namespace latchkey::boards::fleet::report
