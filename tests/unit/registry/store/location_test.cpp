// SPDX-License-Identifier: Apache-2.0
#include "registry/store/location.h"

#include <gtest/gtest.h>

#include "registry/store/internal/dialect.h"

namespace latchkey::registry::store {
namespace {

TEST(Location, path_is_no_url) {
  EXPECT_FALSE(is_postgres_url("/data/registry.db"));
  EXPECT_FALSE(is_postgres_url("mysql://h/db"));
  EXPECT_FALSE(has_password("/data/a:b@c"));
  EXPECT_EQ(shown("/data/a:b@c"), "/data/a:b@c");
}

TEST(Location, url_without_password_is_shown_as_it_is) {
  for (const char* url : {"postgresql://h/db", "postgres://u@h:5432/db", "postgresql://u@h1:1,h2:2/db?sslmode=require",
                          "postgresql:///db?host=/run/postgresql&user=u", "postgresql://"}) {
    EXPECT_TRUE(is_postgres_url(url));
    EXPECT_FALSE(has_password(url)) << url;
    EXPECT_EQ(shown(url), url);
  }
}

TEST(Location, password_is_hidden_wherever_it_stands) {
  const std::pair<const char*, const char*> urls[] = {
      {"postgresql://u:sesame@h/db", "postgresql://u:***@h/db"},
      {"postgresql://u:ses@me/x@h:1,i:2/db", "postgresql://u:***@h:1,i:2/db"},
      {"postgres://u@h/db?password=sesame", "postgres://u@h/db?password=***"},
      {"postgres://u@h/db?a=b&password=sesame&sslpassword=s", "postgres://u@h/db?a=b&password=***&sslpassword=***"},
      {"postgres://u:x@h/db?password=", "postgres://u:***@h/db?password=***"},
  };
  for (const auto& [url, hidden] : urls) {
    EXPECT_TRUE(has_password(url)) << url;
    EXPECT_EQ(shown(url), hidden);
  }
}

TEST(Dialect, spelling_of_sqlite_becomes_that_of_postgresql) {
  EXPECT_EQ(postgres_query("SELECT 1 FROM a CROSS JOIN b ON a.x = b.x WHERE +b.c IN (1) AND a.d + b.e > 0 + 1"),
            "SELECT 1 FROM a JOIN b ON a.x = b.x WHERE b.c IN (1) AND a.d + b.e > 0 + 1");
  EXPECT_EQ(postgres_query("replace(h, char(10), ',')"), "replace(h, chr(10), ',')");
  EXPECT_EQ(postgres_schema("a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT '', c BYTEA DEFAULT x''"),
            "a BIGINT PRIMARY KEY, b TEXT COLLATE \"C\" NOT NULL DEFAULT '', c BYTEA DEFAULT ''");
}

}  // namespace
}  // namespace latchkey::registry::store
