// SPDX-License-Identifier: Apache-2.0
// A claim: what a connection showed to prove a registration id, in a form that can be held against one enrollment after
// the other.
//
// Threads: a claim belongs to one; what it was made from outlives it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/provisioning/internal/groups.h"
#include "hub/provisioning/internal/token.h"
#include "hub/provisioning/ports.h"

namespace latchkey::hub::provisioning {

class Claim {
 public:
  virtual ~Claim() = default;
  // Is it made with what this enrollment holds?
  virtual bool proves(const registry::Enrollment& enrollment) = 0;
  // Every group of the list that it could prove itself to.
  virtual GroupList::Candidates candidates(const GroupList& groups) const = 0;
  // For a claim that proved an enrollment: everything else that must be right about it.
  virtual registry::Outcome<void> check() = 0;
  // Why nothing was proved.
  virtual registry::Refusal refusal() const = 0;
};

// A SAS token, signed with a symmetric key or, for a group, with a key derived from one.
class TokenClaim final : public Claim {
 public:
  TokenClaim(ShownToken token, std::string_view id_scope, std::string_view registration_id, UnixMs now)
      : token_(std::move(token)), id_scope_(id_scope), registration_id_(registration_id), now_(now) {}

  bool proves(const registry::Enrollment& enrollment) override;
  GroupList::Candidates candidates(const GroupList& groups) const override { return groups.with_symmetric_keys(); }
  registry::Outcome<void> check() override { return token_.check(id_scope_, registration_id_, now_); }
  registry::Refusal refusal() const override;

 private:
  bool signed_by(const registry::Enrollment& enrollment, const registry::Bytes& key) const;

  const ShownToken token_;
  const std::string_view id_scope_;
  const std::string_view registration_id_;
  const UnixMs now_;
};

// A certificate chain that TLS saw the key for.
class CertificateClaim final : public Claim {
 public:
  CertificateClaim(CertificateVerifier& verifier, const std::vector<registry::Bytes>& chain,
                   std::string_view registration_id, UnixMs now)
      : verifier_(verifier), chain_(chain), registration_id_(registration_id), now_(now) {}

  bool proves(const registry::Enrollment& enrollment) override;
  GroupList::Candidates candidates(const GroupList& groups) const override { return groups.that_may_vouch_for(chain_); }
  registry::Outcome<void> check() override;
  registry::Refusal refusal() const override { return refusal_; }

 private:
  std::vector<registry::Bytes> anchors_of(const registry::Enrollment& enrollment) const;

  CertificateVerifier& verifier_;
  const std::vector<registry::Bytes>& chain_;
  const std::string_view registration_id_;
  const UnixMs now_;
  std::string common_name_;
  registry::Refusal refusal_{registry::Reason::kCertificateNotEnrolled,
                             "the certificate does not prove this registration id"};
};

}  // namespace latchkey::hub::provisioning
