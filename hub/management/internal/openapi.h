// SPDX-License-Identifier: Apache-2.0
// The API described for machines: OpenAPI 3.0, made from the table of routes, so that neither can have what the other
// has not. Each route stands there by its short path, and by its full one where Azure Resource Manager has one.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "hub/management/internal/router.h"

namespace latchkey::hub::management {

nlohmann::json openapi_document();

// "/namespaces/{namespaceName}/devices/{deviceName}" of a route.
std::string openapi_path(const Route& route);
// The same below subscription and resource group; nothing of a route that is ours alone.
std::optional<std::string> openapi_full_path(const Route& route);
// The JSON Schema of a route's body; nothing when it takes none, or an empty one only.
std::optional<nlohmann::json> body_schema(const Route& route);

}  // namespace latchkey::hub::management
