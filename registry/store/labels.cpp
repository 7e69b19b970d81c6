// SPDX-License-Identifier: Apache-2.0
#include "registry/store/labels.h"

#include "registry/store/fold.h"

namespace latchkey::registry::store {
namespace {

// Policies compare without case, and callers spell them as they like; devices do not.
std::string key_of(std::string_view resource) {
  constexpr std::string_view kPolicies = "/policies/";
  const auto at = resource.find(kPolicies);
  if (at == std::string_view::npos) return std::string(resource);
  const auto name = at + kPolicies.size();
  return std::string(resource.substr(0, name)) + fold(resource.substr(name));
}

}  // namespace

Outcome<Nothing> put_labels(Database& database, std::string_view resource, const Labels& labels) {
  return database
      .query(
          "INSERT INTO labels (resource, location, tags, extra, created_by, created, modified_by, modified) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (resource) DO UPDATE SET location = excluded.location, "
          "tags = excluded.tags, extra = excluded.extra, created_by = excluded.created_by, "
          "created = excluded.created, modified_by = excluded.modified_by, modified = excluded.modified",
          key_of(resource), labels.location, labels.tags, labels.extra, labels.created_by, labels.created,
          labels.modified_by, labels.modified)
      .run();
}

Outcome<std::optional<Labels>> find_labels(Database& database, std::string_view resource) {
  return database
      .query("SELECT location, tags, extra, created_by, created, modified_by, modified FROM labels WHERE resource = $1",
             key_of(resource))
      .first([](const Query& row) {
        return Labels{row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4), row.text(5), row.integer(6)};
      });
}

Outcome<Nothing> delete_labels(Database& database, std::string_view resource) {
  return database.query("DELETE FROM labels WHERE resource = $1", key_of(resource)).run();
}

}  // namespace latchkey::registry::store
