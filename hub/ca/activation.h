// SPDX-License-Identifier: Apache-2.0
// Activation: is this the certificate that our CSR asked for, and may it be an issuing CA here? For policies with a
// root of their own ("bring your own root"), whose issuing CA the customer's CA signs.
//
// The rules have numbers, which every refusal begins with ("rule 6: ..."). On the first certificate unless they say
// otherwise:
//   1  its key is the CSR's
//   2  its subject is the CSR's; case and the amount of white space do not count (kCertificateSubjectMismatch)
//   3  an EC key on P-256, P-384 or P-521, given by the curve's name and not by parameters
//   4  signed by ecdsa-with-SHA256, -SHA384 or -SHA512
//   5  X.509 v3 with a positive serial; basicConstraints are critical and say CA; no unknown critical extension
//   6  keyUsage has digitalSignature, keyCertSign and cRLSign
//   7  no extendedKeyUsage, or one that has clientAuth
//   8  it has a subjectKeyIdentifier
//   9  valid now, and for 365 days more
//  10  path lengths of the certificates above leave room for it: at least 1 in a root that signed it itself
//  11  each certificate is signed by the next, in order; those above are CAs that may sign certificates, are valid now
//  and
//      were not signed by way of SHA-1 or MD5; a self-signed one is the last. It need not be known to anybody.
//
// Threads: pure.
#pragma once

#include <string_view>

#include "registry/operations/registry.h"

namespace latchkey::hub::ca {

inline constexpr std::size_t kActivationChainMax = 10;  // certificates

// `chain`: PEM, the certificate for `csr` (DER) first, then those above it; the root may be left out, and so may all of
// them: then nobody has checked the first one's signature. Fills in all but the id; `root` only when the second
// certificate is a self-signed one. kCertificateRejected, kCertificateSubjectMismatch; nothing of the chain but names
// and numbers is told.
registry::Outcome<registry::SignedCa> check_activation(ByteView csr, std::string_view chain, UnixMs now);

}  // namespace latchkey::hub::ca
