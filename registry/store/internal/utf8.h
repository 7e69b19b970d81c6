// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace latchkey::registry::store {

// What PostgreSQL takes as text in a database of that encoding: RFC 3629, and no NUL.
bool storable_text(std::string_view text);

}  // namespace latchkey::registry::store
