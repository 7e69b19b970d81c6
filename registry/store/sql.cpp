// SPDX-License-Identifier: Apache-2.0
#include "registry/store/sql.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace latchkey::registry::store {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// synchronous=FULL: an acknowledged commit survives a power cut. secure_delete=FAST: deleted enrollment keys do not
// linger in free pages. journal_size_limit: the log keeps what it has at its fullest (log_keeper.h), for to write over
// it costs the disk half of what making it longer does; what a busy hour made beyond that is given back.
constexpr char kWriterSettings[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=FAST;"
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

}  // namespace

Query::Query(Database* database, sqlite3_stmt* statement, bool cached)
    : database_(database), statement_(statement), cached_(cached) {}

Query::Query(Refusal error) : error_(std::move(error)) {}

Query::Query(Query&& other) noexcept
    : database_(other.database_),
      statement_(other.statement_),
      cached_(other.cached_),
      bound_(other.bound_),
      error_(std::move(other.error_)) {
  other.statement_ = nullptr;
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  if (cached_) {
    database_->give_back(statement_);
  } else {
    sqlite3_finalize(statement_);
  }
}

void Query::check(int code) {
  if (code != SQLITE_OK && !error_) error_ = database_->error(code, sqlite3_sql(statement_));
}

Query& Query::bind(std::int64_t value) {
  if (statement_ != nullptr) check(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

Query& Query::bind(std::string_view text) {
  if (statement_ == nullptr) return *this;
  const char* data = text.data() != nullptr ? text.data() : "";  // a null pointer would bind NULL
  check(sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Query& Query::bind(ByteView bytes) {
  if (statement_ == nullptr) return *this;
  const void* data = bytes.data() != nullptr ? static_cast<const void*>(bytes.data()) : "";
  check(sqlite3_bind_blob64(statement_, ++bound_, data, bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Query& Query::bind_null() {
  if (statement_ != nullptr) check(sqlite3_bind_null(statement_, ++bound_));
  return *this;
}

Query& Query::bind_column(const Query& row, int column) {
  if (statement_ != nullptr)
    check(sqlite3_bind_value(statement_, ++bound_, sqlite3_column_value(row.statement_, column)));
  return *this;
}

Outcome<bool> Query::next() {
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

Outcome<Nothing> Query::run() {
  return each([](const Query&) {});
}

int Query::columns() const { return statement_ == nullptr ? 0 : sqlite3_column_count(statement_); }

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

bool Query::null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string Query::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return data == nullptr ? std::string()
                         : std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

Bytes Query::bytes(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  return data == nullptr ? Bytes() : Bytes(data, data + sqlite3_column_bytes(statement_, column));
}

void Query::read_id(int column, std::array<std::uint8_t, 16>& out) const {
  const void* data = sqlite3_column_blob(statement_, column);
  if (data != nullptr && sqlite3_column_bytes(statement_, column) == static_cast<int>(out.size())) {
    std::memcpy(out.data(), data, out.size());
  } else if (!error_) {
    error_ = Refusal{Reason::kStorage, "storage: damaged row: not an identifier of 16 bytes"};
  }
}

Outcome<std::unique_ptr<Database>> Database::open(const std::string& path, Access access) {
  configure_once();
  if (access == Access::kReadWrite) LATCHKEY_TRY_VOID(create_private(path));
  LATCHKEY_TRY_VOID(check_private(path));

  sqlite3* connection = nullptr;
  const int mode = access == Access::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &connection, mode | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(connection));  // closes also what did not open
  if (code != SQLITE_OK) return fail(database->error(code, path));
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  LATCHKEY_TRY_VOID(database->execute(access == Access::kReadWrite ? kWriterSettings : kReaderSettings));
  return database;
}

Database::~Database() {
  for (auto& [text, prepared] : statements_) sqlite3_finalize(prepared.statement);
  sqlite3_close(connection_);
}

Query Database::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found != statements_.end() && !found->second.in_use) {
    found->second.in_use = true;
    return Query(this, found->second.statement, true);
  }
  sqlite3_stmt* statement = nullptr;
  const bool cached = found == statements_.end();  // else it runs already: a second run gets a statement of its own
  const int code = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                      cached ? SQLITE_PREPARE_PERSISTENT : 0, &statement, nullptr);
  if (code != SQLITE_OK) return Query(error(code, sql));
  if (cached) {
    auto [at, inserted] = statements_.emplace(std::string(sql), Prepared{statement, true});
    lent_.emplace(statement, &at->second);  // nodes of an unordered_map stay where they are
  }
  return Query(this, statement, cached);
}

void Database::give_back(sqlite3_stmt* statement) { lent_.at(statement)->in_use = false; }

Outcome<Nothing> Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code, sql));
  return Nothing{};
}

void Database::watch_log(std::function<void(std::size_t)> watch) {
  log_watch_ = std::move(watch);
  const auto hook = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<Database*>(self)->log_watch_(static_cast<std::size_t>(pages));
    return SQLITE_OK;
  };
  sqlite3_wal_hook(connection_, log_watch_ ? +hook : nullptr, this);
}

Outcome<Nothing> Database::fold_log() {
  const int code = sqlite3_wal_checkpoint_v2(connection_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK || code == SQLITE_BUSY) return Nothing{};  // busy: another connection is at it
  return fail(error(code, "fold the log"));
}

std::string Database::path() const { return sqlite3_db_filename(connection_, nullptr); }

std::int64_t Database::changed() const { return sqlite3_changes64(connection_); }

Outcome<Nothing> Database::begin_read() { return query("BEGIN").run(); }
void Database::end_read() { rollback(); }
Outcome<Nothing> Database::begin_write() { return query("BEGIN IMMEDIATE").run(); }
Outcome<Nothing> Database::commit() { return query("COMMIT").run(); }

void Database::rollback() {
  // Fails only where there is nothing left to roll back, and that is what was wanted.
  if (in_transaction()) static_cast<void>(query("ROLLBACK").run());
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_) == 0; }

Outcome<Nothing> Database::savepoint() { return query("SAVEPOINT operation").run(); }
Outcome<Nothing> Database::release_savepoint() { return query("RELEASE SAVEPOINT operation").run(); }
Outcome<Nothing> Database::rollback_to_savepoint() { return query("ROLLBACK TO SAVEPOINT operation").run(); }

Refusal Database::error(int code, std::string_view doing) const {
  const char* message = connection_ != nullptr ? sqlite3_errmsg(connection_) : sqlite3_errstr(code);
  return storage_error(code, std::string(message) + " (" + std::string(doing.substr(0, 80)) + ")");
}

}  // namespace latchkey::registry::store
