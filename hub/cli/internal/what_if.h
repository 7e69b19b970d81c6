// SPDX-License-Identifier: Apache-2.0
// --what-if, on verbs that take access away: shows what the act would do, and does nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

// `options`, with those of --what-if behind them.
std::vector<Option> with_what_if(std::vector<Option> options);
bool what_if_asked(const Args& args);
// Asks for the forecast of that act and prints it; answers the exit status, that of the act if it would be refused.
int what_if(Session& session, const Args& args, const std::string& method, const std::string& target,
            const nlohmann::json& body = {});

}  // namespace latchkey::hub::cli
