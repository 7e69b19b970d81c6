// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "registry/store/internal/engine.h"

namespace latchkey::registry::store {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// synchronous=FULL: an acknowledged commit survives a power cut. secure_delete=FAST: deleted enrollment keys do not
// linger in free pages. journal_size_limit: the log keeps what it has at its fullest (log_keeper.h), for to write over
// it costs the disk half of what making it longer does; what a busy hour made beyond that is given back.
constexpr char kWriterSettings[] =
    "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=FAST;"
    "PRAGMA cache_size=-32000; PRAGMA journal_size_limit=167772160; PRAGMA trusted_schema=OFF;";
// A reader forgets its pages at every commit of the writer, so that more than a query needs would only lie there.
constexpr char kReaderSettings[] = "PRAGMA query_only=ON; PRAGMA cache_size=-512; PRAGMA trusted_schema=OFF;";

Refusal storage_error(int code, std::string_view message) {
  const bool full = (code & 0xff) == SQLITE_FULL;
  return {Reason::kStorage, (full ? "storage full: " : "storage: ") + std::string(message)};
}

std::string system_error(std::string_view doing, const std::string& path) {
  return std::string(doing) + " " + path + ": " + std::strerror(errno);
}

// The file exists, mode 0600, before SQLite opens it: WAL and shared memory files take the mode of the database.
Outcome<Nothing> create_private(const std::string& path) {
  const int created = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (created >= 0) {
    ::close(created);
    return Nothing{};
  }
  // An existing file is not opened here: closing it would drop the locks of other connections in this process.
  if (errno != EEXIST) return refuse(Reason::kStorage, system_error("create", path));
  return Nothing{};
}

Outcome<Nothing> check_private(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return refuse(Reason::kStorage, system_error("stat", path));
  if (!S_ISREG(found.st_mode)) return refuse(Reason::kStorage, path + " is not a regular file");
  if ((found.st_mode & 077) != 0) {
    return refuse(Reason::kStorage, path + " is open to other users; it holds enrollment keys and has to be 0600");
  }
  return Nothing{};
}

// For the process, before its first connection; later it stays as it is, which is slower and no worse.
//  - Nobody asks SQLite how much memory it has, and keeping count takes a lock for every allocation.
//  - What savepoints and triggers may have to take back stays in memory up to 31 pages, which is what a part of
//    create_devices needs; beyond that it goes to a file, with two system calls a page. (From 128 KiB on SQLite 3.40
//    fails to write it to that file. PRAGMA temp_store=MEMORY would keep it in a list that is walked at every
//    statement.)
void configure_once() {
  static const int memory = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static const int journal = sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, 31 * 4096);
  static_cast<void>(memory);
  static_cast<void>(journal);
}

Refusal error_of(sqlite3* connection, int code, std::string_view doing) {
  const char* message = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  return storage_error(code, std::string(message) + " (" + std::string(doing.substr(0, 80)) + ")");
}

class SqliteStatement final : public Statement {
 public:
  SqliteStatement(sqlite3* connection, sqlite3_stmt* statement) : connection_(connection), statement_(statement) {}
  ~SqliteStatement() override { sqlite3_finalize(statement_); }

