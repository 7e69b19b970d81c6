// SPDX-License-Identifier: Apache-2.0
// The verbs of code signing and of the ground below it: rows of the table of verbs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

std::vector<Verb> ground_verbs();       // tenant, provider, group
std::vector<Verb> signing_verbs();      // trustedsigning, trustedsigning certificate-profile
std::vector<Verb> identity_verbs();     // signing identity
std::vector<Verb> certificate_verbs();  // signing certificate, signing root

// Parts that they share.
Option group_option();    // -g, "latchkey" when it is not given
Option account_option();  // --account-name
Option tags_option();
std::string group_path(const Args& args);
std::string account_path(const Args& args);  // by --account-name
// "a=b c=d" or several such options as an object; nothing, and said why, when one has no '='.
bool read_tags(Session& session, const Args& args, nlohmann::json& body);

}  // namespace latchkey::hub::cli
