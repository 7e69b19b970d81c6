// SPDX-License-Identifier: Apache-2.0
// Revocation lists (RFC 5280 section 5) whose entries say from when on: revocationDate is the effective date that the
// operator chose, which may lie before the day of the revocation itself. invalidityDate is not used.
#pragma once

#include <optional>
#include <vector>

#include "hub/signing/certificates/maker.h"

namespace latchkey::hub::signing {

// CRLReason (RFC 5280 section 5.3.1).
enum class RevocationReason : std::uint8_t {
  kUnspecified = 0,
  kKeyCompromise = 1,
  kCaCompromise = 2,
  kAffiliationChanged = 3,
  kSuperseded = 4,
  kCessationOfOperation = 5,
  kPrivilegeWithdrawn = 9,
};
// "KeyCompromised", "AffiliationChanged", ...: as the service's API spells the six that a caller may give.
std::optional<RevocationReason> revocation_reason_by_name(std::string_view name);
std::string_view name_of(RevocationReason reason);

struct Revocation {
  UnixMs effective_at = 0;                 // whole seconds
  std::optional<RevocationReason> reason;  // nothing: the entry has no reasonCode
};
struct RevokedCertificate {
  Bytes serial;
  Revocation revocation;
};

struct ListFrame {
  std::uint64_t number = 1;
  UnixMs this_update = 0;
  UnixMs next_update = 0;
};
// DER. An entry with a reason carries reasonCode, `unspecified` too: RFC 5280 would rather have that one left out
// (Revocation without a reason), RFC 3161 tells the two apart. kInvalidArgument for an effective date that is no whole
// second; kInternal.
Outcome<Bytes> make_revocation_list(Issuer issuer, const ListFrame& frame,
                                    const std::vector<RevokedCertificate>& entries);

// Lists that a verifier was given. Threads: one at a time may add, any may ask then.
class RevocationLists {
 public:
  // Kept as it is; whose it is and whether it is signed is looked at when it is used. kMalformed; kUnsupported for a
  // critical extension (shards and indirect lists); kTooLarge beyond kListMax bytes.
  Outcome<void> add(ByteView der);

  enum class Standing { kUnknown, kGood, kRevoked };
  struct Answer {
    Standing standing = Standing::kUnknown;
    Revocation revocation;  // when revoked
    std::string why;        // when unknown
  };
  // By the newest list that `issuer` signed and that is in force at `now`: begun, and not past its nextUpdate.
  Answer ask(X509* certificate, X509* issuer, UnixMs now) const;

  static constexpr std::size_t kListMax = std::size_t{64} * 1024 * 1024;

 private:
  std::vector<openssl::X509CrlPtr> lists_;
};

// The certificates from `leaf` to a root: each certified by the next, all within their validity at `at` and fit to
// certify. No policy beyond; revocation is not looked at. kNotTrusted, with OpenSSL's reason. `others` may hold
// anything; it owns nothing that the answer needs afterwards.
Outcome<openssl::X509StackPtr> build_path(X509* leaf, const std::vector<X509*>& others, const std::vector<X509*>& roots,
                                          UnixMs at);

}  // namespace latchkey::hub::signing
