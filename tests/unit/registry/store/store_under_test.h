// SPDX-License-Identifier: Apache-2.0
// The store that a test's registry is on: an SQLite file in its folder, or, in a run whose environment has
// LATCHKEY_TEST_STORE=postgresql, an empty schema of a PostgreSQL that the run starts for itself.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "registry/store/sql.h"
#include "tests/support/postgresql.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::registry {

inline bool on_postgres() {
  const char* const store = std::getenv("LATCHKEY_TEST_STORE");
  return store != nullptr && std::string_view(store) == "postgresql";
}

// What the test looks at is SQLite's alone.
#define LATCHKEY_ONLY_ON_SQLITE() \
  if (::latchkey::registry::on_postgres()) GTEST_SKIP() << "SQLite's alone"

// One for the whole run.
inline tests::PostgresServer& postgres_of_run() {
  static tests::PostgresServer server;
  return server;
}

// In a schema of its own, which is made here.
inline std::string fresh_postgres() {
  static int made = 0;
  const std::string name = "test" + std::to_string(++made);
  auto& server = postgres_of_run();
  const auto database = store::Database::open(server.url("postgres"), store::Database::Access::kReadWrite);
  if (!database) throw std::runtime_error(database.error().detail);
  if (const auto done = (*database)->execute("CREATE SCHEMA " + name); !done) {
    throw std::runtime_error(done.error().detail);
  }
  return server.url("postgres", "&options=-csearch_path%3D" + name);
}

// Where the store of that name is, made on first use: a path, or a URL.
inline std::string store_in(const tests::MemoryFolder& folder, const std::string& name = "registry.db") {
  if (!on_postgres()) return folder.file(name);
  static std::map<std::string, std::string> urls;
  auto& url = urls[folder.file(name)];
  if (url.empty()) url = fresh_postgres();
  return url;
}

}  // namespace latchkey::registry
