// SPDX-License-Identifier: Apache-2.0
#include "agent/core/state.h"

namespace latchkey::agent {

std::string_view to_string(State state) {
  constexpr std::string_view kNames[] = {"off",
                                         "stopped",
                                         "leaving",
                                         "making-key",
                                         "storing-key",
                                         "dps-connecting",
                                         "dps-subscribing",
                                         "dps-registering",
                                         "dps-register-wait",
                                         "dps-polling",
                                         "dps-poll-wait",
                                         "dps-storing",
                                         "dps-wait",
                                         "slow-wait",
                                         "hub-wait",
                                         "hub-connecting",
                                         "hub-subscribing",
                                         "live",
                                         "renew-making-key",
                                         "renew-storing-key",
                                         "renew-asking",
                                         "renew-accepted",
                                         "renew-storing"};
  static_assert(sizeof kNames / sizeof *kNames == kStates);
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace latchkey::agent
