// SPDX-License-Identifier: Apache-2.0
// A thin layer over SQLite and PostgreSQL: connections, cached prepared statements, values in and out, errors as
// Outcome. Which of the two it is, only few know (kind()).
//
// What the queries keep to for that: parameters are $1, $2, ... (both databases know them) and appear in order;
// types are BIGINT, SMALLINT, TEXT and BYTEA; upserts are INSERT ... ON CONFLICT; text orders by its bytes. What SQLite
// spells its own way all the same is translated (internal/dialect.h).
//
// Threads: a Database and its queries belong to one thread at a time.
//
// Errors: Reason::kStorage with the database's own message; "storage full: ..." when the disk or a limit is reached.
// kInvalidArgument: text that PostgreSQL does not take, which is what is no UTF-8 or has a NUL in it.
// In a transaction on PostgreSQL a failure of run() may be told by what comes after it, at the latest by the end of the
// savepoint or of the transaction; after it nothing goes through but the way back to the savepoint or the rollback.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::registry::store {

class Database;
class Engine;
class Statement;

enum class StoreKind { kSqlite, kPostgres };
enum class ColumnKind { kNull, kInteger, kText, kBytes };

// One run of a prepared statement. Bind, then next() for each row, or run() where there are none. The first error
// sticks: it is what next() answers from then on. Must not outlive its Database.
class Query {
 public:
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  ~Query();

  Query& bind(std::int64_t value);
  Query& bind(std::string_view text);
  Query& bind(const char* text) { return bind(std::string_view(text)); }
  Query& bind(ByteView bytes);
  Query& bind(const std::string& text) { return bind(std::string_view(text)); }
  Query& bind(const Bytes& bytes) { return bind(ByteView(bytes)); }
  Query& bind_null();
  template <class Tag>
  Query& bind(const Id128<Tag>& id) {
    return bind(ByteView(id.bytes));
  }
  template <class T>
  Query& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }
  template <class T, class = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>>
  Query& bind(T value) {
    return bind(static_cast<std::int64_t>(value));
  }

  // The value in that column of another query's row, whatever its type.
  Query& bind_column(const Query& row, int column);

  // True: stands on a row. False: no more rows.
  Outcome<bool> next();
  Outcome<Nothing> run();

  // Of the current row.
  int columns() const;
  ColumnKind kind(int column) const;
  // Columns of the current row, counted from 0.
  std::int64_t integer(int column) const;
  bool flag(int column) const { return integer(column) != 0; }
  bool null(int column) const;
  std::string text(int column) const;
  Bytes bytes(int column) const;
  template <class Enum>
  Enum value(int column) const {
    return static_cast<Enum>(integer(column));
  }
  // Sixteen bytes. Anything else means a damaged row and becomes the query's error.
  template <class Id>
  Id id(int column) const {
    Id id;
    read_id(column, id.bytes);
    return id;
  }
  template <class Id>
  std::optional<Id> optional_id(int column) const {
    return null(column) ? std::nullopt : std::optional<Id>(id<Id>(column));
  }

  // The first row as `read` makes it, or nothing when there is none.
  template <class Read>
  auto first(Read read) -> Outcome<std::optional<std::invoke_result_t<Read, const Query&>>> {
    using Row = std::invoke_result_t<Read, const Query&>;
    LATCHKEY_TRY(found, next());
    if (!found) return std::optional<Row>();
    std::optional<Row> row(read(*this));
    if (error_) return fail(*error_);
    return row;
  }
  // Every row. `read` may also be called for its effects: see each().
  template <class Read>
  auto all(Read read) -> Outcome<std::vector<std::invoke_result_t<Read, const Query&>>> {
    std::vector<std::invoke_result_t<Read, const Query&>> rows;
    LATCHKEY_TRY(done, each([&](const Query& row) { rows.push_back(read(row)); }));
    static_cast<void>(done);
    return rows;
  }
  template <class Visit>
  Outcome<Nothing> each(Visit visit) {
    for (;;) {
      LATCHKEY_TRY(found, next());
      if (!found) return Nothing{};
      visit(*this);
      if (error_) return fail(*error_);
    }
  }

 private:
  friend class Database;
  Query(Statement* statement, bool cached);
  explicit Query(Refusal error);
  void read_id(int column, std::array<std::uint8_t, 16>& out) const;

  Statement* statement_ = nullptr;  // null after a failed preparation
  bool cached_ = false;             // false: this query ends it
  mutable std::optional<Refusal> error_;
};

