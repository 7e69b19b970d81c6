// SPDX-License-Identifier: Apache-2.0
#include "registry/store/internal/postgres_connection.h"

#include <poll.h>

#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>

#include "registry/store/location.h"

namespace latchkey::registry::store {
namespace {

constexpr int kBinary = 1;
// Pauses between tries to connect again. Whoever waits is answered "storage" after them and tries again himself; no
// more than that, for the queue behind him waits too.
constexpr std::array<std::chrono::milliseconds, 3> kPauses = {
    std::chrono::milliseconds(50), std::chrono::milliseconds(150), std::chrono::milliseconds(300)};
constexpr std::chrono::seconds kReconnectMost(1);

// What is asked for unless the URL says otherwise.
//  - The server that takes writes, of a list of hosts: readers too, who have to see what was written just before.
//  - A server that went without a word is missed within seconds: connect_timeout for each host, in seconds;
//    tcp_user_timeout in ms.
constexpr std::array<std::pair<const char*, const char*>, 7> kDefaults = {{
    {"target_session_attrs", "read-write"},
    {"connect_timeout", "5"},
    {"tcp_user_timeout", "10000"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"fallback_application_name", "latchkey"},
}};

// Where neither the URL (options=-c ...) nor the database has a limit of its own. In ms.
constexpr char kSession[] =
    "SELECT set_config('statement_timeout', '30000', false) WHERE current_setting('statement_timeout') IN ('0', '0ms');"
    "SELECT set_config('lock_timeout', '10000', false) WHERE current_setting('lock_timeout') IN ('0', '0ms');"
    "SET client_min_messages = warning";

// How long a transaction may stand still: a process that was stopped in the middle of one, or whose machine is gone.
//  - One that writes holds the lock for which all other nodes wait. Less than lock_timeout, so that they get it and do
//    not give up, and less than the usual lease.
//  - One that reads holds no lock, and may wait for a gate that is slow to take a snapshot.
constexpr char kWriterIdle[] =
    "SELECT set_config('idle_in_transaction_session_timeout', '5000', false) "
    "WHERE current_setting('idle_in_transaction_session_timeout') IN ('0', '0ms')";
constexpr char kReaderIdle[] =
    "SELECT set_config('idle_in_transaction_session_timeout', '120000', false) "
    "WHERE current_setting('idle_in_transaction_session_timeout') IN ('0', '0ms')";

// For whoever knows them; others that speak the protocol may not.
//  - enable_seqscan: statements are planned once for a connection, often while tables are empty; a plan that reads them
//    from one end to the other would stay when they are not. All that is asked often is found by an index.
//  - jit: no statement here is worth compiling, and one that does read a table from end to end, as one of one row is
//    read, looks as dear as if it were.
//  - tcp_*, client_connection_check_interval: the server's own ways to miss a client whose machine is gone, which else
//    keeps its connections for two hours. Where nobody has set them.
constexpr const char* kTuning[] = {"SET enable_seqscan = off", "SET jit = off",
                                   R"(SELECT set_config(name, wanted, false)
       FROM (VALUES ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
                    ('tcp_user_timeout', '10000'), ('client_connection_check_interval', '2000'))
            AS ours (setting_name, wanted)
       JOIN pg_settings ON name = setting_name
       WHERE source = 'default')"};

// One name for all: whoever shares a database with another registry, in a schema of its own, looks in vain at times.
constexpr char kListen[] = "LISTEN latchkey";
constexpr char kNotify[] = "NOTIFY latchkey";

Refusal storage(std::string text) { return {Reason::kStorage, "storage: " + std::move(text)}; }

// libpq's messages have line ends, and one for each host.
std::string one_line(std::string_view message) {
  std::string text;
  for (const char c : message) text += c == '\n' || c == '\t' ? ' ' : c;
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Why there is no connection, and what to do.
Refusal not_connected(const std::string& url, std::string_view message) {
  const std::string said = one_line(message);
  std::string advice;
  if (has(said, "password authentication failed") || has(said, "no password supplied")) {
    advice = "; the password is taken from the URL, PGPASSWORD or ~/.pgpass (0600)";
  } else if (has(said, "session is read-only") || has(said, "server is in hot standby mode")) {
    advice = "; no server of the list takes writes: name the primary, or wait for a standby to be promoted";
  } else if (has(said, "does not exist")) {
    advice = "; make it (docs/postgresql.md)";
  } else if (has(said, "Connection refused") || has(said, "No such file or directory") || has(said, "timeout") ||
             has(said, "starting up") || has(said, "shutting down")) {
    advice = "; see that PostgreSQL runs and that the URL names its host and port";
  }
  return storage("cannot connect to " + shown(url) + ": " + said + advice);
}

// By SQLSTATE, of which the first two characters are the class. Never PostgreSQL's detail: it has values of rows in it.
Refusal refusal_of(std::string_view state, std::string_view message, std::string_view doing) {
  const std::string said = one_line(message) + " (" + std::string(doing.substr(0, 80)) + ")";
  if (state == "53100" || state == "53200") return {Reason::kStorage, "storage full: " + said};
  if (state == "25006") return storage("the database takes no writes: " + said);
  if (state == "57014") return storage("a statement took longer than statement_timeout allows: " + said);
  if (state == "25P03") {
    return storage(
        "this process stood still in the middle of a transaction for longer than "
        "idle_in_transaction_session_timeout allows, and nothing of it holds; ask again: " +
        said);
  }
  if (state == "55P03") return storage("another node held its lock for longer than lock_timeout allows: " + said);
  if (state.substr(0, 2) == "40") return storage("two transactions collided and this one gave way; ask again: " + said);
  return storage(said);
}

}  // namespace

Outcome<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const std::string& url, bool read_only) {
  const Libpq* const pq = loaded_libpq();
  if (pq == nullptr) {
    return refuse(Reason::kInvalidArgument,
                  "a store on PostgreSQL needs libpq.so.5 (Debian: libpq5), which is not on this machine");
  }
  std::unique_ptr<PostgresConnection> made(new PostgresConnection(*pq, url, read_only));
  LATCHKEY_TRY_VOID(made->connect());
  return made;
}

PostgresConnection::~PostgresConnection() {
  if (connection_ != nullptr) pq_.finish(connection_);
}

Outcome<Nothing> PostgresConnection::connect() {
  if (connection_ != nullptr) pq_.finish(connection_);
  connection_ = nullptr;
  awaited_.clear();
  failed_.reset();
  char* message = nullptr;
  PQconninfoOption* const options = pq_.conninfo_parse(url_.c_str(), &message);
  if (options == nullptr) {  // the message is not repeated: it may have the password in it
    if (message != nullptr) pq_.free_memory(message);
    return refuse(Reason::kInvalidArgument,
                  "that is no URL of PostgreSQL: it is postgresql://USER@HOST:PORT/DATABASE?OPTION=VALUE, with what is "
                  "special in a part percent-encoded");
  }
  std::map<std::string_view, const char*> wanted(kDefaults.begin(), kDefaults.end());
  for (const auto* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr && *option->val != '\0') wanted[option->keyword] = option->val;
  }
  wanted["client_encoding"] = "UTF8";
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : wanted) {
    keywords.push_back(keyword.data());  // literals, all of them
    values.push_back(value);
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_ = pq_.connect(keywords.data(), values.data(), 0);
  pq_.conninfo_free(options);
  if (connection_ == nullptr) return refuse(Reason::kStorage, "storage: out of memory");
  if (pq_.status(connection_) != CONNECTION_OK) return fail(not_connected(url_, pq_.error_message(connection_)));
  warning_.clear();
  pq_.set_notice_processor(
      connection_,
      [](void* self, const char* text) { static_cast<PostgresConnection*>(self)->warning_ = one_line(text); }, this);
  ++generation_;
  return check_server();
}

