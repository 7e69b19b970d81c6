// SPDX-License-Identifier: Apache-2.0
#include "registry/store/twins.h"

namespace latchkey::registry::store {

Outcome<Nothing> put(Database& database, const TwinRow& row) {
  return database
      .query(
          "INSERT INTO twins (device, tags, desired, reported, revision, desired_version, reported_version, version, "
          "updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (device) DO UPDATE SET "
          "tags = excluded.tags, desired = excluded.desired, reported = excluded.reported, "
          "revision = excluded.revision, desired_version = excluded.desired_version, "
          "reported_version = excluded.reported_version, version = excluded.version, updated = excluded.updated",
          row.device, row.tags, row.desired, row.reported, row.revision, row.desired_version, row.reported_version,
          row.version, row.updated)
      .run();
}

Outcome<std::optional<TwinRow>> find_twin(Database& database, const Uuid& device) {
  const auto number = [](const Query& row, int column) { return static_cast<std::uint64_t>(row.integer(column)); };
  return database
      .query(
          "SELECT device, tags, desired, reported, revision, desired_version, reported_version, version, updated "
          "FROM twins WHERE device = $1",
          device)
      .first([&](const Query& row) {
        return TwinRow{row.id<Uuid>(0), row.text(1),    row.text(2),    row.text(3),   number(row, 4),
                       number(row, 5),  number(row, 6), number(row, 7), row.integer(8)};
      });
}

Outcome<Nothing> remove_twin(Database& database, const Uuid& device) {
  return database.query("DELETE FROM twins WHERE device = $1", device).run();
}

}  // namespace latchkey::registry::store
