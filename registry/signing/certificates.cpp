// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/certificates.h"

#include <algorithm>

namespace latchkey::registry::signing {
namespace {

using store::Database;
using store::Query;

const std::string kSelectAuthority =
    "SELECT id, role, trust, issuer, serial, der, key_ref, not_before, not_after, list_number, list, list_refresh, "
    "list_due FROM signing_authorities ";
const std::string kSelect =
    "SELECT serial, account, profile, authority, thumbprint, subject, eku, der, key_ref, not_before, not_after, "
    "revocation, requested, effective, reason, remarks, failure FROM signing_certificates ";

Authority read_authority(const Query& row) {
  Authority authority;
  authority.id = row.id<Uuid>(0);
  authority.role = row.value<AuthorityRole>(1);
  authority.trust = static_cast<int>(row.integer(2));
  authority.issuer = row.id<Uuid>(3);
  authority.serial = row.bytes(4);
  authority.der = row.bytes(5);
  authority.key_ref = row.text(6);
  authority.not_before = row.integer(7);
  authority.not_after = row.integer(8);
  authority.list_number = static_cast<std::uint64_t>(row.integer(9));
  authority.list = row.bytes(10);
  authority.list_refresh = row.integer(11);
  authority.list_due = row.flag(12);
  return authority;
}

Certificate read_certificate(const Query& row) {
  Certificate certificate;
  certificate.serial = row.bytes(0);
  certificate.account = row.id<Uuid>(1);
  certificate.profile = row.id<Uuid>(2);
  certificate.authority = row.id<Uuid>(3);
  certificate.thumbprint = row.bytes(4);
  certificate.subject = row.text(5);
  certificate.eku = row.text(6);
  certificate.der = row.bytes(7);
  certificate.key_ref = row.text(8);
  certificate.not_before = row.integer(9);
  certificate.not_after = row.integer(10);
  certificate.revocation = {row.value<RevocationStatus>(11),   row.integer(12), row.integer(13),
                            static_cast<int>(row.integer(14)), row.text(15),    row.text(16)};
  return certificate;
}

std::string hex(const Bytes& bytes) {
  std::string text(hex_size(bytes.size()), '\0');
  const auto size = hex_encode(bytes, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return size ? text : std::string();
}

Outcome<Nothing> insert_authority(Database& db, const Authority& one) {
  LATCHKEY_TRY_VOID(
      db.query("INSERT INTO signing_authorities (id, role, trust, issuer, serial, der, key_ref, not_before, not_after, "
               "list_number, list, list_refresh, list_due) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
               "$13) ON CONFLICT (id) DO NOTHING",
               one.id, one.role, one.trust, one.issuer, one.serial, one.der, one.key_ref, one.not_before, one.not_after,
               one.list_number, one.list, one.list_refresh, one.list_due)
          .run());
  LATCHKEY_TRY(changed, db.changed());
  if (changed == 1) return Nothing{};
  return refuse(Reason::kAlreadyExists, "there is an authority of that id");
}

Outcome<std::optional<Certificate>> find_in(Database& db, const Bytes& serial) {
  static const std::string sql = kSelect + "WHERE serial = $1";
  return db.query(sql, serial).first(read_certificate);
}

Outcome<std::optional<Certificate>> find_by_thumbprint(Database& db, const Bytes& thumbprint) {
  static const std::string sql = kSelect + "WHERE thumbprint = $1";
  return db.query(sql, thumbprint).first(read_certificate);
}

Outcome<std::vector<CertificateRows::ListEntry>> entries_of(Database& db, const Uuid& authority) {
  // The literal lets the partial index serve.
  return db
      .query(
          "SELECT serial, effective, reason FROM signing_certificates WHERE revocation = 1 AND authority = $1 "
          "ORDER BY serial",
          authority)
      .all([](const Query& row) {
        return CertificateRows::ListEntry{row.bytes(0), row.integer(1), static_cast<int>(row.integer(2))};
      });
}

// The certificate that is meant, or why it cannot be revoked like that.
Outcome<Certificate> revocable(Database& db, const Uuid& profile, const RevocationRequest& request) {
  LATCHKEY_TRY(by_serial, find_in(db, request.serial));
  LATCHKEY_TRY(by_thumbprint, find_by_thumbprint(db, request.thumbprint));
  if (by_serial && by_serial->profile != profile) by_serial.reset();
  if (by_thumbprint && by_thumbprint->profile != profile) by_thumbprint.reset();
  if (!by_serial && !by_thumbprint) {
    return refuse(Reason::kNotFound, "the profile has no certificate of that serial number and thumbprint");
  }
  if (!by_serial || !by_thumbprint || by_serial->serial != by_thumbprint->serial) {
    return refuse(Reason::kInvalidArgument, "serial number and thumbprint are not of one certificate");
  }
  if (request.effective_at < by_serial->not_before || request.effective_at > by_serial->not_after) {
    return refuse(Reason::kInvalidArgument, "the effective date lies outside the certificate's validity");
  }
  const RevocationStatus status = by_serial->revocation.status;
  if (status == RevocationStatus::kSucceeded || status == RevocationStatus::kInProgress) {
    return refuse(Reason::kCertificateRevoked, status == RevocationStatus::kSucceeded
                                                   ? "the certificate is revoked, which cannot be changed or taken back"
                                                   : "the certificate is being revoked");
  }
  return std::move(*by_serial);
}

Outcome<Nothing> put_revocation(Database& db, const Certificate& certificate) {
  const CertificateRevocation& one = certificate.revocation;
  LATCHKEY_TRY_VOID(db.query("UPDATE signing_certificates SET revocation = $1, requested = $2, effective = $3, "
                             "reason = $4, remarks = $5, failure = $6 WHERE serial = $7",
                             one.status, one.requested_at, one.effective_at, one.reason, one.remarks, one.failure,
                             certificate.serial)
                        .run());
  if (one.status != RevocationStatus::kSucceeded) return Nothing{};
  return db.query("UPDATE signing_authorities SET list_due = 1 WHERE id = $1", certificate.authority).run();
}

std::string shown(const CertificateRevocation& revocation) {
  switch (revocation.status) {
    case RevocationStatus::kNone: return "no";
    case RevocationStatus::kInProgress: return "in progress";
    case RevocationStatus::kFailed: return "failed";
    case RevocationStatus::kSucceeded: break;
  }
  return "from " + std::to_string(revocation.effective_at) + " on, reason " + std::to_string(revocation.reason);
}

Outcome<Nothing> apply(RowAct& act, Certificate& certificate, CertificateRevocation revocation) {
  const std::string before = shown(certificate.revocation);
  certificate.revocation = std::move(revocation);
  act.changed("revoked:" + hex(certificate.serial), before, shown(certificate.revocation));
  return put_revocation(act.db, certificate);
}

}  // namespace

Outcome<Nothing> CertificateRows::add_authorities(const Call& call, const std::vector<Authority>& authorities) {
  return rows_.attempt(call, "signing.authorities.create", "signing/authorities", [&](RowAct& act) -> Outcome<Nothing> {
    for (const Authority& one : authorities) LATCHKEY_TRY_VOID(insert_authority(act.db, one));
    act.note = std::to_string(authorities.size()) + " certificates";
    return Nothing{};
  });
}

Outcome<std::vector<Authority>> CertificateRows::authorities() {
  return rows_.looked<std::vector<Authority>>([](Database& db) {
    static const std::string sql = kSelectAuthority + "ORDER BY not_before, role, trust, id";
    return db.query(sql).all(read_authority);
  });
}

Outcome<CertificateRows::ListOrder> CertificateRows::list_order(const Uuid& authority) {
  return rows_.looked<ListOrder>([&](Database& db) -> Outcome<ListOrder> {
    LATCHKEY_TRY(number, db.query("SELECT list_number FROM signing_authorities WHERE id = $1", authority)
                             .first([](const Query& row) { return row.integer(0); }));
    if (!number) return refuse(Reason::kNotFound, "there is no such authority");
    LATCHKEY_TRY(entries, entries_of(db, authority));
    return ListOrder{static_cast<std::uint64_t>(*number) + 1, std::move(entries)};
  });
}

Outcome<Nothing> CertificateRows::put_list(const Uuid& authority, const ListOrder& order, const Bytes& list,
                                           UnixMs refresh) {
  return rows_.keep_rows([&](Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY(entries, entries_of(db, authority));
    if (entries.size() == order.entries.size()) {  // none is ever taken off
      LATCHKEY_TRY_VOID(db.query("UPDATE signing_authorities SET list_number = $1, list = $2, list_refresh = $3, "
                                 "list_due = 0 WHERE id = $4 AND list_number = $1 - 1",
                                 order.number, list, refresh, authority)
                            .run());
      LATCHKEY_TRY(changed, db.changed());
      if (changed == 1) return Nothing{};
    }
    return refuse(Reason::kPreconditionFailed, "somebody was revoked meanwhile");
  });
}

Outcome<Nothing> CertificateRows::add(const Call& call, const std::string& resource, const Certificate& one) {
  return rows_.attempt(call, "signing.certificate.issue", resource, [&](RowAct& act) -> Outcome<Nothing> {
    act.note = "serial " + hex(one.serial);
    LATCHKEY_TRY_VOID(
        act.db
            .query("INSERT INTO signing_certificates (serial, account, profile, authority, thumbprint, subject, eku, "
                   "der, key_ref, not_before, not_after, revocation, requested, effective, reason, remarks, failure) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, 0, '', '') ON CONFLICT DO NOTHING",
                   one.serial, one.account, one.profile, one.authority, one.thumbprint, one.subject, one.eku, one.der,
                   one.key_ref, one.not_before, one.not_after)
            .run());
    LATCHKEY_TRY(changed, act.db.changed());
    if (changed == 1) return Nothing{};
    return refuse(Reason::kAlreadyExists, "there is a certificate of that serial number");
  });
}

Outcome<std::vector<Certificate>> CertificateRows::of_profile(const Uuid& profile) {
  return rows_.looked<std::vector<Certificate>>([&](Database& db) {
    static const std::string sql = kSelect + "WHERE profile = $1 ORDER BY not_before, serial";
    return db.query(sql, profile).all(read_certificate);
  });
}

Outcome<std::optional<Certificate>> CertificateRows::newest_of(const Uuid& profile, UnixMs now) {
  return rows_.looked<std::optional<Certificate>>([&](Database& db) {
    static const std::string sql =
        kSelect + "WHERE profile = $1 AND not_before <= $2 ORDER BY not_before DESC, serial LIMIT 1";
    return db.query(sql, profile, now).first(read_certificate);
  });
}

Outcome<std::optional<Certificate>> CertificateRows::find(const Bytes& serial) {
  return rows_.looked<std::optional<Certificate>>([&](Database& db) { return find_in(db, serial); });
}

Outcome<std::vector<std::string>> CertificateRows::key_refs() {
  return rows_.looked<std::vector<std::string>>([](Database& db) {
    return db
        .query(
            "SELECT key_ref FROM signing_certificates WHERE key_ref <> '' UNION ALL "
            "SELECT key_ref FROM signing_authorities WHERE key_ref <> ''")
        .all([](const Query& row) { return row.text(0); });
  });
}

Outcome<std::vector<Certificate>> CertificateRows::with_idle_key(UnixMs now) {
  return rows_.looked<std::vector<Certificate>>([&](Database& db) {
    static const std::string sql = kSelect + "WHERE key_ref <> '' AND (not_after < $1 OR revocation = 1)";
    return db.query(sql, now).all(read_certificate);
  });
}

Outcome<Nothing> CertificateRows::forget_key(const Bytes& serial) {
  return rows_.keep_rows([&](Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY_VOID(db.query("UPDATE signing_certificates SET key_ref = '' WHERE serial = $1", serial).run());
    return db.query("UPDATE signing_authorities SET key_ref = '' WHERE serial = $1", serial).run();
  });
}

Outcome<std::vector<Certificate>> CertificateRows::revoke(const Call& call, const std::string& resource,
                                                          const Uuid& profile,
                                                          const std::vector<RevocationRequest>& requests, Hold hold) {
  using All = std::vector<Certificate>;
  return rows_.attempted<All>(call, "signing.certificate.revoke", resource, [&](RowAct& act) -> Outcome<All> {
    All revoked;
    for (const RevocationRequest& request : requests) {
      LATCHKEY_TRY(certificate, revocable(act.db, profile, request));
      const bool twice = std::any_of(revoked.begin(), revoked.end(),
                                     [&](const Certificate& other) { return other.serial == certificate.serial; });
      if (twice) return refuse(Reason::kInvalidArgument, "one certificate is named twice");
      revoked.push_back(std::move(certificate));
    }
    const auto status = hold == Hold::kYes ? RevocationStatus::kInProgress : RevocationStatus::kSucceeded;
    for (std::size_t i = 0; i < revoked.size(); ++i) {
      const RevocationRequest& request = requests[i];
      LATCHKEY_TRY_VOID(apply(
          act, revoked[i], {status, call.now, request.effective_at, request.reason, request.remarks, std::string()}));
    }
    return revoked;
  });
}

Outcome<Certificate> CertificateRows::settle(const Call& call, const std::string& resource, const Bytes& serial,
                                             const std::string& failure) {
  return rows_.attempted<Certificate>(
      call, "signing.certificate.settleRevocation", resource, [&](RowAct& act) -> Outcome<Certificate> {
        LATCHKEY_TRY(found, find_in(act.db, serial));
        if (!found) return refuse(Reason::kNotFound, "there is no certificate of that serial number");
        if (found->revocation.status != RevocationStatus::kInProgress) {
          return refuse(Reason::kPreconditionFailed, "no revocation of that certificate is in progress");
        }
        CertificateRevocation revocation = found->revocation;
        revocation.status = failure.empty() ? RevocationStatus::kSucceeded : RevocationStatus::kFailed;
        revocation.failure = failure;
        LATCHKEY_TRY_VOID(apply(act, *found, std::move(revocation)));
        return std::move(*found);
      });
}

}  // namespace latchkey::registry::signing
