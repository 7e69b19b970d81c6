// SPDX-License-Identifier: Apache-2.0
// Where a store is: the path of an SQLite file, or a URL of PostgreSQL as libpq takes it
// (postgresql://user@host1,host2/database?sslmode=verify-full).
#pragma once

#include <string>
#include <string_view>

namespace latchkey::registry::store {

bool is_postgres_url(std::string_view location);

// A password stands in it, so that it must not be shown.
bool has_password(std::string_view location);

// As it may be shown in logs and reports: with asterisks for a password.
std::string shown(std::string_view location);

}  // namespace latchkey::registry::store
