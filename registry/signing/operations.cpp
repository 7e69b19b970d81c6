// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/operations.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <unordered_map>

#include "registry/signing/certificates.h"

namespace latchkey::registry::signing {
namespace {

using store::Database;
using store::Query;

constexpr std::size_t kMostOfHistory = 1000;

const std::string kSelect =
    "SELECT number, id, account, profile, account_name, profile_name, algorithm, digest, actor, source, asked, status, "
    "certificate, signature, error, ended FROM signing_operations ";

Operation read_operation(const Query& row) {
  Operation operation;
  operation.number = static_cast<std::uint64_t>(row.integer(0));
  operation.id = row.id<Uuid>(1);
  operation.account = row.id<Uuid>(2);
  operation.profile = row.id<Uuid>(3);
  operation.account_name = row.text(4);
  operation.profile_name = row.text(5);
  operation.algorithm = row.text(6);
  operation.digest = row.bytes(7);
  operation.actor = row.text(8);
  operation.source = row.text(9);
  operation.asked = row.integer(10);
  operation.status = row.value<OperationStatus>(11);
  operation.certificate = row.bytes(12);
  operation.signature = row.bytes(13);
  operation.error = row.text(14);
  operation.ended = row.integer(15);
  return operation;
}

// As it begins, or as it has ended already.
Outcome<Nothing> insert(Database& db, const Operation& one, const OperationEnd* end) {
  static const OperationEnd kNone{0, OperationStatus::kInProgress, {}, {}, {}, 0};
  const OperationEnd& as = end == nullptr ? kNone : *end;
  return db
      .query(
          "INSERT INTO signing_operations (number, id, account, profile, account_name, profile_name, algorithm, "
          "digest, actor, source, asked, status, certificate, signature, error, ended) VALUES ($1, $2, $3, $4, $5, "
          "$6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
          one.number, one.id, one.account, one.profile, one.account_name, one.profile_name, one.algorithm, one.digest,
          one.actor, one.source, one.asked, as.status, as.certificate, as.signature, as.error, as.ended)
      .run();
}

Outcome<Nothing> update(Database& db, const OperationEnd& end) {
  return db
      .query(
          "UPDATE signing_operations SET status = $1, certificate = $2, signature = $3, error = $4, ended = $5 "
          "WHERE number = $6 AND status = 1",
          end.status, end.certificate, end.signature, end.error, end.ended, end.number)
      .run();
}

struct Signer {
  bool usable = false;
  Bytes account;
};

// As this transaction sees it; read once for each certificate of the batch.
Outcome<Signer> signer_of(Database& db, const Bytes& serial) {
  LATCHKEY_TRY(found, db.query("SELECT revocation, account FROM signing_certificates WHERE serial = $1", serial)
                          .first([](const Query& row) {
                            const auto status = row.value<RevocationStatus>(0);
                            const bool usable =
                                status == RevocationStatus::kNone || status == RevocationStatus::kFailed;
                            return Signer{usable, row.bytes(1)};
                          }));
  return found.value_or(Signer());
}

Outcome<Nothing> count(Database& db, const Bytes& account, std::int64_t month, std::int64_t signatures) {
  return db
      .query(
          "INSERT INTO signing_usage (account, month, signatures) VALUES ($1, $2, $3) ON CONFLICT (account, month) "
          "DO UPDATE SET signatures = signing_usage.signatures + excluded.signatures",
          account, month, signatures)
      .run();
}

// Signatures by certificates that are revoked become failures; what is left is counted.
class Ends {
 public:
  explicit Ends(Database& db) : db_(db) {}

  Outcome<Nothing> judge(OperationEnd& end) {
    if (end.status != OperationStatus::kSucceeded) return Nothing{};
    LATCHKEY_TRY(signer, signer_by(end.certificate));
    if (signer->usable) return Nothing{};
    end = {end.number, OperationStatus::kFailed, end.certificate, {}, "the certificate was revoked", end.ended};
    return Nothing{};
  }
  // Of one that was judged, once its row says so.
  void count(const OperationEnd& end) {
    if (end.status == OperationStatus::kSucceeded) {
      ++made_[{signers_.at(end.certificate).account, month_of(end.ended)}];
    }
  }
  Outcome<Nothing> put_counts() {
    for (const auto& [key, signatures] : made_)
      LATCHKEY_TRY_VOID(signing::count(db_, key.first, key.second, signatures));
    return Nothing{};
  }

