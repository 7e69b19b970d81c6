// SPDX-License-Identifier: Apache-2.0
// The options of `plan` and `calibrate`.
#pragma once

#include <functional>
#include <string>

#include "boards/fleet/program/options.h"

namespace CLI {
class App;
}

namespace latchkey::boards::fleet::program {

// Both keep references to what they fill in.
void declare_plan(CLI::App& app, PlanOptions& options);
// `check_prefix`: empty for a prefix that names can begin with.
void declare_calibrate(CLI::App& app, CalibrateOptions& options,
                       const std::function<std::string(const std::string&)>& check_prefix);

}  // namespace latchkey::boards::fleet::program
