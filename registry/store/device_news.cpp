// SPDX-License-Identifier: Apache-2.0
#include "registry/store/device_news.h"

namespace latchkey::registry::store {

Outcome<Nothing> tell_nodes(Database& database, const DeviceNews& news) {
  LATCHKEY_TRY(node,
               database.query("SELECT 1 FROM nodes LIMIT 1").first([](const Query& row) { return row.integer(0); }));
  if (!node) return Nothing{};
  LATCHKEY_TRY_VOID(database
                        .query("INSERT INTO device_news (number, namespace, device, device_id, version, patch) VALUES "
                               "((SELECT COALESCE(MAX(number), 0) + 1 FROM device_news), $1, $2, $3, $4, $5)",
                               news.namespace_name, news.device, news.device_id, news.desired_version, news.patch)
                        .run());
  database.announce();
  return database.query("DELETE FROM device_news WHERE number <= (SELECT MAX(number) FROM device_news) - $1", kKeptNews)
      .run();
}

Outcome<std::vector<DeviceNews>> news_after(Database& database, std::uint64_t number, std::size_t limit) {
  return database
      .query(
          "SELECT number, namespace, device, device_id, version, patch FROM device_news WHERE number > $1 "
          "ORDER BY number LIMIT $2",
          number, limit)
      .all([](const Query& row) {
        return DeviceNews{static_cast<std::uint64_t>(row.integer(0)), row.text(1), row.id<Uuid>(2), row.text(3),
                          static_cast<std::uint64_t>(row.integer(4)), row.text(5)};
      });
}

Outcome<std::uint64_t> newest_news(Database& database) {
  LATCHKEY_TRY(newest, database.query("SELECT COALESCE(MAX(number), 0) FROM device_news").first([](const Query& row) {
    return static_cast<std::uint64_t>(row.integer(0));
  }));
  return newest.value_or(0);
}

}  // namespace latchkey::registry::store
