// SPDX-License-Identifier: Apache-2.0
// What `latchkey up --parity` stands for, in the options of the parts that it changes (docs/parity.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/app/process/up_options.h"

namespace latchkey::hub::app {

inline constexpr const char* kAzureRoles = "azure-roles";      // roles by their published definitions
inline constexpr const char* kAzurePreview = "azure-preview";  // the limits and keys of the service's preview

// Sets in `options` what these values stand for. Any order, any number of times; other values do nothing: the command
// line refuses them. What is asked for by an option of its own goes before it, and is left as it is: set it later.
void follow(const std::vector<std::string>& values, UpOptions& options);

}  // namespace latchkey::hub::app
