// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdlib>

#include "registry/store/internal/dialect.h"
#include "registry/store/internal/engine.h"
#include "registry/store/internal/postgres_connection.h"
#include "registry/store/internal/utf8.h"

namespace latchkey::registry::store {
namespace {

// PostgreSQL's own numbers of the types that a result may have (its catalog pg_type; they never change).
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;

// Statements in a row that nobody waits for. Their answers are some ten bytes each, and have to fit into the sockets'
// buffers: neither side reads while it writes.
constexpr int kPostedMost = 256;
constexpr int kRowsAtOnce = 1000;  // of a stream

// Integers in network order, of two, four or eight bytes.
std::int64_t read_integer(const char* data, int size) {
  std::uint64_t value = size > 0 && (static_cast<std::uint8_t>(*data) & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<std::uint8_t>(data[i]);
  return static_cast<std::int64_t>(value);
}

enum Command : std::uint8_t { kBegin, kBeginWrite, kCommit, kRollback, kSavepoint, kRelease, kRollbackTo, kCommands };

class PostgresEngine final : public Engine {
 public:
  explicit PostgresEngine(std::unique_ptr<PostgresConnection> connection)
      : connection_(std::move(connection)),
        // Isolation is asked for by name: whoever runs the server may have another default. What the writer needs is
        // said in transaction.cpp.
        commands_{{{"lk_begin", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
                   {"lk_write", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"},
                   {"lk_commit", "COMMIT"},
                   {"lk_rollback", "ROLLBACK"},
                   {"lk_savepoint", "SAVEPOINT operation"},
                   {"lk_release", "RELEASE SAVEPOINT operation"},
                   {"lk_back", "ROLLBACK TO SAVEPOINT operation"}}} {}
  StoreKind kind() const override { return StoreKind::kPostgres; }
  std::uint64_t connections() const override { return connection_->generation(); }

  Outcome<std::unique_ptr<Statement>> prepare(std::string_view sql, bool kept) override;
  Outcome<std::unique_ptr<Statement>> prepare_stream(std::string_view sql) override;
  Outcome<Nothing> execute(const std::string& sql) override {
    if (!in_transaction()) LATCHKEY_TRY_VOID(connect());
    return connection_->execute(postgres_schema(sql));
  }
  Outcome<std::int64_t> changed() override {
    LATCHKEY_TRY_VOID(settle());
    return changed_;
  }
  Outcome<Nothing> settle() override {
    LATCHKEY_TRY(result, answer("settle"));
    return Nothing{};
  }

  Outcome<Nothing> begin_read() override { return begin(kBegin); }
  void end_read() override {
    if (!in_transaction()) return;
    if (connection_->waiting()) connection_->forget();
    post(kRollback);
    connection_->push();
    in_transaction_ = false;
  }
  Outcome<Nothing> begin_write() override { return begin(kBeginWrite); }
  Outcome<Nothing> commit() override {
    connection_->take_warning();
    post(kCommit);
    LATCHKEY_TRY(result, answer("COMMIT"));
    in_transaction_ = false;
    // A commit whose wait for the standby was cancelled is no error to PostgreSQL: it stands at the primary, and is
    // lost with that. Nobody is told "done" for it. (statement_timeout does not cancel that wait; an operator may.)
    if (const auto warning = connection_->take_warning(); !warning.empty()) {
      return refuse(Reason::kStorage, "storage: not known to hold: " + warning);
    }
    // COMMIT of a transaction in which something failed is a rollback, and no error.
    if (result && std::string_view(connection_->pq().command_status(result.get())) == "COMMIT") return Nothing{};
    return refuse(Reason::kStorage, "storage: the transaction had failed before its commit");
  }
  void rollback() override {
    if (in_transaction()) {
      connection_->forget();
      post(kRollback);
    }
    connection_->forget();
    in_transaction_ = false;
  }
  bool in_transaction() const override { return in_transaction_ && connection_->connected(); }
  Outcome<Nothing> savepoint() override {
    post(kSavepoint);
    return Nothing{};
  }
  Outcome<Nothing> release_savepoint() override {
    post(kRelease);
    return settle();
  }
  Outcome<Nothing> rollback_to_savepoint() override {
    connection_->forget();
    post(kRollbackTo);
    return Nothing{};
  }

  Outcome<std::vector<std::string>> tables() override;
  Outcome<std::string> version() override { return connection_->version(); }

  void announce() override { connection_->announce(); }
  Outcome<bool> listen() override {
    LATCHKEY_TRY_VOID(connect());
    LATCHKEY_TRY_VOID(connection_->listen());
    return true;
  }
  bool listening() const override { return connection_->listening(); }
  bool heard() override { return connection_->heard(); }
  int socket() const override { return connection_->listening() ? connection_->socket() : -1; }

  // For statements.
  PostgresConnection& connection() { return *connection_; }
  // Outside of a transaction: the server may have gone and come back since.
  Outcome<Nothing> connect() {
    if (connection_->alive()) return Nothing{};
    return connection_->reconnect();
  }
  void posted() { ++posted_; }
  bool enough_posted() const { return posted_ >= kPostedMost; }
  Outcome<PostgresResult> answer(std::string_view doing) {
    posted_ = 0;
    auto result = connection_->answer(doing);
    if (result && *result) changed_ = std::atoll(connection_->pq().command_tuples(result->get()));
    return result;
  }
  std::uint64_t next_number() { return ++numbers_; }

 private:
  Outcome<Nothing> begin(Command how) {
    LATCHKEY_TRY_VOID(connect());
    post(how);
    in_transaction_ = true;
    return Nothing{};
  }
  void post(Command which) {
    connection_->post(commands_[which], no_values_);
    ++posted_;
  }

  const std::unique_ptr<PostgresConnection> connection_;
  std::array<PostgresConnection::Prepared, kCommands> commands_;
  PostgresValues no_values_;
  bool in_transaction_ = false;
  int posted_ = 0;
  std::int64_t changed_ = 0;
  std::uint64_t numbers_ = 0;
};

// What statements have in common: values, and a result of which one row is stood on.
class ResultStatement : public Statement {
 public:
  explicit ResultStatement(PostgresEngine& engine)
      : engine_(engine), result_(nullptr, ResultEnd{&engine.connection().pq()}) {}

  void bind(std::int64_t value) override { values_.add(value); }
  void bind(std::string_view text) override {
    if (!storable_text(text) && !error_) {
      error_ = Refusal{Reason::kInvalidArgument, "a text is not UTF-8, or has a NUL in it"};
    }
    values_.add(text);
  }
  void bind(ByteView bytes) override { values_.add(bytes); }
  void bind_null() override { values_.add_null(); }

  Outcome<Nothing> run() override {
    for (;;) {
      LATCHKEY_TRY(found, next());
      if (!found) return Nothing{};
    }
  }
  void reset() override {
    values_.clear();
    result_.reset();
    row_ = -1;
    error_.reset();
  }

  int columns() const override { return pq().columns(result_.get()); }
  ColumnKind kind(int column) const override {
    if (pq().is_null(result_.get(), row_, column) == 1) return ColumnKind::kNull;
    switch (pq().type_of(result_.get(), column)) {
      case kBool:
      case kInt2:
      case kInt4:
      case kInt8: return ColumnKind::kInteger;
      case kBytea: return ColumnKind::kBytes;
      default: return ColumnKind::kText;
    }
  }
  std::int64_t integer(int column) const override {
    return read_integer(pq().value(result_.get(), row_, column), pq().length(result_.get(), row_, column));
  }
  ByteView raw(int column) const override {
    return {reinterpret_cast<const std::uint8_t*>(pq().value(result_.get(), row_, column)),
            static_cast<std::size_t>(pq().length(result_.get(), row_, column))};
  }
  std::string text(int column) const override {
    if (kind(column) == ColumnKind::kInteger) return std::to_string(integer(column));
    return std::string(raw(column).text());
  }

 protected:
  const Libpq& pq() const { return engine_.connection().pq(); }
  bool stands_on_next() { return ++row_ < pq().rows(result_.get()); }

  PostgresEngine& engine_;
  PostgresValues values_;
  PostgresResult result_;
  int row_ = -1;
  std::optional<Refusal> error_;
};

// Its result is fetched whole: another statement may run while its rows are looked at, which one connection could not
// do otherwise.
class PostgresStatement final : public ResultStatement {
 public:
  PostgresStatement(PostgresEngine& engine, std::string_view sql, bool kept)
      : ResultStatement(engine),
        statement_{kept ? "lk" + std::to_string(engine.next_number()) : "", postgres_query(sql)} {}

  Outcome<bool> next() override {
    if (error_) return fail(*error_);
    if (!result_) {
      LATCHKEY_TRY_VOID(send());
      LATCHKEY_TRY(result, engine_.answer(statement_.sql));
      result_ = std::move(result);
    }
    return stands_on_next();
  }
  Outcome<Nothing> run() override {
    if (!engine_.in_transaction() || engine_.enough_posted()) return ResultStatement::run();
    if (error_) return fail(*error_);
    return send();
  }

 private:
  Outcome<Nothing> send() {
    if (!engine_.in_transaction()) LATCHKEY_TRY_VOID(engine_.connect());
    if (statement_.name.empty()) {
      engine_.connection().post(statement_.sql, values_);
    } else {
      engine_.connection().post(statement_, values_);
    }
    engine_.posted();
    return Nothing{};
  }

  PostgresConnection::Prepared statement_;
};

class PostgresStream final : public ResultStatement {
 public:
  PostgresStream(PostgresEngine& engine, std::string_view sql)
      : ResultStatement(engine),
        cursor_("lk_rows_" + std::to_string(engine.next_number())),
        declare_("DECLARE " + cursor_ + " NO SCROLL CURSOR FOR " + postgres_query(sql)),
        fetch_("FETCH " + std::to_string(kRowsAtOnce) + " FROM " + cursor_) {}
  ~PostgresStream() override {
    if (!open_ || !engine_.in_transaction()) return;
    PostgresValues none;
    engine_.connection().post("CLOSE " + cursor_, none);
    engine_.posted();
  }

  Outcome<bool> next() override {
    if (error_) return fail(*error_);
    if (!result_) {
      engine_.connection().post(declare_, values_);
      LATCHKEY_TRY(done, fetch());
      static_cast<void>(done);
    }
    if (stands_on_next()) return true;
    if (pq().rows(result_.get()) < kRowsAtOnce) return false;
    LATCHKEY_TRY(done, fetch());
    static_cast<void>(done);
    return stands_on_next();
  }

 private:
  Outcome<Nothing> fetch() {
    open_ = false;
    PostgresValues none;
    engine_.connection().post(fetch_, none);
    LATCHKEY_TRY(result, engine_.answer(declare_));
    if (!result) return refuse(Reason::kInternal, "a stream without an answer");
    result_ = std::move(result);
    row_ = -1;
    open_ = true;
    return Nothing{};
  }

  const std::string cursor_;
  const std::string declare_;
  const std::string fetch_;
  bool open_ = false;
};

Outcome<std::unique_ptr<Statement>> PostgresEngine::prepare(std::string_view sql, bool kept) {
  return std::unique_ptr<Statement>(std::make_unique<PostgresStatement>(*this, sql, kept));
}

Outcome<std::unique_ptr<Statement>> PostgresEngine::prepare_stream(std::string_view sql) {
  return std::unique_ptr<Statement>(std::make_unique<PostgresStream>(*this, sql));
}

Outcome<std::vector<std::string>> PostgresEngine::tables() {
  PostgresStatement statement(
      *this, "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = current_schema() ORDER BY tablename",
      false);
  std::vector<std::string> names;
  for (;;) {
    LATCHKEY_TRY(found, statement.next());
    if (!found) return names;
    names.push_back(statement.text(0));
  }
}

}  // namespace

Outcome<std::unique_ptr<Engine>> open_postgres(const std::string& url, Database::Access access) {
  LATCHKEY_TRY(connection, PostgresConnection::open(url, access == Database::Access::kReadOnly));
  return std::unique_ptr<Engine>(std::make_unique<PostgresEngine>(std::move(connection)));
}

}  // namespace latchkey::registry::store
