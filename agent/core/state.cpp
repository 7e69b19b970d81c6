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

std::string_view to_string(Trigger trigger) {
  constexpr std::string_view kNames[] = {"loaded",
                                         "start",
                                         "stop",
                                         "key-made",
                                         "key-failed",
                                         "stored",
                                         "store-failed",
                                         "write-settled",
                                         "link-up",
                                         "link-refused",
                                         "link-ended",
                                         "subscribed",
                                         "subscription-refused",
                                         "published",
                                         "dps-accepted",
                                         "dps-assigned",
                                         "dps-failed",
                                         "dps-disabled",
                                         "dps-busy",
                                         "renewal-accepted",
                                         "renewal-issued",
                                         "renewal-refused",
                                         "devicebound",
                                         "deadline",
                                         "telemetry-due",
                                         "renewal-due",
                                         "certificate-expired",
                                         "stray"};
  static_assert(sizeof kNames / sizeof *kNames == kTriggers);
  return kNames[static_cast<std::size_t>(trigger)];
}

std::string_view to_string(Why why) {
  constexpr std::string_view kNames[] = {"reacts",
                                         "belongs to nothing that is outstanding",
                                         "the agent has stopped",
                                         "the slots were told before",
                                         "changes nothing here",
                                         "storage is read before the start only",
                                         "there is one start",
                                         "no key was asked for",
                                         "nothing is being stored",
                                         "there is no session, nor an attempt at one",
                                         "the session is up already",
                                         "the session is not up yet",
                                         "the session is with the other service",
                                         "nothing of that kind was asked",
                                         "no such timer runs here"};
  static_assert(sizeof kNames / sizeof *kNames == static_cast<std::size_t>(Why::kNoSuchTimer) + 1);
  return kNames[static_cast<std::size_t>(why)];
}

}  // namespace latchkey::agent
