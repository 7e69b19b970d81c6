// SPDX-License-Identifier: Apache-2.0
// What signing accounts, certificate profiles and resource groups may be called.
#pragma once

#include <string_view>

namespace latchkey::registry::signing {

// Both rules have to hold: the prose (letters, digits and single hyphens, the first a letter, the last no hyphen) and
// the pattern of the REST definitions, which also wants no hyphen in second place.
// 3 to 24; not one that begins with "one", in any case, which Azure Resource Manager refuses.
bool valid_account_name(std::string_view name);
// 5 to 100.
bool valid_profile_name(std::string_view name);
// 1 to 90 of letters, digits, '-', '_', '.', '(' and ')', the last no '.'.
bool valid_group_name(std::string_view name);

// For refusals.
inline constexpr std::string_view kAccountNameRule =
    "an account name has 3 to 24 letters, digits and single hyphens, begins with a letter, has no hyphen in second "
    "place or at its end, and does not begin with 'one'";
inline constexpr std::string_view kProfileNameRule =
    "a profile name has 5 to 100 letters, digits and single hyphens, begins with a letter, and has no hyphen in second "
    "place or at its end";

}  // namespace latchkey::registry::signing
