// SPDX-License-Identifier: Apache-2.0
// The timestamp of a bundle: a token (RFC 3161), which is CMS (RFC 5652) of one fixed shape. Reading allocates nothing
// but what mbedTLS does for certificates.
#pragma once

#include "agent/update/evidence.h"

namespace latchkey::agent {

struct Stamp {
  UnixMs at = 0;
  UnixMs latest = 0;  // `at` and the token's accuracy, rounded up
  PathIds path;       // of the authority's certificate
};

// A token that is over `stamped`, signed by a certificate for timestamping alone that leads to one of the roots and was
// valid, with the CAs above it, at that time. Whether the authority is revoked is not looked at.
//   kMalformed    not such a token
//   kUnsupported  another hash than SHA-256, -384 or -512, RSA-PSS, or extensions
//   kMismatch     over something else
//   kNotTrusted   signature, usage, chain, or validity at that time
Result<Stamp> read_stamp(ByteView token, ByteView stamped, const ByteView* roots, std::size_t root_count);

}  // namespace latchkey::agent