Outcome<Nothing> PostgresConnection::check_server() {
  const char* const encoding = pq_.parameter_status(connection_, "server_encoding");
  if (encoding == nullptr || (std::strcmp(encoding, "UTF8") != 0 && std::strcmp(encoding, "SQL_ASCII") != 0)) {
    return refuse(Reason::kStorage, "storage: the database has the encoding " +
                                        std::string(encoding == nullptr ? "?" : encoding) +
                                        "; make one with ENCODING 'UTF8' (docs/postgresql.md)");
  }
  LATCHKEY_TRY_VOID(execute(kSession));
  LATCHKEY_TRY_VOID(execute(read_only_ ? kReaderIdle : kWriterIdle));
  for (const char* setting : kTuning) static_cast<void>(execute(setting));
  if (listening_) listening_ = execute(kListen).has_value();
  if (read_only_) return execute("SET default_transaction_read_only = on");
  return Nothing{};
}

Outcome<Nothing> PostgresConnection::reconnect() {
  const auto began = std::chrono::steady_clock::now();
  auto done = connect();
  for (const auto pause : kPauses) {
    // Hosts that answer nothing have taken connect_timeout each already.
    if (done || std::chrono::steady_clock::now() - began > kReconnectMost) break;
    std::this_thread::sleep_for(pause);
    done = connect();
  }
  if (!done) lost();
  return done;
}

