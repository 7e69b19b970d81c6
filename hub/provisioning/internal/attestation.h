// SPDX-License-Identifier: Apache-2.0
// Attestation: which enrollment, if any, does a connection prove itself to? It shows a registration id and either a SAS
// token or a certificate chain.
//
// An individual enrollment speaks alone for its id: while there is one, groups do not count. Only a disabled one lets a
// group's proof through, to be refused as disabled: that is how one member of a group is locked out.
//
// What it costs: one row, and for whoever proved no individual enrollment what groups.h says. A refusal always tries
// the groups, also where they do not count: the time that it takes must not tell which ids are enrolled.
//
// Threads: any, several at once; blocks on the registry.
#pragma once

#include <string>
#include <string_view>

#include "hub/provisioning/internal/claim.h"
#include "hub/provisioning/internal/groups.h"
#include "hub/provisioning/ports.h"
#include "hub/wire/envelope.h"

namespace latchkey::hub::provisioning {

// There is no such thing, as opposed to a registry that could not say.
bool is_absent(const registry::Refusal& refusal);

class Attestation {
 public:
  // Reads groups from the registry, and goes by its edition.
  Attestation(registry::Registry& registry, CertificateVerifier& verifier, std::string id_scope);
  Attestation(registry::Registry& registry, Groups::Read read_groups, CertificateVerifier& verifier,
              std::string id_scope, Groups::Edition edition = {})
      : registry_(registry),
        groups_(std::move(read_groups), std::move(edition)),
        verifier_(verifier),
        id_scope_(std::move(id_scope)) {}

  // The enrollment, which may be disabled. A connection of before a restart of the hub process, whose token is no
  // longer kept, is taken at the gate's word that it was verified: only its enrollment is looked up again;
  // kRegistryNotReady (it has to connect again) when there is no telling which that was.
  // `group`: the group that this connection proved itself to before, tried first; may be empty. Refusals:
  // kNoCredential, kTokenInvalid, kTokenExpired, kCertificateNotEnrolled, kClientIdMismatch, the verifier's, and the
  // registry's own faults.
  registry::Outcome<registry::Enrollment> attest(const wire::Opened& shown, const std::string& group, UnixMs now);
  // Until when a good answer of attest() stays good while Registry::edition() does: for a token until it expires. A
  // chain is verified anew at every request, since its certificates have ends of their own: 0.
  static UnixMs good_until(const wire::Opened& shown);

 private:
  registry::Outcome<registry::Enrollment> recall(const std::string& registration_id);
  registry::Outcome<void> check_names(const wire::Opened& shown) const;
  registry::Outcome<registry::Enrollment> find_proven(Claim& claim, const std::string& registration_id,
                                                      const std::string& group);
  registry::Outcome<registry::Enrollment> find_group(Claim& claim, const std::string& group);

  registry::Registry& registry_;
  Groups groups_;
  CertificateVerifier& verifier_;
  const std::string id_scope_;
};

}  // namespace latchkey::hub::provisioning
