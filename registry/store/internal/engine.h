// SPDX-License-Identifier: Apache-2.0
// What stands behind Database and Query: one connection to SQLite or to PostgreSQL.
//
// Both take the same SQL (sql.h says what it keeps to). What an engine may do later: a statement that is only run() in
// a transaction need not have happened when that answers. The next that has to wait anyway (a row, changed(), settle(),
// the end of a savepoint or of the transaction) tells the first error of all before it. PostgreSQL uses that: it is a
// wait for the network less for each row that is written.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Bind, then next() or run(), then reset(), any number of times. The first error sticks until reset().
class Statement {
 public:
  virtual ~Statement() = default;

  // The next parameter. What is bound is copied.
  virtual void bind(std::int64_t value) = 0;
  virtual void bind(std::string_view text) = 0;
  virtual void bind(ByteView bytes) = 0;
  virtual void bind_null() = 0;

  virtual Outcome<bool> next() = 0;
  virtual Outcome<Nothing> run() = 0;
  virtual void reset() = 0;

  // Of the row that it stands on.
  virtual int columns() const = 0;
  virtual ColumnKind kind(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;  // 0 of NULL
  virtual ByteView raw(int column) const = 0;          // of text or bytes, until it moves on; empty of NULL
  virtual std::string text(int column) const = 0;

  bool in_use = false;  // Database's
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual StoreKind kind() const = 0;
  virtual std::uint64_t connections() const { return 1; }

  // `kept`: it will be run many times. Must not outlive the engine.
  virtual Outcome<std::unique_ptr<Statement>> prepare(std::string_view sql, bool kept) = 0;
  // One whose rows are fetched as they are asked for, whatever their number. Used once.
  virtual Outcome<std::unique_ptr<Statement>> prepare_stream(std::string_view sql) = 0;
  virtual Outcome<Nothing> execute(const std::string& sql) = 0;
  virtual Outcome<std::int64_t> changed() = 0;
  virtual Outcome<Nothing> settle() = 0;

  virtual Outcome<Nothing> begin_read() = 0;
  virtual void end_read() = 0;
  virtual Outcome<Nothing> begin_write() = 0;
  virtual Outcome<Nothing> commit() = 0;
  virtual void rollback() = 0;
  virtual bool in_transaction() const = 0;
  virtual Outcome<Nothing> savepoint() = 0;
  virtual Outcome<Nothing> release_savepoint() = 0;
  virtual Outcome<Nothing> rollback_to_savepoint() = 0;

  virtual Outcome<std::vector<std::string>> tables() = 0;
  virtual Outcome<std::string> version() = 0;

  // As Database has them; SQLite tells nobody.
  virtual void announce() {}
  virtual Outcome<bool> listen() { return false; }
  virtual bool listening() const { return false; }
  // True: others announced something, or the connection is lost, since this was asked last. Waits for nothing.
  virtual bool heard() { return false; }
  virtual int socket() const { return -1; }  // where heard() would come from

  // SQLite's alone.
  virtual void watch_log(std::function<void(std::size_t pages)>) {}
  virtual Outcome<Nothing> fold_log() { return Nothing{}; }
};

Outcome<std::unique_ptr<Engine>> open_sqlite(const std::string& path, Database::Access access);
Outcome<std::unique_ptr<Engine>> open_postgres(const std::string& url, Database::Access access);

}  // namespace latchkey::registry::store