bool PostgresConnection::alive() {
  if (connection_ == nullptr || pq_.status(connection_) != CONNECTION_OK) return false;
  pollfd readable{pq_.socket(connection_), POLLIN, 0};
  if (::poll(&readable, 1, 0) <= 0) return true;
  if (pq_.consume_input(connection_) == 1 && pq_.status(connection_) == CONNECTION_OK) {
    // What a server says before it goes comes before the end, and that is there already when the server is gone.
    if (::poll(&readable, 1, 0) <= 0) return true;
    if (pq_.consume_input(connection_) == 1 && pq_.status(connection_) == CONNECTION_OK) return true;
  }
  lost();
  return false;
}

void PostgresConnection::lost() {
  awaited_.clear();
  if (connection_ != nullptr) pq_.finish(connection_);
  connection_ = nullptr;
}

void PostgresConnection::fail_with(Refusal why) {
  if (!failed_) failed_ = std::move(why);
}

void PostgresConnection::post(Prepared& statement, PostgresValues& values) {
  if (connection_ == nullptr) return fail_with(storage("the connection to PostgreSQL was lost"));
  bool sent = true;
  if (statement.generation != generation_) {
    sent = pq_.send_prepare(connection_, statement.name.c_str(), statement.sql.c_str(), 0, nullptr) == 1;
    if (sent) awaited_.push_back({Awaited::kPrepare, &statement});
    statement.generation = generation_;
  }
  sent = sent && pq_.send_query_prepared(connection_, statement.name.c_str(), values.count(), values.values(),
                                         values.lengths(), values.formats(), kBinary) == 1;
  if (!sent) return fail_with(storage(one_line(pq_.error_message(connection_))));
  awaited_.push_back({Awaited::kRun, &statement});
}

void PostgresConnection::post(const std::string& sql, PostgresValues& values) {
  if (connection_ == nullptr) return fail_with(storage("the connection to PostgreSQL was lost"));
  if (pq_.send_query_params(connection_, sql.c_str(), values.count(), nullptr, values.values(), values.lengths(),
                            values.formats(), kBinary) != 1) {
    return fail_with(storage(one_line(pq_.error_message(connection_))));
  }
  awaited_.push_back({Awaited::kRun, nullptr});
}

void PostgresConnection::announce() {
  if (connection_ == nullptr || !announces_) return;
  // Whatever was sent before is to fail by itself.
  if (!awaited_.empty() && awaited_.back().kind != Awaited::kSync && !send_sync()) return;
  if (pq_.send_query_params(connection_, kNotify, 0, nullptr, nullptr, nullptr, nullptr, kBinary) != 1) return;
  awaited_.push_back({Awaited::kAnnouncement, nullptr});
  static_cast<void>(send_sync());
}

Outcome<Nothing> PostgresConnection::listen() {
  auto done = execute(kListen);
  listening_ = done.has_value();
  return done;
}

bool PostgresConnection::heard() {
  if (!listening_ || connection_ == nullptr) return false;
  forget();  // what nobody asked for yet stands before what would be heard
  if (!alive()) return true;
  bool others = false;
  while (PGnotify* const one = pq_.notifies(connection_)) {
    others = others || one->be_pid != pq_.backend_pid(connection_);
    pq_.free_memory(one);
  }
  return others;
}

bool PostgresConnection::send_sync() {
  if (pq_.pipeline_sync(connection_) != 1) return false;
  awaited_.push_back({Awaited::kSync, nullptr});
  return true;
}

void PostgresConnection::push() {
  if (connection_ != nullptr && !awaited_.empty()) static_cast<void>(send_sync());
}

