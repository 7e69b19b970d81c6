// SPDX-License-Identifier: Apache-2.0
#include "registry/store/audit.h"

#include <limits>

namespace latchkey::registry::store {
namespace {

constexpr std::size_t kTextLimit = 512;

std::string printable(std::string_view text) {
  std::string result(text.substr(0, kTextLimit));
  for (char& c : result) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return result;
}

}  // namespace

Outcome<Nothing> insert(Database& database, const AuditRecord& record) {
  return database
      .query(
          "INSERT INTO audit (number, at, actor, action, resource, outcome, detail) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7)",
          record.number, record.at, printable(record.actor), printable(record.action), printable(record.resource),
          printable(record.outcome), printable(record.detail))
      .run();
}

Outcome<std::vector<AuditRecord>> audit_before(Database& database, std::uint64_t before, std::size_t limit) {
  const auto below = before == 0 ? std::numeric_limits<std::int64_t>::max() : static_cast<std::int64_t>(before);
  return database
      .query(
          "SELECT number, at, actor, action, resource, outcome, detail FROM audit "
          "WHERE number < $1 ORDER BY number DESC LIMIT $2",
          below, limit)
      .all([](const Query& row) {
        AuditRecord record;
        record.number = static_cast<std::uint64_t>(row.integer(0));
        record.at = row.integer(1);
        record.actor = row.text(2);
        record.action = row.text(3);
        record.resource = row.text(4);
        record.outcome = row.text(5);
        record.detail = row.text(6);
        return record;
      });
}

}  // namespace latchkey::registry::store
