// SPDX-License-Identifier: Apache-2.0
// A connection to PostgreSQL, always in libpq's pipeline mode: what is posted is sent without waiting, and whoever asks
// hears the answers of all before him first.
//
// A lost connection ends the transaction and whatever was under way; connect() makes the next one, of the same URL. The
// statements that were prepared on it are gone, which generation() tells.
//
// No password reaches an error: libpq's own messages have none, and the URL is not repeated.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/store/internal/libpq.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

struct ResultEnd {
  const Libpq* pq = nullptr;
  void operator()(PGresult* result) const { pq->clear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, ResultEnd>;

// Values as libpq takes them. Integers go as text, so that the server reads them as whatever type the statement has
// there; text and bytes go as they are.
class PostgresValues {
 public:
  void add(std::int64_t value);
  void add(std::string_view text);
  void add(ByteView bytes);
  void add_null();
  void clear();

  int count() const { return static_cast<int>(spans_.size()); }
  const char* const* values();
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void put(const char* data, std::size_t size, int format);

  std::string buffer_;
  std::vector<std::ptrdiff_t> spans_;  // where each begins in the buffer; below 0: NULL
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<const char*> pointers_;
};

class PostgresConnection {
 public:
  // kStorage, kInvalidArgument: not a URL that libpq takes, or no libpq here.
  static Outcome<std::unique_ptr<PostgresConnection>> open(const std::string& url, bool read_only);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  const Libpq& pq() const { return pq_; }
  bool connected() const { return connection_ != nullptr; }
  // False when the server has gone. Asks nobody.
  bool alive();
  // Anew, when the connection was lost: a few tries within a second or so.
  Outcome<Nothing> reconnect();
  std::uint64_t generation() const { return generation_; }

  struct Prepared {
    std::string name;
    std::string sql;
    std::uint64_t generation = 0;  // of the connection that knows it; 0: none
  };
  // Sent, and answered later. `statement` is prepared first where it has to be, and outlives the answer.
  void post(Prepared& statement, PostgresValues& values);
  void post(const std::string& sql, PostgresValues& values);
  // The answer to what was posted last, when all before went well too.
  Outcome<PostgresResult> answer(std::string_view doing);
  // As answer(), for what nobody has to hear of: waits, and forgets.
  void forget();
  // All that was posted is sent, and nobody waits; whoever is next hears.
  void push();
  bool waiting() const { return !awaited_.empty(); }

  // NOTIFY, outside of a transaction: sent, and nobody hears what came of it.
  void announce();
  // LISTEN, on this connection and on those that reconnect() makes. An error: the server refuses it.
  Outcome<Nothing> listen();
  bool listening() const { return listening_; }
  // True: another connection announced something, or this one was lost, since it was asked last.
  bool heard();
  int socket() const { return connection_ == nullptr ? -1 : pq_.socket(connection_); }

  // What the server warned of since it was asked last; empty: of nothing.
  std::string take_warning() { return std::exchange(warning_, {}); }

  Outcome<Nothing> execute(const std::string& sql);
  std::string version() const;

 private:
  enum class Awaited : std::uint8_t { kPrepare, kRun, kSync, kAnnouncement };
  struct Expected {
    Awaited kind;
    Prepared* statement = nullptr;
  };
  PostgresConnection(const Libpq& pq, std::string url, bool read_only)
      : pq_(pq), url_(std::move(url)), read_only_(read_only) {}
  Outcome<Nothing> connect();
  Outcome<Nothing> check_server();
  bool send_sync();
  // Reads every answer that is due. The last of a kRun.
  PostgresResult drain(std::string_view doing);
  bool take(const Expected& expected, PostgresResult& last, std::string_view doing);
  void lost();
  void fail_with(Refusal why);

  const Libpq& pq_;
  const std::string url_;
  const bool read_only_;

  PGconn* connection_ = nullptr;
  std::uint64_t generation_ = 0;
  std::deque<Expected> awaited_;
  std::optional<Refusal> failed_;  // the first failure that nobody heard of
  std::string warning_;
  bool announces_ = true;   // until the server says that it does not know how
  bool listening_ = false;  // or shall be
};

}  // namespace latchkey::registry::store
