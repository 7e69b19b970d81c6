// SPDX-License-Identifier: Apache-2.0
#include "registry/store/sql.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "registry/store/internal/engine.h"
#include "registry/store/location.h"
#include "registry/store/sparing.h"

namespace latchkey::registry::store {

Query::Query(Statement* statement, bool cached) : statement_(statement), cached_(cached) {}

Query::Query(Refusal error) : error_(std::move(error)) {}

Query::Query(Query&& other) noexcept
    : statement_(other.statement_), cached_(other.cached_), error_(std::move(other.error_)) {
  other.statement_ = nullptr;
}

Query::~Query() {
  if (statement_ == nullptr) return;
  if (cached_) {
    statement_->reset();
    statement_->in_use = false;
  } else {
    delete statement_;
  }
}

Query& Query::bind(std::int64_t value) {
  if (statement_ != nullptr) statement_->bind(value);
  return *this;
}

Query& Query::bind(std::string_view text) {
  if (statement_ != nullptr) statement_->bind(text);
  return *this;
}

Query& Query::bind(ByteView bytes) {
  if (statement_ != nullptr) statement_->bind(bytes);
  return *this;
}

Query& Query::bind_null() {
  if (statement_ != nullptr) statement_->bind_null();
  return *this;
}

Query& Query::bind_column(const Query& row, int column) {
  switch (row.kind(column)) {
    case ColumnKind::kNull: return bind_null();
    case ColumnKind::kInteger: return bind(row.integer(column));
    case ColumnKind::kText: return bind(row.text(column));
    case ColumnKind::kBytes: return bind(row.statement_->raw(column));
  }
  return *this;
}

Outcome<bool> Query::next() {
  if (error_) return fail(*error_);
  auto found = statement_->next();
  if (!found) error_ = found.error();
  return found;
}

Outcome<Nothing> Query::run() {
  if (error_) return fail(*error_);
  auto done = statement_->run();
  if (!done) error_ = done.error();
  return done;
}

int Query::columns() const { return statement_ == nullptr ? 0 : statement_->columns(); }

ColumnKind Query::kind(int column) const { return statement_->kind(column); }

std::int64_t Query::integer(int column) const { return statement_->integer(column); }

bool Query::null(int column) const { return statement_->kind(column) == ColumnKind::kNull; }

std::string Query::text(int column) const { return statement_->text(column); }

Bytes Query::bytes(int column) const {
  const ByteView raw = statement_->raw(column);
  return Bytes(raw.begin(), raw.end());
}

void Query::read_id(int column, std::array<std::uint8_t, 16>& out) const {
  const ByteView raw = statement_->raw(column);
  if (raw.size() == out.size()) {
    std::copy(raw.begin(), raw.end(), out.begin());
  } else if (!error_) {
    error_ = Refusal{Reason::kStorage, "storage: damaged row: not an identifier of 16 bytes"};
  }
}

Outcome<std::unique_ptr<Database>> Database::open(const std::string& path, Access access) {
  LATCHKEY_TRY(engine, is_postgres_url(path) ? open_postgres(path, access) : open_sqlite(path, access));
  return std::unique_ptr<Database>(new Database(path, std::move(engine)));
}

Database::Database(std::string path, std::unique_ptr<Engine> engine)
    : path_(std::move(path)), engine_(std::move(engine)) {}

Database::~Database() = default;

Query Database::prepare(std::string_view sql) {
  if (!Sparing::allows(sql)) {
    return Query(Refusal{Reason::kInternal, "an act that leaves what is remembered as it is tried to change it: " +
                                                std::string(sql.substr(0, 40))});
  }
  auto found = statements_.find(sql);
  if (found != statements_.end() && !found->second->in_use) {
    found->second->in_use = true;
    return Query(found->second.get(), true);
  }
  const bool cached = found == statements_.end();  // else it runs already: a second run gets a statement of its own
  auto statement = engine_->prepare(sql, cached);
  if (!statement) return Query(statement.error());
  if (!cached) return Query(statement->release(), false);
  Statement* const kept = statement->get();
  kept->in_use = true;
  statements_.emplace(std::string(sql), std::move(*statement));
  return Query(kept, true);
}

Query Database::prepare_stream(std::string_view sql) {
  auto statement = engine_->prepare_stream(sql);
  if (!statement) return Query(statement.error());
  return Query(statement->release(), false);
}

Outcome<Nothing> Database::execute(const std::string& sql) { return engine_->execute(sql); }
void Database::watch_log(std::function<void(std::size_t)> watch) { engine_->watch_log(std::move(watch)); }
Outcome<Nothing> Database::fold_log() { return engine_->fold_log(); }
StoreKind Database::kind() const { return engine_->kind(); }
std::uint64_t Database::connections() const { return engine_->connections(); }
Outcome<std::int64_t> Database::changed() { return engine_->changed(); }
Outcome<Nothing> Database::settle() { return engine_->settle(); }
Outcome<std::vector<std::string>> Database::tables() { return engine_->tables(); }
Outcome<std::string> Database::version() { return engine_->version(); }

// Behind the commit and not in it: in it, PostgreSQL would hold a lock of the whole database until the commit is on the
// disk and at the standby, and refuse the commit where there is no NOTIFY, or when somebody listens and does not read.
Outcome<Nothing> Database::commit() {
  auto done = engine_->commit();
  if (std::exchange(announced_, false) && done) engine_->announce();
  return done;
}

void Database::announce() {
  if (in_transaction()) {
    announced_ = true;
  } else {
    engine_->announce();
  }
}

Outcome<bool> Database::listen() { return engine_->listen(); }
bool Database::listening() const { return engine_->listening(); }

Database::Heard Database::wait_for_news(int call, std::chrono::milliseconds most) {
  const auto until = std::chrono::steady_clock::now() + most;
  for (;;) {
    if (engine_->heard()) return Heard::kNews;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    std::array<pollfd, 2> files = {{{call, POLLIN, 0}, {engine_->socket(), POLLIN, 0}}};  // one below 0 is passed over
    const int ready = ::poll(files.data(), files.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (files[0].revents != 0) return Heard::kCall;
    if (ready == 0) return Heard::kNothing;
  }
}

Outcome<Nothing> Database::begin_read() { return engine_->begin_read(); }
void Database::end_read() { engine_->end_read(); }
Outcome<Nothing> Database::begin_write() { return engine_->begin_write(); }
void Database::rollback() {
  announced_ = false;
  engine_->rollback();
}
bool Database::in_transaction() const { return engine_->in_transaction(); }
Outcome<Nothing> Database::savepoint() { return engine_->savepoint(); }
Outcome<Nothing> Database::release_savepoint() { return engine_->release_savepoint(); }
Outcome<Nothing> Database::rollback_to_savepoint() { return engine_->rollback_to_savepoint(); }

}  // namespace latchkey::registry::store