class Database {
 public:
  enum class Access { kReadWrite, kReadOnly };
  // The file of that path; with kReadWrite also creates it, mode 0600. Refuses a file that others than its owner may
  // read. Or of a URL of PostgreSQL (location.h): kInvalidArgument when libpq does not take it or is not there.
  static Outcome<std::unique_ptr<Database>> open(const std::string& path, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Prepared once for each text.
  template <class... Values>
  Query query(std::string_view sql, const Values&... values) {
    Query query = prepare(sql);
    (query.bind(values), ...);
    return query;
  }
  // As query(); its rows are fetched as they are asked for, so that there may be a million. In a transaction only.
  template <class... Values>
  Query stream(std::string_view sql, const Values&... values) {
    Query query = prepare_stream(sql);
    (query.bind(values), ...);
    return query;
  }
  // Several statements without values or rows: schema and settings.
  Outcome<Nothing> execute(const std::string& sql);
  // `watch` hears after each commit, on this connection's thread, how many pages the write-ahead log has. From then on
  // this connection folds nothing back by itself: see fold_log. An empty one ends that.
  void watch_log(std::function<void(std::size_t pages)> watch);
  // Folds the log back into the file as far as readers let it, and waits for nobody.
  Outcome<Nothing> fold_log();
  // To whoever listens on this database, in whatever process: there is news. At once, or behind the commit of the
  // transaction that this connection is in, and not if that does not come about. Nobody waits for it, and it may be
  // lost: whoever listens looks now and then all the same. SQLite tells nobody.
  void announce();
  // From now on this connection hears what others announce, also when it had to be made anew. False: this database
  // tells nobody. An error: it refuses LISTEN.
  Outcome<bool> listen();
  bool listening() const;
  // Until others announced something since this was asked last, or the file `call` can be read, or that time is over.
  // Outside of a transaction. A connection that is lost is news as well.
  enum class Heard { kNothing, kCall, kNews };
  Heard wait_for_news(int call, std::chrono::milliseconds most);

  StoreKind kind() const;
  // How many connections this has had: with another one it may speak to another server.
  std::uint64_t connections() const;
  const std::string& path() const { return path_; }
  // Rows changed by the last statement that ran.
  Outcome<std::int64_t> changed();
  // Whatever was run() has happened, or why it did not.
  Outcome<Nothing> settle();
  // The names of all tables, in order; of PostgreSQL those of the schema that new ones would come into.
  Outcome<std::vector<std::string>> tables();
  // "SQLite 3.40.1".
  Outcome<std::string> version();

  Outcome<Nothing> begin_read();  // one consistent view until end_read
  void end_read();
  Outcome<Nothing> begin_write();  // takes the write lock at once
  Outcome<Nothing> commit();
  void rollback();
  // False after the database gave the transaction up by itself, as SQLite does on a full disk, or with a connection
  // that is lost.
  bool in_transaction() const;

  Outcome<Nothing> savepoint();
  Outcome<Nothing> release_savepoint();
  Outcome<Nothing> rollback_to_savepoint();

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Database(std::string path, std::unique_ptr<Engine> engine);
  Query prepare(std::string_view sql);
  Query prepare_stream(std::string_view sql);

  const std::string path_;
  const std::unique_ptr<Engine> engine_;
  std::unordered_map<std::string, std::unique_ptr<Statement>, TextHash, std::equal_to<>> statements_;
  bool announced_ = false;  // in this transaction
};

}  // namespace latchkey::registry::store
