// SPDX-License-Identifier: Apache-2.0
// What became of the signing service's certificates, for whoever asks by authority and serial number (OCSP); and which
// keys a copy of the registry's file names. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "registry/operations/rows.h"

namespace latchkey::registry::signing {

struct CertificateStanding {
  bool issued = false;
  bool revoked = false;     // a revocation that is in progress is none yet
  UnixMs effective_at = 0;  // with `revoked`
  int reason = 0;           // CRLReason (RFC 5280 section 5.3.1)
};
// What that authority certified, as of one moment and in the order of `serials`: certificates of profiles, and
// authorities, which cannot be revoked. kStorage.
Outcome<std::vector<CertificateStanding>> standing_of(RowKeeper& rows, const Uuid& authority,
                                                      const std::vector<Bytes>& serials);

// Keys that certificates and authorities have in a copy of a registry's file. kStorage.
Outcome<std::vector<std::string>> key_refs_in(const std::string& path);

}  // namespace latchkey::registry::signing
