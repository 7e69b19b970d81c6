// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/statements.h"

#include <algorithm>
#include <sstream>

#include "hub/signing/base/algorithm.h"
#include "hub/signing/statements/statement.h"
#include "hub/text/encoding.h"
#include "registry/signing/certificates.h"

namespace latchkey::hub::firmware {
namespace {

using registry::Call;
using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::signing::AuthorityRole;
using registry::signing::CertificateRows;

constexpr int kTries = 5;  // to give a version that another node gives at the same time
constexpr UnixMs kSecond = 1000;

tl::unexpected<registry::Refusal> refusal_of(const signing::Error& error) {
  const bool callers = error.status == Status::kInvalidArgument || error.status == Status::kTooLarge;
  return refuse(callers ? Reason::kInvalidArgument : Reason::kInternal, error.detail);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

// What is revoked, with the certificates that its authorities are known by.
struct Revoked {
  std::vector<openssl::X509Ptr> certificates;
  std::vector<signing::AuthorityRevocations> authorities;
  std::vector<Bytes> der;
};

// Hangs on every authority and entry, and on nothing else.
std::string content_of(const std::vector<signing::AuthorityRevocations>& authorities, const std::vector<Bytes>& der) {
  std::string text;
  for (std::size_t i = 0; i < authorities.size(); ++i) {
    text += text::hex(ByteView(der[i])) + ":";
    for (const auto& [serial, revocation] : authorities[i].entries) {
      const int reason = revocation.reason ? static_cast<int>(*revocation.reason) : -1;
      text += text::hex(ByteView(serial)) + "," + std::to_string(revocation.effective_at) + "," +
              std::to_string(reason) + ";";
    }
  }
  return text::hex(signing::digest_of(signing::Hash::kSha256, ByteView(text)));
}

Outcome<Revoked> revoked_by_all(CertificateRows& rows) {
  LATCHKEY_TRY(authorities, rows.authorities());
  Revoked revoked;
  for (const auto& authority : authorities) {
    if (authority.role == AuthorityRole::kTimestamper) continue;  // it certifies nobody
    auto certificate = signing::certificate_from_der(authority.der);
    if (!certificate) return refuse(Reason::kInternal, "a certificate of the signing service is damaged");
    LATCHKEY_TRY(order, rows.list_order(authority.id));
    signing::AuthorityRevocations one;
    one.authority = certificate.get();
    for (const auto& entry : order.entries) {
      const auto reason = static_cast<signing::RevocationReason>(entry.reason);
      one.entries.push_back({entry.serial, {entry.effective_at - entry.effective_at % kSecond, reason}});
    }
    revoked.authorities.push_back(std::move(one));
    revoked.certificates.push_back(std::move(certificate));
    revoked.der.push_back(authority.der);
  }
  return revoked;
}

// Serials that a statement can do without, the oldest revocation first: whose profile is not pinned signs nothing that
// a device would take anew. What is left out is silent for devices that run its firmware yet and did not hear it
// before.
Outcome<std::vector<Bytes>> dispensable(CertificateRows& rows, const Revoked& revoked,
                                        const std::set<std::string>& pinned) {
  std::vector<std::pair<UnixMs, Bytes>> found;
  for (const auto& authority : revoked.authorities) {
    for (const auto& entry : authority.entries) {
      LATCHKEY_TRY(row, rows.find(entry.serial));
      if (row && !pinned.contains(row->eku)) found.emplace_back(row->revocation.requested_at, entry.serial);
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<Bytes> serials;
  for (auto& [asked, serial] : found) serials.push_back(std::move(serial));
  return serials;
}

std::vector<signing::AuthorityRevocations> without(std::vector<signing::AuthorityRevocations> authorities,
                                                   const std::vector<Bytes>& serials, std::size_t count) {
  const std::set<Bytes> left_out(serials.begin(), serials.begin() + static_cast<std::ptrdiff_t>(count));
  for (auto& authority : authorities) {
    std::erase_if(authority.entries, [&](const auto& entry) { return left_out.contains(entry.serial); });
  }
  return authorities;
}

// As much as fits. A signature costs less than knowing how large an entry is.
Outcome<std::vector<signing::AuthorityRevocations>> that_fits(EVP_PKEY* key, CertificateRows& rows,
                                                              const Revoked& revoked,
                                                              const std::set<std::string>& pinned) {
  const auto fits = [key](const auto& authorities) {
    const auto made = signing::make_revocation_statement(key, UINT64_MAX, authorities);
    return made || made.error().status != Status::kTooLarge;
  };
  if (fits(revoked.authorities)) return revoked.authorities;
  LATCHKEY_TRY(serials, dispensable(rows, revoked, pinned));
  if (!fits(without(revoked.authorities, serials, serials.size()))) {
    return refuse(Reason::kPreconditionFailed,
                  "more certificates of pinned profiles are revoked than devices can be told of; pin another profile");
  }
  std::size_t few = 0;  // too few left out
  std::size_t enough = serials.size();
  while (enough - few > 1) {
    const std::size_t middle = few + (enough - few) / 2;
    (fits(without(revoked.authorities, serials, middle)) ? enough : few) = middle;
  }
  return without(revoked.authorities, serials, enough);
}

template <class T>
bool overtaken(const Outcome<T>& made) {
  return !made && made.error().reason == Reason::kAlreadyExists;
}

}  // namespace

// What it says of revocations stands from its first moment on: a device that was given it would take nothing without.
Outcome<Statements::Key> Statements::have_key(const Call& call) {
  LATCHKEY_TRY(there, key_.load());
  if (there) return there;
  LATCHKEY_TRY(key, key_.make());
  LATCHKEY_TRY_VOID(rows_.attempt(call, "firmware.statementKey.create", "firmware/statementKey",
                                  [](registry::RowAct&) -> Outcome<Nothing> { return Nothing{}; }));
  LATCHKEY_TRY_VOID(renew(call, key));
  return key;
}

Outcome<Bytes> Statements::public_key(const Call& call) {
  const std::lock_guard lock(making_);
  LATCHKEY_TRY(key, have_key(call));
  return signing::statement_public_key(key.get());
}

Outcome<Statement> Statements::add(const Call& call, Statement statement) {
  statement.made = call.now;
  LATCHKEY_TRY_VOID(statements_.add(call, statement));
  return statement;
}

Outcome<Statement> Statements::pin(const Call& call, std::vector<std::string> ekus) {
  std::sort(ekus.begin(), ekus.end());
  const std::lock_guard lock(making_);
  LATCHKEY_TRY(key, have_key(call));
  auto pinned = try_pin(call, key, ekus);
  for (int i = 1; i < kTries && overtaken(pinned); ++i) pinned = try_pin(call, key, ekus);
  if (pinned) (void)renew(call, key);  // what is left out hangs on what is pinned
  return pinned;
}

Outcome<Statement> Statements::try_pin(const Call& call, const Key& key, const std::vector<std::string>& ekus) {
  Statement statement;
  statement.kind = StatementKind::kPins;
  statement.content = joined(ekus);
  LATCHKEY_TRY(newest, statements_.newest(StatementKind::kPins));
  if (newest && newest->content == statement.content) return *std::move(newest);
  LATCHKEY_TRY(version, statements_.next_version(StatementKind::kPins));
  statement.version = version;
  auto body = signing::make_pin_statement(key.get(), statement.version, ekus);
  if (!body) {
    const auto refusal = refusal_of(body.error());
    (void)rows_.attempt(call, "firmware.statement", "firmware/pins",
                        [&](registry::RowAct&) -> Outcome<Nothing> { return refusal; });
    return refusal;
  }
  statement.body = std::move(*body);
  return add(call, std::move(statement));
}

Outcome<std::set<std::string>> Statements::pinned() {
  LATCHKEY_TRY(newest, statements_.newest(StatementKind::kPins));
  std::set<std::string> ekus;
  std::istringstream lines(newest ? newest->content : std::string());
  for (std::string line; std::getline(lines, line);) ekus.insert(line);
  return ekus;
}

Outcome<std::optional<Statement>> Statements::refresh(const Call& call) {
  const std::lock_guard lock(making_);
  LATCHKEY_TRY(key, key_.load());
  if (!key) return std::optional<Statement>();
  return renew(call, key);
}

Outcome<std::optional<Statement>> Statements::renew(const Call& call, const Key& key) {
  auto made = try_renew(call, key);
  for (int i = 1; i < kTries && overtaken(made); ++i) made = try_renew(call, key);
  return made;
}

Outcome<std::optional<Statement>> Statements::try_renew(const Call& call, const Key& key) {
  CertificateRows certificates(rows_);
  LATCHKEY_TRY(revoked, revoked_by_all(certificates));
  if (revoked.authorities.empty()) return std::optional<Statement>();
  LATCHKEY_TRY(ekus, pinned());
  LATCHKEY_TRY(told, that_fits(key.get(), certificates, revoked, ekus));
  Statement statement;
  statement.kind = StatementKind::kRevocations;
  statement.content = content_of(told, revoked.der);
  LATCHKEY_TRY(newest, statements_.newest(StatementKind::kRevocations));
  if (newest && newest->content == statement.content) return std::optional<Statement>();
  LATCHKEY_TRY(version, statements_.next_version(StatementKind::kRevocations));
  statement.version = version;
  auto body = signing::make_revocation_statement(key.get(), statement.version, told);
  if (!body) return refusal_of(body.error());
  statement.body = std::move(*body);
  LATCHKEY_TRY(added, add(call, std::move(statement)));
  return std::optional<Statement>(std::move(added));
}

}  // namespace latchkey::hub::firmware
