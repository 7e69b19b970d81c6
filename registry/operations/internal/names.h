// SPDX-License-Identifier: Apache-2.0
// Name rules, and how audit records spell resources.
#pragma once

#include <string>
#include <string_view>

namespace latchkey::registry {

// 3 to 64 of lower-case letters, digits and '-', alphanumeric at both ends.
bool valid_namespace_name(std::string_view name);
// 3 to 63 of letters, digits and '-', the first alphanumeric.
bool valid_policy_name(std::string_view name);
// 1 to 64 of letters, digits and '-', alphanumeric at both ends.
bool valid_hub_name(std::string_view name);
// What DPS answers as assignedHub: a host name or address, perhaps with a port; 1 to 255 printable characters.
bool valid_host(std::string_view host);

std::string namespace_path(std::string_view ns);
std::string credential_path(std::string_view ns);
std::string policy_path(std::string_view ns, std::string_view policy);
std::string device_path(std::string_view ns, std::string_view device);
std::string enrollment_path(std::string_view id, bool group);
std::string hub_path(std::string_view hub);
std::string hub_certificate_path(std::string_view hub, std::string_view certificate);

}  // namespace latchkey::registry
