// SPDX-License-Identifier: Apache-2.0
// What a hub tells its devices about firmware (docs/firmware-update.md): whose they may run (pins), and which signing
// certificates are revoked from when on. Signed by the hub's statement key; agent/update reads them on the device.
//
// Versions are the caller's: of each kind they only rise, and a device refuses one that does not. Threads: any.
#pragma once

#include <vector>

#include "agent/update/statement.h"
#include "hub/signing/certificates/revocation_list.h"

namespace latchkey::hub::signing {

// What one CA has revoked; without entries: nothing, which is something else than silence about it.
struct AuthorityRevocations {
  X509* authority = nullptr;  // lives as long as the call
  std::vector<RevokedCertificate> entries;
};

// COSE_Sign1 by `key`, which is EC P-256 (kInvalidArgument for another).
// `durable_ekus`: dotted, one to agent::Pins::kMax, each once; in any order. kInvalidArgument.
Outcome<Bytes> make_pin_statement(EVP_PKEY* key, std::uint64_t version, const std::vector<std::string>& durable_ekus);
// Up to agent::Revocations::kAuthoritiesMax authorities, each once, each serial once below one; effective dates in
// whole seconds from 1970 on. kInvalidArgument; kTooLarge over agent::Statement::kSizeMax.
Outcome<Bytes> make_revocation_statement(EVP_PKEY* key, std::uint64_t version,
                                         const std::vector<AuthorityRevocations>& authorities);

// SubjectPublicKeyInfo, DER: what a device is given when it is onboarded.
Bytes statement_public_key(EVP_PKEY* key);

}  // namespace latchkey::hub::signing
