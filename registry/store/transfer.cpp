// SPDX-License-Identifier: Apache-2.0
#include "registry/store/transfer.h"

#include <functional>

#include "registry/store/audit.h"
#include "registry/store/schema.h"

namespace latchkey::registry::store {
namespace {

std::string insert_into(const std::string& table, int columns) {
  std::string values;
  for (int i = 1; i <= columns; ++i) values += (i == 1 ? "$" : ", $") + std::to_string(i);
  return "INSERT INTO " + table + " VALUES (" + values + ")";
}

void append(Bytes& to, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(number >> shift));
}

// The same bytes from either database: the kind of each value, and its length where it has one.
void write_row(const Query& row, Bytes& out) {
  out.clear();
  for (int i = 0; i < row.columns(); ++i) {
    const ColumnKind kind = row.kind(i);
    out.push_back(static_cast<std::uint8_t>(kind));
    if (kind == ColumnKind::kNull) continue;
    if (kind == ColumnKind::kInteger) {
      append(out, static_cast<std::uint64_t>(row.integer(i)));
      continue;
    }
    const Bytes value = row.bytes(i);
    append(out, value.size());
    out.insert(out.end(), value.begin(), value.end());
  }
}

Outcome<TableDigest> digest_table(Database& database, const std::string& table, const ports::Digest& digest) {
  TableDigest made{table};
  Bytes bytes;
  auto rows = database.stream("SELECT * FROM " + table);
  for (;;) {
    LATCHKEY_TRY(found, rows.next());
    if (!found) return made;
    write_row(rows, bytes);
    ports::Sha256 hash;
    if (!digest.sha256(bytes, hash)) return refuse(Reason::kInternal, "cannot compute SHA-256");
    for (std::size_t i = 0; i < hash.size(); ++i) made.sum[i / 8] += std::uint64_t{hash[i]} << (8 * (i % 8));
    ++made.rows;
  }
}

Outcome<Nothing> check_empty(Database& to) {
  for (const char* table : {"namespaces", "settings", "hubs", "subscriptions"}) {
    LATCHKEY_TRY(found, to.query("SELECT 1 FROM " + std::string(table) + " LIMIT 1").next());
    if (found) {
      return refuse(Reason::kPreconditionFailed,
                    "the target is not empty: it has rows in " + std::string(table) + "; name an empty database");
    }
  }
  LATCHKEY_TRY(head, find_audit_head(to));
  if (head.count != 0) return refuse(Reason::kPreconditionFailed, "the target is not empty: it has an audit");
  return Nothing{};
}

// Rows that a fresh schema has already.
Outcome<Nothing> copy_firsts(Database& from, Database& to) {
  LATCHKEY_TRY_VOID(to.query("DELETE FROM counters").run());
  LATCHKEY_TRY_VOID(copy_table(from, to, "counters"));
  LATCHKEY_TRY(head, find_audit_head(from));
  if (head.count == 0) return Nothing{};
  return put_audit_head(to, head);
}

Outcome<Nothing> copy_rows(Database& from, Database& to) {
  LATCHKEY_TRY_VOID(check_empty(to));
  for (const auto& table : schema_tables()) {
    if (table == "schema_version" || table == "counters" || table == "audit_head") continue;
    LATCHKEY_TRY_VOID(copy_table(from, to, table));
  }
  LATCHKEY_TRY_VOID(copy_firsts(from, to));
  return to.settle();
}

Outcome<Nothing> check_versions(Database& from, Database& to) {
  LATCHKEY_TRY(theirs, schema_version_of(from));
  if (theirs != kSchemaVersion) {
    return refuse(Reason::kPreconditionFailed, "the source has schema version " + std::to_string(theirs) +
                                                   "; this program knows " + std::to_string(kSchemaVersion) +
                                                   ": latchkey db migrate brings an older one there");
  }
  LATCHKEY_TRY(ours, schema_version_of(to));
  if (ours == 0) return migrate(to);
  if (ours == kSchemaVersion) return Nothing{};
  return refuse(Reason::kPreconditionFailed, "the target has schema version " + std::to_string(ours));
}

Outcome<Nothing> copy_and_compare(Database& from, Database& to, const ports::Digest& digest,
                                  std::vector<TableDigest>& copied) {
  LATCHKEY_TRY_VOID(copy_rows(from, to));
  LATCHKEY_TRY(there, digest_tables(from, digest));
  LATCHKEY_TRY(here, digest_tables(to, digest));
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (there[i] == here[i]) continue;
    return refuse(Reason::kStorage, "what came out of table " + there[i].table + " is not what went in");
  }
  copied = std::move(here);
  return Nothing{};
}

// While one side is read for a long time the other one's transaction stands still, and nobody else waits for either.
Outcome<Nothing> allow_standing_still(Database& database) {
  if (database.kind() != StoreKind::kPostgres) return Nothing{};
  return database.execute("SET idle_in_transaction_session_timeout = 0");
}

// One read transaction and one write transaction around `work`.
Outcome<Nothing> between(Database& from, Database& to, const std::function<Outcome<Nothing>()>& work) {
  LATCHKEY_TRY_VOID(check_versions(from, to));
  LATCHKEY_TRY_VOID(allow_standing_still(from));
  LATCHKEY_TRY_VOID(allow_standing_still(to));
  LATCHKEY_TRY_VOID(from.begin_read());
  Outcome<Nothing> done = to.begin_write();
  if (done) done = work();
  if (done) done = to.commit();
  if (!done) to.rollback();
  from.end_read();
  return done;
}

}  // namespace

Outcome<Nothing> copy_table(Database& from, Database& to, const std::string& table) {
  auto rows = from.stream("SELECT * FROM " + table);
  std::string insert;
  for (;;) {
    LATCHKEY_TRY(found, rows.next());
    if (!found) return Nothing{};
    if (insert.empty()) insert = insert_into(table, rows.columns());
    auto row = to.query(insert);
    for (int i = 0; i < rows.columns(); ++i) row.bind_column(rows, i);
    LATCHKEY_TRY_VOID(row.run());
  }
}

Outcome<std::vector<TableDigest>> digest_tables(Database& database, const ports::Digest& digest) {
  std::vector<TableDigest> digests;
  for (const auto& table : schema_tables()) {
    LATCHKEY_TRY(one, digest_table(database, table, digest));
    digests.push_back(std::move(one));
  }
  return digests;
}

Outcome<std::vector<TableDigest>> copy_everything(Database& from, Database& to, const ports::Digest& digest) {
  std::vector<TableDigest> copied;
  LATCHKEY_TRY_VOID(between(from, to, [&] { return copy_and_compare(from, to, digest, copied); }));
  return copied;
}

Outcome<Nothing> copy_everything(Database& from, Database& to) {
  return between(from, to, [&] { return copy_rows(from, to); });
}

}  // namespace latchkey::registry::store
