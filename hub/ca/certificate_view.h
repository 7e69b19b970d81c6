// SPDX-License-Identifier: Apache-2.0
// What the hub reads off a certificate that somebody shows, and whether it chains to an anchor (RFC 5280 section 6).
// For X.509 attestation of enrollments and for the CLI. Revocation is not looked at: the registry knows.
//
// Threads: pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/ids.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::ca {

struct CertificateView {
  std::string common_name;  // of the subject, UTF-8; empty when there is none or more than one
  registry::Bytes serial;   // big-endian, no leading zero octet
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  registry::Bytes subject_key_id;              // empty when absent
  registry::Bytes authority_key_id;            // empty when absent
  bool authority = false;                      // basicConstraints say CA
  std::optional<DeviceIdentifier> identifier;  // empty when absent, repeated or malformed
  std::array<std::uint8_t, 32> thumbprint{};   // SHA-256 of the DER
};

// kCertificateMalformed unless `der` is exactly one certificate.
registry::Outcome<CertificateView> view_certificate(ByteView der);

// Does `leaf` chain to one of `anchors` at `now`, as a TLS client's certificate? An anchor need not be self-signed, and
// may be the leaf itself; intermediates only help to build the path. Refusals: kExpired, kNotYetValid,
// kIssuerNotTrusted (no path to an anchor), kCertificateMalformed (unreadable, bad signature, constraints, unknown
// critical extension, more than 10 intermediates). Malformed anchors are skipped.
registry::Outcome<void> verify_chain(ByteView leaf, const std::vector<registry::Bytes>& intermediates,
                                     const std::vector<registry::Bytes>& anchors, UnixMs now);

}  // namespace latchkey::hub::ca
