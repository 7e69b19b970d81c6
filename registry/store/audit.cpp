// SPDX-License-Identifier: Apache-2.0
#include "registry/store/audit.h"

#include <algorithm>
#include <limits>

namespace latchkey::registry::store {
namespace {

constexpr std::size_t kTextLimit = 512;

// The hash of the record before stands there and nowhere else; none there reads as zeros.
const std::string kSelect =
    "SELECT number, at, actor, action, resource, outcome, detail, source, before, after, hash, "
    "(SELECT p.hash FROM audit p WHERE p.number = audit.number - 1 LIMIT 1) FROM audit ";

void printable(std::string& text) {
  if (text.size() > kTextLimit) text.resize(kTextLimit);
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
}

// What has another size than a hash cannot be one: zeros, which no record hashes to.
AuditHash read_hash(const Query& row, int column) {
  AuditHash hash{};
  const Bytes bytes = row.bytes(column);
  if (bytes.size() == hash.size()) std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

AuditRecord read_record(const Query& row) {
  AuditRecord record;
  record.number = static_cast<std::uint64_t>(row.integer(0));
  record.at = row.integer(1);
  record.actor = row.text(2);
  record.action = row.text(3);
  record.resource = row.text(4);
  record.outcome = row.text(5);
  record.detail = row.text(6);
  record.source = row.text(7);
  record.before = row.text(8);
  record.after = row.text(9);
  record.hash = read_hash(row, 10);
  record.previous = read_hash(row, 11);
  return record;
}

}  // namespace

void make_printable(AuditRecord& record) {
  for (std::string* text : {&record.actor, &record.action, &record.resource, &record.outcome, &record.detail,
                            &record.source, &record.before, &record.after}) {
    printable(*text);
  }
}

Outcome<Nothing> insert(Database& database, const AuditRecord& record) {
  return database
      .query(
          "INSERT INTO audit (number, at, actor, source, action, resource, outcome, detail, before, after, hash) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
          record.number, record.at, record.actor, record.source, record.action, record.resource, record.outcome,
          record.detail, record.before, record.after, ByteView(record.hash))
      .run();
}

Outcome<std::vector<AuditRecord>> audit_before(Database& database, std::uint64_t before, std::size_t limit) {
  static const std::string sql = kSelect + "WHERE number < $1 ORDER BY number DESC LIMIT $2";
  const auto below = before == 0 ? std::numeric_limits<std::int64_t>::max() : static_cast<std::int64_t>(before);
  return database.query(sql, below, limit).all(read_record);
}

Outcome<std::vector<AuditRecord>> audit_from(Database& database, std::uint64_t first, std::size_t limit) {
  static const std::string sql = kSelect + "WHERE number >= $1 ORDER BY number LIMIT $2";
  return database.query(sql, first, limit).all(read_record);
}

Outcome<AuditHead> find_audit_head(Database& database) {
  LATCHKEY_TRY(heads, database.query("SELECT count, hash FROM audit_head").all([](const Query& row) {
    return AuditHead{static_cast<std::uint64_t>(row.integer(0)), read_hash(row, 1)};
  }));
  if (heads.size() != 1) return refuse(Reason::kStorage, "storage: the head of the audit is missing");
  return heads.front();
}

Outcome<Nothing> put_audit_head(Database& database, const AuditHead& head) {
  return database.query("UPDATE audit_head SET count = $1, hash = $2", head.count, ByteView(head.hash)).run();
}

Outcome<AuditNumbers> audit_numbers(Database& database) {
  const auto number = [](const Query& row) { return row.integer(0); };
  LATCHKEY_TRY(first, database.query("SELECT number FROM audit ORDER BY number LIMIT 1").first(number));
  LATCHKEY_TRY(last, database.query("SELECT number FROM audit ORDER BY number DESC LIMIT 1").first(number));
  return AuditNumbers{first.value_or(0), last.value_or(0)};
}

}  // namespace latchkey::registry::store
