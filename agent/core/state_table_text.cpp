// SPDX-License-Identifier: Apache-2.0
// Names of triggers and reasons, for tests and whoever debugs the table. In a file of their own: a linker takes all
// texts of a file or none, and a board that never names them should not carry them.
#include "agent/core/state.h"

namespace latchkey::agent {

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
