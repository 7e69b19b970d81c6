// SPDX-License-Identifier: Apache-2.0
#include "agent/core/report.h"

namespace latchkey::agent {

std::string_view to_string(Occurrence what) {
  constexpr std::string_view kNames[] = {"started",
                                         "record unusable",
                                         "provisioning",
                                         "assigned",
                                         "issued chain refused",
                                         "credential proven",
                                         "connected",
                                         "connection failed",
                                         "identity refused",
                                         "fell back to the older credential",
                                         "provisioning refused",
                                         "provisioning says disabled",
                                         "provisioning is busy",
                                         "certificate expired",
                                         "renewing",
                                         "renewed",
                                         "renewal failed",
                                         "storage failed",
                                         "cloud-to-device message",
                                         "clock doubted",
                                         "stopped"};
  static_assert(sizeof kNames / sizeof *kNames == static_cast<std::size_t>(Occurrence::kStopped) + 1);
  return kNames[static_cast<std::size_t>(what)];
}

std::string_view to_string(RefusedBy who) {
  switch (who) {
    case RefusedBy::kNobody: return "nobody";
    case RefusedBy::kHub: return "hub";
    case RefusedBy::kDps: return "dps";
    case RefusedBy::kOwnClock: return "own clock";
  }
  return "nobody";
}

}  // namespace latchkey::agent