 private:
  Outcome<const Signer*> signer_by(const Bytes& serial) {
    auto known = signers_.find(serial);
    if (known == signers_.end()) {
      LATCHKEY_TRY(signer, signer_of(db_, serial));
      known = signers_.emplace(serial, std::move(signer)).first;
    }
    return &known->second;
  }
  Database& db_;
  std::map<Bytes, Signer> signers_;
  std::map<std::pair<Bytes, std::int64_t>, std::int64_t> made_;
};

// Those that have ended already are written once.
Outcome<Nothing> write_all(Database& db, const std::vector<const Operation*>& begins, std::vector<OperationEnd>& ends) {
  Ends judged(db);
  std::unordered_map<std::uint64_t, const OperationEnd*> open;
  for (OperationEnd& end : ends) {
    LATCHKEY_TRY_VOID(judged.judge(end));
    open[end.number] = &end;
  }
  for (const Operation* one : begins) {
    const auto end = open.find(one->number);
    const bool ended = end != open.end();
    LATCHKEY_TRY_VOID(insert(db, *one, ended ? end->second : nullptr));
    if (!ended) continue;
    judged.count(*end->second);
    open.erase(end);
  }
  for (const OperationEnd& end : ends) {
    if (!open.contains(end.number)) continue;
    LATCHKEY_TRY_VOID(update(db, end));
    LATCHKEY_TRY(changed, db.changed());
    if (changed == 1) judged.count(end);  // 0: its begin could not be written
  }
  return judged.put_counts();
}

}  // namespace

Outcome<Nothing> OperationRows::write(const std::vector<const Operation*>& begins, std::vector<OperationEnd>& ends) {
  return rows_.keep_rows([&](Database& db) -> Outcome<Nothing> { return write_all(db, begins, ends); });
}

Outcome<std::optional<Operation>> OperationRows::find(std::uint64_t number) {
  return rows_.looked<std::optional<Operation>>([&](Database& db) {
    static const std::string sql = kSelect + "WHERE number = $1";
    return db.query(sql, number).first(read_operation);
  });
}

Outcome<std::uint64_t> OperationRows::newest() {
  return rows_.looked<std::uint64_t>([](Database& db) -> Outcome<std::uint64_t> {
    LATCHKEY_TRY(newest, db.query("SELECT number FROM signing_operations ORDER BY number DESC LIMIT 1")
                             .first([](const Query& row) { return row.integer(0); }));
    return static_cast<std::uint64_t>(newest.value_or(0));
  });
}

Outcome<std::vector<Operation>> OperationRows::open() {
  return rows_.looked<std::vector<Operation>>([](Database& db) {
    static const std::string sql = kSelect + "WHERE status = 1 ORDER BY number";  // a literal, for the partial index
    return db.query(sql).all(read_operation);
  });
}

Outcome<std::vector<Operation>> OperationRows::history(const Uuid& profile, std::uint64_t before, std::size_t limit) {
  return rows_.looked<std::vector<Operation>>([&](Database& db) {
    static const std::string sql = kSelect + "WHERE number < $1 AND profile = $2 ORDER BY number DESC LIMIT $3";
    constexpr std::int64_t kNewest = INT64_MAX;
    const std::int64_t end = before == 0 ? kNewest : static_cast<std::int64_t>(before);
    return db.query(sql, end, profile, std::min(limit, kMostOfHistory)).all(read_operation);
  });
}

Outcome<std::uint64_t> OperationRows::usage(const Uuid& account, std::int64_t month) {
  return rows_.looked<std::uint64_t>([&](Database& db) -> Outcome<std::uint64_t> {
    LATCHKEY_TRY(made,
                 db.query("SELECT signatures FROM signing_usage WHERE account = $1 AND month = $2", account, month)
                     .first([](const Query& row) { return row.integer(0); }));
    return static_cast<std::uint64_t>(made.value_or(0));
  });
}

std::int64_t month_of(UnixMs at) {
  using namespace std::chrono;  // NOLINT: calendar arithmetic alone
  const year_month_day date(floor<days>(sys_time<milliseconds>(milliseconds(at))));
  return std::int64_t{int(date.year())} * 12 + unsigned(date.month()) - 1;
}

}  // namespace latchkey::registry::signing
