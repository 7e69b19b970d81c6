// SPDX-License-Identifier: Apache-2.0
// Rows of the signing service's certificates: its CAs and timestampers, and the certificates of profiles with what
// became of them. Certificates are bytes with a few columns; what they mean is hub/signing's.
//
// CertificateRows runs them: threads any, every change durable when it is answered, acts audited.
#pragma once

#include <string>
#include <vector>

#include "registry/operations/rows.h"

namespace latchkey::registry::signing {

// The numbers stand in rows: never renumber.
enum class AuthorityRole : std::uint8_t { kRoot = 1, kIssuing = 2, kTimestamper = 3 };

// A CA of the service, or a timestamper's certificate.
struct Authority {
  Uuid id;
  AuthorityRole role = AuthorityRole::kRoot;
  int trust = 0;  // hub/signing/certificates: TrustKind
  Uuid issuer;    // itself for a root
  Bytes serial;
  Bytes der;
  std::string key_ref;  // empty: erased
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  // Its revocation list: the number that was given out last (0: none yet), and when it has to be made anew.
  std::uint64_t list_number = 0;
  Bytes list;
  UnixMs list_refresh = 0;
  bool list_due = false;  // somebody was revoked since
};

enum class RevocationStatus : std::uint8_t { kNone = 0, kSucceeded = 1, kInProgress = 2, kFailed = 3 };

struct CertificateRevocation {
  RevocationStatus status = RevocationStatus::kNone;
  UnixMs requested_at = 0;
  UnixMs effective_at = 0;
  int reason = 0;  // CRLReason (RFC 5280 section 5.3.1)
  std::string remarks;
  std::string failure;  // why, when it failed
};

struct Certificate {
  Bytes serial;
  Uuid account;
  Uuid profile;
  Uuid authority;    // that signed it
  Bytes thumbprint;  // SHA-1 of `der`
  std::string subject;
  std::string eku;  // the profile's durable one
  Bytes der;
  std::string key_ref;  // empty: erased
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  CertificateRevocation revocation;
};

// One of a request to revoke: the certificate by both its names.
struct RevocationRequest {
  Bytes serial;  // without leading zeros
  Bytes thumbprint;
  UnixMs effective_at = 0;
  int reason = 0;
  std::string remarks;
};

class CertificateRows {
 public:
  // The rows outlive it.
  explicit CertificateRows(RowKeeper& rows) : rows_(rows) {}

  // --- authorities
  // kAlreadyExists: one of that id is there.
  Outcome<Nothing> add_authorities(const Call& call, const std::vector<Authority>& authorities);
  Outcome<std::vector<Authority>> authorities();  // oldest first
  // What is revoked by that authority, expired certificates too.
  struct ListEntry {
    Bytes serial;
    UnixMs effective_at = 0;
    int reason = 0;
  };
  struct ListOrder {
    std::uint64_t number = 0;  // that the next list has
    std::vector<ListEntry> entries;
  };
  Outcome<ListOrder> list_order(const Uuid& authority);
  // kPreconditionFailed unless `number` follows the last one and no more than `entries` are revoked: order again.
  Outcome<Nothing> put_list(const Uuid& authority, const ListOrder& order, const Bytes& list, UnixMs refresh);

  // --- certificates of profiles
  // kAlreadyExists: the serial or the thumbprint is there.
  Outcome<Nothing> add(const Call& call, const std::string& resource, const Certificate& certificate);
  Outcome<std::vector<Certificate>> of_profile(const Uuid& profile);  // oldest first
  // That has begun by then.
  Outcome<std::optional<Certificate>> newest_of(const Uuid& profile, UnixMs now);
  Outcome<std::optional<Certificate>> find(const Bytes& serial);
  // --- keys: whatever has one, to be erased
  Outcome<std::vector<std::string>> key_refs();
  // Certificates that have a key and will never sign again: expired before `now`, or revoked.
  Outcome<std::vector<Certificate>> with_idle_key(UnixMs now);
  Outcome<Nothing> forget_key(const Bytes& serial);  // a certificate's, or an authority's

  // --- revocation. All of them or none. `hold`: they stay in progress until settle(). Refused for the first that:
  //   kNotFound            names no certificate of the profile by either name
  //   kInvalidArgument     names two different ones, or whose date is outside the certificate's validity, whose
  //                        bounds count as inside; or that the same request revokes twice
  //   kCertificateRevoked  is revoked already, or about to be: the first revocation stays
  // `resource`: the profile, as audit records spell it. Answers the certificates as they are afterwards.
  enum class Hold : bool { kNo = false, kYes = true };
  Outcome<std::vector<Certificate>> revoke(const Call& call, const std::string& resource, const Uuid& profile,
                                           const std::vector<RevocationRequest>& requests, Hold hold);
  // Ends one that is in progress: as succeeded when `failure` is empty. kNotFound, kPreconditionFailed.
  Outcome<Certificate> settle(const Call& call, const std::string& resource, const Bytes& serial,
                              const std::string& failure);

 private:
  RowKeeper& rows_;
};

}  // namespace latchkey::registry::signing
