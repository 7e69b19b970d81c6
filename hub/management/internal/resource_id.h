// SPDX-License-Identifier: Apache-2.0
// Where the hub's resources lie in Azure Resource Manager's tree. The API's own paths are short; this is the one place
// that knows which ids they stand for, and back.
//
//   below GROUP = /subscriptions/{uuid}/resourceGroups/latchkey
//   /namespaces/plant         GROUP/providers/Microsoft.DeviceRegistry/namespaces/plant
//   /provisioningServices/dps GROUP/providers/Microsoft.Devices/provisioningServices/dps
//   /hubs/hub/certificates/c  GROUP/providers/Microsoft.Devices/IotHubs/hub/certificates/c
//   /enrollments/pump         GROUP/providers/Microsoft.Devices/provisioningServices/dps/enrollments/pump
//                             (enrollmentGroups and registrations likewise)
//   /resourceGroups/rg/codeSigningAccounts/a    /subscriptions/{uuid}/resourceGroups/rg/providers/
//                                               Microsoft.CodeSigning/codeSigningAccounts/a
//   all others                GROUP
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::hub::management {

inline constexpr std::string_view kResourceGroup = "latchkey";
inline constexpr std::string_view kProvisioningService = "dps";

// The subscription and the resource group that hold everything.
struct Place {
  std::string subscription;  // a uuid
  std::string group = std::string(kResourceGroup);
};

std::string subscription_id(const Place& place);
std::string group_id(const Place& place);

// Of what a path names. `segments` are those of a short path, percent-decoded; ids have names percent-encoded. A
// collection ("/namespaces/plant/devices") and an act (".../devices/pump/revoke") belong to what they stand under.
std::string resource_id(const Place& place, const std::vector<std::string>& segments);
// The place of what a short path names: of code signing it is the group in the path.
Place place_of(const Place& place, const std::vector<std::string>& segments);

// A scope as people and clients write it: in full, or as a short path ("/namespaces/plant"), or as
// "/resourceGroups/latchkey". Answers the full form; nothing when it is neither.
std::optional<std::string> full_scope(const Place& place, std::string_view text);

// The other way round: the decoded segments of a full path below our resource group become those of the short path,
// type names in the spelling of the routes. Nothing when it leads elsewhere.
std::optional<std::vector<std::string>> short_segments(const Place& place, const std::vector<std::string>& full);

}  // namespace latchkey::hub::management