  void bind(std::int64_t value) override { check(sqlite3_bind_int64(statement_, ++bound_, value)); }
  void bind(std::string_view text) override {
    const char* data = text.data() != nullptr ? text.data() : "";  // a null pointer would bind NULL
    check(sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  void bind(ByteView bytes) override {
    const void* data = bytes.data() != nullptr ? static_cast<const void*>(bytes.data()) : "";
    check(sqlite3_bind_blob64(statement_, ++bound_, data, bytes.size(), SQLITE_TRANSIENT));
  }
  void bind_null() override { check(sqlite3_bind_null(statement_, ++bound_)); }

  Outcome<bool> next() override {
    if (!error_ && bound_ != sqlite3_bind_parameter_count(statement_)) {
      error_ =
          Refusal{Reason::kInternal, "values do not match the parameters of " + std::string(sqlite3_sql(statement_))};
    }
    if (error_) return fail(*error_);
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    check(code);
    return fail(*error_);
  }
  Outcome<Nothing> run() override {
    for (;;) {
      LATCHKEY_TRY(found, next());
      if (!found) return Nothing{};
    }
  }
  void reset() override {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    bound_ = 0;
    error_.reset();
  }

  int columns() const override { return sqlite3_column_count(statement_); }
  ColumnKind kind(int column) const override {
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_NULL: return ColumnKind::kNull;
      case SQLITE_TEXT: return ColumnKind::kText;
      case SQLITE_BLOB: return ColumnKind::kBytes;
      default: return ColumnKind::kInteger;
    }
  }
  std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  ByteView raw(int column) const override {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    return ByteView(data, data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  std::string text(int column) const override {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return data == nullptr ? std::string()
                           : std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }

 private:
  void check(int code) {
    if (code != SQLITE_OK && !error_) error_ = error_of(connection_, code, sqlite3_sql(statement_));
  }

  sqlite3* connection_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  std::optional<Refusal> error_;
};

// Of several who open a new file at once each holds it for reading while it asks to change the journal's mode. To let
// them wait for each other could last for ever, so SQLite tells one "busy" without a wait: that one asks again.
Outcome<Nothing> keep_a_log_ahead(sqlite3* connection) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  for (;;) {
    const int code = sqlite3_exec(connection, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return Nothing{};
    if ((code & 0xff) != SQLITE_BUSY || std::chrono::steady_clock::now() >= until) {
      return fail(error_of(connection, code, "keep a write-ahead log"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

enum Command : std::uint8_t { kBegin, kBeginWrite, kCommit, kRollback, kSavepoint, kRelease, kRollbackTo, kCommands };
constexpr std::array<std::string_view, kCommands> kCommandTexts = {"BEGIN",
                                                                   "BEGIN IMMEDIATE",
                                                                   "COMMIT",
                                                                   "ROLLBACK",
                                                                   "SAVEPOINT operation",
                                                                   "RELEASE SAVEPOINT operation",
                                                                   "ROLLBACK TO SAVEPOINT operation"};

class SqliteEngine final : public Engine {
 public:
  explicit SqliteEngine(sqlite3* connection) : connection_(connection) {}
  ~SqliteEngine() override {
    for (auto& command : commands_) command.reset();
    sqlite3_close(connection_);
  }
  StoreKind kind() const override { return StoreKind::kSqlite; }

  Outcome<std::unique_ptr<Statement>> prepare(std::string_view sql, bool kept) override {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                        kept ? SQLITE_PREPARE_PERSISTENT : 0, &statement, nullptr);
    if (code != SQLITE_OK) return fail(error_of(connection_, code, sql));
    return std::unique_ptr<Statement>(std::make_unique<SqliteStatement>(connection_, statement));
  }
  Outcome<std::unique_ptr<Statement>> prepare_stream(std::string_view sql) override { return prepare(sql, false); }
  Outcome<Nothing> execute(const std::string& sql) override {
    const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return fail(error_of(connection_, code, sql));
    return Nothing{};
  }
  Outcome<std::int64_t> changed() override { return sqlite3_changes64(connection_); }
  Outcome<Nothing> settle() override { return Nothing{}; }

  Outcome<Nothing> begin_read() override { return run(kBegin); }
  void end_read() override { rollback(); }
  Outcome<Nothing> begin_write() override { return run(kBeginWrite); }
  Outcome<Nothing> commit() override { return run(kCommit); }
  void rollback() override {
    // Fails only where there is nothing left to roll back, and that is what was wanted.
    if (in_transaction()) static_cast<void>(run(kRollback));
  }
  bool in_transaction() const override { return sqlite3_get_autocommit(connection_) == 0; }
  Outcome<Nothing> savepoint() override { return run(kSavepoint); }
  Outcome<Nothing> release_savepoint() override { return run(kRelease); }
  Outcome<Nothing> rollback_to_savepoint() override { return run(kRollbackTo); }

  Outcome<std::vector<std::string>> tables() override {
    LATCHKEY_TRY(statement, prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                                    "ORDER BY name",
                                    false));
    std::vector<std::string> names;
    for (;;) {
      LATCHKEY_TRY(found, statement->next());
      if (!found) return names;
      names.push_back(statement->text(0));
    }
  }
  Outcome<std::string> version() override { return std::string("SQLite ") + sqlite3_libversion(); }

  void watch_log(std::function<void(std::size_t)> watch) override {
    log_watch_ = std::move(watch);
    const auto hook = [](void* self, sqlite3*, const char*, int pages) {
      static_cast<SqliteEngine*>(self)->log_watch_(static_cast<std::size_t>(pages));
      return SQLITE_OK;
    };
    sqlite3_wal_hook(connection_, log_watch_ ? +hook : nullptr, this);
  }
  Outcome<Nothing> fold_log() override {
    const int code = sqlite3_wal_checkpoint_v2(connection_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code == SQLITE_OK || code == SQLITE_BUSY) return Nothing{};  // busy: another connection is at it
    return fail(error_of(connection_, code, "fold the log"));
  }

 private:
  Outcome<Nothing> run(Command which) {
    auto& command = commands_[which];
    if (!command) {
      LATCHKEY_TRY(made, prepare(kCommandTexts[which], true));
      command = std::move(made);
    }
    auto done = command->run();
    command->reset();
    return done;
  }

  sqlite3* connection_;
  std::function<void(std::size_t)> log_watch_;
  std::array<std::unique_ptr<Statement>, kCommands> commands_;
};

}  // namespace

Outcome<std::unique_ptr<Engine>> open_sqlite(const std::string& path, Database::Access access) {
  configure_once();
  const bool writes = access == Database::Access::kReadWrite;
  if (writes) LATCHKEY_TRY_VOID(create_private(path));
  LATCHKEY_TRY_VOID(check_private(path));

  sqlite3* connection = nullptr;
  const int mode = writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &connection, mode | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Engine> engine = std::make_unique<SqliteEngine>(connection);  // closes also what did not open
  if (code != SQLITE_OK) return fail(error_of(connection, code, path));
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  if (writes) LATCHKEY_TRY_VOID(keep_a_log_ahead(connection));
  LATCHKEY_TRY_VOID(engine->execute(writes ? kWriterSettings : kReaderSettings));
  return engine;
}

}  // namespace latchkey::registry::store
