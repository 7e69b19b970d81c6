// SPDX-License-Identifier: Apache-2.0
// A request's fields are one text with a line for each, in the order of Field: control characters are in none of them.
#include "registry/signing/internal/rows.h"

namespace latchkey::registry::signing {

using store::Database;
using store::Query;

namespace {

constexpr const char* kColumns =
    "SELECT uuid, subscription, account, kind, subject, fields, incorporated, state, reason, link_sent, "
    "email_verified, submissions, expires, reminded, created_by, created, modified_by, modified FROM "
    "identity_validations ";

std::string lines_of(const Identity& identity) {
  std::string lines;
  for (const auto& field : identity.fields) lines += field + "\n";
  return lines;
}

// Fields that came after a row was written are empty.
void read_lines(const std::string& lines, Identity& identity) {
  std::size_t from = 0;
  for (auto& field : identity.fields) {
    const auto end = lines.find('\n', from);
    if (end == std::string::npos) return;
    field = lines.substr(from, end - from);
    from = end + 1;
  }
}

Validation read_validation(const Query& row) {
  Validation validation;
  validation.uuid = row.id<Uuid>(0);
  validation.subscription = row.text(1);
  validation.account = row.optional_id<Uuid>(2);
  validation.identity.kind = row.value<IdentityKind>(3);
  validation.identity.subject = row.value<IdentitySubject>(4);
  read_lines(row.text(5), validation.identity);
  validation.identity.incorporated = row.text(6);
  validation.state = row.value<ValidationState>(7);
  validation.reason = row.text(8);
  validation.link_sent = row.integer(9);
  validation.email_verified = row.integer(10);
  validation.submissions = row.integer(11);
  validation.expires = row.integer(12);
  validation.reminded = row.flag(13);
  validation.stamp = read_stamp(row, 14);
  return validation;
}

}  // namespace

Outcome<Nothing> insert(Database& db, const Validation& one) {
  return db
      .query(
          "INSERT INTO identity_validations VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
          "$15, $16, $17, $18)",
          one.uuid, one.subscription, one.account, one.identity.kind, one.identity.subject, lines_of(one.identity),
          one.identity.incorporated, one.state, one.reason, one.link_sent, one.email_verified, one.submissions,
          one.expires, one.reminded, one.stamp.created_by, one.stamp.created, one.stamp.modified_by, one.stamp.modified)
      .run();
}

Outcome<Nothing> update(Database& db, const Validation& one) {
  return db
      .query(
          "UPDATE identity_validations SET state = $1, reason = $2, link_sent = $3, email_verified = $4, "
          "submissions = $5, expires = $6, reminded = $7, modified_by = $8, modified = $9 WHERE uuid = $10",
          one.state, one.reason, one.link_sent, one.email_verified, one.submissions, one.expires, one.reminded,
          one.stamp.modified_by, one.stamp.modified, one.uuid)
      .run();
}

Outcome<Nothing> remove_validation(Database& db, const Uuid& validation) {
  return db.query("DELETE FROM identity_validations WHERE uuid = $1", validation).run();
}

Outcome<std::optional<Validation>> find_validation(Database& db, const Uuid& uuid) {
  static const std::string sql = std::string(kColumns) + "WHERE uuid = $1";
  return db.query(sql, uuid).first(read_validation);
}

Outcome<std::vector<Validation>> validations_of(Database& db, const std::string& subscription,
                                                const std::optional<Uuid>& account) {
  static const std::string of_account = std::string(kColumns) + "WHERE account = $1 ORDER BY created, uuid";
  static const std::string all = std::string(kColumns) + "WHERE subscription = $1 ORDER BY created, uuid";
  if (account) return db.query(of_account, *account).all(read_validation);
  return db.query(all, subscription).all(read_validation);
}

Outcome<std::vector<Validation>> validations_in_time(Database& db, UnixMs link_before, UnixMs ends_before) {
  static const std::string sql = std::string(kColumns) +
                                 "WHERE (state IN (1, 2, 4) AND email_verified = 0 AND link_sent <= $1) OR "
                                 "(state IN (3, 4) AND expires <= $2) ORDER BY created, uuid";
  return db.query(sql, link_before, ends_before).all(read_validation);
}

Outcome<Nothing> insert(Database& db, const Mail& mail) {
  return db
      .query(
          "INSERT INTO signing_mails (number, validation, recipient, subject, body, created, delivered) VALUES "
          "((SELECT COALESCE(MAX(number), 0) + 1 FROM signing_mails), $1, $2, $3, $4, $5, 0)",
          mail.validation, mail.recipient, mail.subject, mail.body, mail.created)
      .run();
}

Outcome<std::vector<Mail>> waiting_mails(Database& db, std::size_t limit) {
  return db
      .query(
          "SELECT number, validation, recipient, subject, body, created FROM signing_mails WHERE delivered = 0 "
          "ORDER BY number LIMIT $1",
          limit)
      .all([](const Query& row) {
        return Mail{row.integer(0), row.id<Uuid>(1), row.text(2), row.text(3), row.text(4), row.integer(5)};
      });
}

Outcome<Nothing> mail_delivered(Database& db, std::int64_t number, UnixMs at) {
  return db.query("UPDATE signing_mails SET delivered = $1 WHERE number = $2", at, number).run();
}

}  // namespace latchkey::registry::signing
