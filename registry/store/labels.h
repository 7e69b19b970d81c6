// SPDX-License-Identifier: Apache-2.0
// Rows of labels: what is kept beside a resource without a meaning to it (registry::Labels). A row belongs to the path
// that audit records give its resource ("namespaces/plant/devices/pump"), and goes with that resource.
#pragma once

#include <string>
#include <string_view>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<Nothing> put_labels(Database& database, std::string_view resource, const Labels& labels);
Outcome<std::optional<Labels>> find_labels(Database& database, std::string_view resource);
Outcome<Nothing> delete_labels(Database& database, std::string_view resource);

}  // namespace latchkey::registry::store
