// SPDX-License-Identifier: Apache-2.0
// Registry::put_twin where several nodes share the registry: in the same transaction all of them are told what the
// device is to hear of it (store/device_news.h).
#pragma once

#include <string>

#include "registry/operations/registry.h"

namespace latchkey::registry {

// As Registry::put_twin. `patch`: of twin.desired_version; empty: the device hears nothing of it.
Outcome<Nothing> put_told_twin(Registry& registry, const Call& call, const std::string& ns, const Twin& before,
                               const Twin& twin, const std::string& patch);

}  // namespace latchkey::registry