Outcome<PostgresResult> PostgresConnection::answer(std::string_view doing) {
  PostgresResult last(nullptr, ResultEnd{&pq_});
  if (connection_ != nullptr && !awaited_.empty()) last = drain(doing);
  if (failed_) {
    Refusal why = std::move(*failed_);
    failed_.reset();
    return fail(std::move(why));
  }
  return last;
}

void PostgresConnection::forget() {
  if (connection_ != nullptr && !awaited_.empty()) drain({});
  failed_.reset();
}

PostgresResult PostgresConnection::drain(std::string_view doing) {
  PostgresResult last(nullptr, ResultEnd{&pq_});
  const bool sent = send_sync();
  while (sent && !awaited_.empty()) {
    const Expected expected = awaited_.front();
    awaited_.pop_front();
    if (take(expected, last, doing)) continue;
    last.reset();
    fail_with(storage("the connection to PostgreSQL was lost: " + one_line(pq_.error_message(connection_))));
    lost();
  }
  if (!sent) {
    fail_with(storage("the connection to PostgreSQL was lost: " + one_line(pq_.error_message(connection_))));
    lost();
  }
  return last;
}

// False: the connection is lost.
bool PostgresConnection::take(const Expected& expected, PostgresResult& last, std::string_view doing) {
  PostgresResult result(pq_.get_result(connection_), ResultEnd{&pq_});
  if (!result) return false;
  const ExecStatusType status = pq_.result_status(result.get());
  if (expected.kind == Awaited::kSync) return status == PGRES_PIPELINE_SYNC;
  if (status == PGRES_FATAL_ERROR) {
    const auto field = [&](int which) {
      const char* text = pq_.error_field(result.get(), which);
      return std::string_view(text == nullptr ? "" : text);
    };
    const auto message = field(PG_DIAG_MESSAGE_PRIMARY);
    // Without a state it is libpq that speaks; 57P01 to 57P03 are a server that stops, or does not serve yet.
    if (field(PG_DIAG_SQLSTATE).empty() || field(PG_DIAG_SQLSTATE).starts_with("57P")) {
      fail_with(storage("the connection to PostgreSQL was lost: " +
                        one_line(message.empty() ? pq_.error_message(connection_) : message)));
      return false;
    }
    if (expected.kind == Awaited::kAnnouncement) {
      // Syntax, or a feature that is not there (CockroachDB); not a queue that is full.
      announces_ = !field(PG_DIAG_SQLSTATE).starts_with("42") && !field(PG_DIAG_SQLSTATE).starts_with("0A");
    } else {
      fail_with(refusal_of(field(PG_DIAG_SQLSTATE), message,
                           expected.statement != nullptr ? expected.statement->sql : doing));
    }
    if (pq_.status(connection_) != CONNECTION_OK) return false;
  }
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && expected.kind == Awaited::kPrepare) {
    expected.statement->generation = 0;
  }
  if (expected.kind == Awaited::kRun) last = std::move(result);
  // Each is followed by nothing, which ends it.
  return pq_.get_result(connection_) == nullptr;
}

Outcome<Nothing> PostgresConnection::execute(const std::string& sql) {
  LATCHKEY_TRY(before, answer(sql));
  before.reset();
  if (connection_ == nullptr) return refuse(Reason::kStorage, "storage: the connection to PostgreSQL was lost");
  static_cast<void>(pq_.exit_pipeline(connection_));
  const PostgresResult result(pq_.exec(connection_, sql.c_str()), ResultEnd{&pq_});
  const auto status = pq_.result_status(result.get());
  Outcome<Nothing> done = Nothing{};
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    const char* state = result ? pq_.error_field(result.get(), PG_DIAG_SQLSTATE) : nullptr;
    const char* message = result ? pq_.error_field(result.get(), PG_DIAG_MESSAGE_PRIMARY) : nullptr;
    done = fail(
        refusal_of(state == nullptr ? "" : state, message == nullptr ? pq_.error_message(connection_) : message, sql));
  }
  if (pq_.status(connection_) != CONNECTION_OK) {
    lost();
  } else if (pq_.enter_pipeline(connection_) != 1) {
    lost();
    return refuse(Reason::kStorage, "storage: the connection to PostgreSQL was lost");
  }
  return done;
}

std::string PostgresConnection::version() const {
  const char* const version = connection_ == nullptr ? nullptr : pq_.parameter_status(connection_, "server_version");
  return "PostgreSQL " + std::string(version == nullptr ? "?" : version);
}

}  // namespace latchkey::registry::store
