// SPDX-License-Identifier: Apache-2.0
// What an enrollment gives to the twins of its devices ("initialTwin" of the provisioning service's API).
#pragma once

#include <string_view>

#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::twin {

// Of {"tags":{...},"properties":{"desired":{...}}}, either of which may be missing. Nulls are left out, and so is what
// a service adds to a twin that it shows ($version, $metadata). kMalformedRequest: not that; kInvalidArgument: a rule
// or a limit of hub/twin/document.h is broken.
registry::Outcome<registry::InitialTwin> read_initial(std::string_view json);

}  // namespace latchkey::hub::twin
