// SPDX-License-Identifier: Apache-2.0
#include "registry/store/internal/dialect.h"

namespace latchkey::registry::store {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// " +name", but not "a + name".
void drop_unary_plus(std::string& text) {
  for (auto at = text.find(" +"); at != std::string::npos; at = text.find(" +", at + 1)) {
    if (at + 2 < text.size() && letter(text[at + 2])) text.erase(at + 1, 1);
  }
}

}  // namespace

std::string postgres_query(std::string_view sql) {
  std::string text(sql);
  drop_unary_plus(text);
  replace_all(text, " CROSS JOIN ", " JOIN ");
  replace_all(text, "char(10)", "chr(10)");
  return text;
}

std::string postgres_schema(std::string_view sql) {
  std::string text(sql);
  replace_all(text, " TEXT", " TEXT COLLATE \"C\"");
  replace_all(text, "INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY");
  replace_all(text, "x''", "''");
  replace_all(text, "zeroblob(32)", "'\\x" + std::string(64, '0') + "'::bytea");
  return text;
}

}  // namespace latchkey::registry::store
