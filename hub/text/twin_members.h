// SPDX-License-Identifier: Apache-2.0
// What the service adds to a twin when it shows one, and what therefore comes back with one that was read and changed.
// Whoever reads a twin that was sent passes it over.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace latchkey::hub::text {

inline constexpr std::array<std::string_view, 17> kTwinReadOnly = {"deviceId",
                                                                   "moduleId",
                                                                   "etag",
                                                                   "deviceEtag",
                                                                   "version",
                                                                   "status",
                                                                   "statusReason",
                                                                   "statusUpdateTime",
                                                                   "connectionState",
                                                                   "lastActivityTime",
                                                                   "authenticationType",
                                                                   "x509Thumbprint",
                                                                   "modelId",
                                                                   "cloudToDeviceMessageCount",
                                                                   "capabilities",
                                                                   "deviceScope",
                                                                   "parentScopes"};

inline bool is_twin_read_only(std::string_view name) {
  return std::find(kTwinReadOnly.begin(), kTwinReadOnly.end(), name) != kTwinReadOnly.end();
}

}  // namespace latchkey::hub::text
