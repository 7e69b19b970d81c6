// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/manage_raw.h"

#include <sys/random.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "registry/store/schema.h"

namespace latchkey::bench {
namespace {

using Id = std::array<std::uint8_t, 16>;

Id random_id() {
  Id id;
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) throw std::runtime_error("no entropy");
  return id;
}

// In order, as the registry's are.
Id ordered_id(std::uint64_t number) {
  Id id = random_id();
  for (std::size_t i = 0; i < 8; ++i) id[i] = static_cast<std::uint8_t>(number >> (8 * (7 - i)));
  return id;
}

void bind(sqlite3_stmt* statement, int at, const std::string& text) {
  sqlite3_bind_text(statement, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}
void bind(sqlite3_stmt* statement, int at, const std::uint8_t* id) {
  sqlite3_bind_blob(statement, at, id, 16, SQLITE_STATIC);
}

}  // namespace

std::string device_name(std::uint64_t number) {
  const auto digits = std::to_string(number);
  return "device-" + std::string(digits.size() < 7 ? 7 - digits.size() : 0, '0') + digits;
}

Raw::Raw(const std::string& path) {
  {
    auto made = registry::store::Database::open(path, registry::store::Database::Access::kReadWrite);
    if (!made || !registry::store::migrate(**made)) throw std::runtime_error("cannot make " + path);
  }
  if (sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
    throw std::runtime_error("cannot open " + path);
  }
  execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-32000;"
      "INSERT OR IGNORE INTO namespaces VALUES (x'0102030405060708090a0b0c0d0e0f10', 'plant', 1)");
  namespace_ = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  device_ = prepare(
      "INSERT INTO devices (uuid, namespace, id, credential_id, enabled, policy, registration_id, version, created, "
      "updated, last_revoked) VALUES (?1, ?2, ?3, ?4, 1, NULL, '', 1, 1900000000000, 1900000000000, 0)");
  change_ = prepare(
      "INSERT INTO changes (sequence, kind, scope, id, uuid, credential_id, enabled, policy_number) "
      "VALUES (?1, 1, ?2, ?3, ?4, ?5, 1, 0)");
  audit_ = prepare(
      "INSERT INTO audit (number, at, actor, source, action, resource, outcome, detail, before, after, hash) "
      "VALUES (?1, 1900000000000, 'uid:0 (root)', 'unix socket', ?2, ?3, 'ok', '', '', "
      "'credential=01234567 enabled=yes version=1', zeroblob(32))");
  touch_ = prepare("UPDATE devices SET credential_id = ?1, version = version + 1 WHERE namespace = ?2 AND id = ?3");
  page_ = prepare(
      "SELECT uuid, namespace, id, credential_id, enabled, policy, registration_id, version, created, updated, "
      "last_revoked FROM devices WHERE namespace = (SELECT uuid FROM namespaces LIMIT 1) AND id > ?1 ORDER BY id "
      "LIMIT ?2");
  begin_ = prepare("BEGIN IMMEDIATE");
  commit_ = prepare("COMMIT");
  counter_ = prepare("UPDATE counters SET value = ?1 WHERE name = 'change'");
  head_ = prepare("UPDATE audit_head SET count = ?1");
}

Raw::~Raw() {
  for (auto* statement : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

void Raw::execute(const std::string& sql) {
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(database_));
  }
}

std::string Raw::first_text(const std::string& sql) {
  auto* statement = prepare(sql.c_str());
  const bool found = sqlite3_step(statement) == SQLITE_ROW;
  const auto* text = found ? reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)) : nullptr;
  std::string answer = text == nullptr ? "" : text;
  sqlite3_reset(statement);
  return answer;
}

sqlite3_stmt* Raw::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(database_));
  }
  statements_.push_back(statement);
  return statement;
}

void Raw::run(sqlite3_stmt* statement) {
  const int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  if (code != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(database_));
}

void Raw::note(const std::string& id, const std::uint8_t* uuid, const std::uint8_t* credential, const char* action) {
  sqlite3_bind_int64(change_, 1, ++sequence_);
  bind(change_, 2, namespace_.data());
  bind(change_, 3, id);
  bind(change_, 4, uuid);
  bind(change_, 5, credential);
  run(change_);
  if (!audits_) return;
  const std::string resource = "namespaces/plant/devices/" + id;
  sqlite3_bind_int64(audit_, 1, ++audited_);
  sqlite3_bind_text(audit_, 2, action, -1, SQLITE_STATIC);
  bind(audit_, 3, resource);
  run(audit_);
}

void Raw::insert_devices(const std::vector<std::string>& ids) {
  run(begin_);
  for (const auto& id : ids) {
    const Id uuid = ordered_id(++made_);
    const Id credential = random_id();
    bind(device_, 1, uuid.data());
    bind(device_, 2, namespace_.data());
    bind(device_, 3, id);
    bind(device_, 4, credential.data());
    run(device_);
    note(id, uuid.data(), credential.data(), "device.create");
  }
  sqlite3_bind_int64(counter_, 1, sequence_);
  run(counter_);
  if (audits_) {
    sqlite3_bind_int64(head_, 1, audited_);
    run(head_);
  }
  run(commit_);
}

void Raw::touch(std::uint64_t number) {
  const std::string id = device_name(number);
  const Id credential = random_id();
  run(begin_);
  bind(touch_, 1, credential.data());
  bind(touch_, 2, namespace_.data());
  bind(touch_, 3, id);
  run(touch_);
  note(id, credential.data(), credential.data(), "device.revoke");
  sqlite3_bind_int64(counter_, 1, sequence_);
  run(counter_);
  sqlite3_bind_int64(head_, 1, audited_);
  run(head_);
  run(commit_);
}

std::size_t Raw::read_page(const std::string& after, int limit) {
  bind(page_, 1, after);
  sqlite3_bind_int(page_, 2, limit);
  std::size_t rows = 0;
  while (sqlite3_step(page_) == SQLITE_ROW) {
    for (int column = 0; column < 11; ++column) static_cast<void>(sqlite3_column_bytes(page_, column));
    ++rows;
  }
  sqlite3_reset(page_);
  return rows;
}

}  // namespace latchkey::bench
