// SPDX-License-Identifier: Apache-2.0
// What a signature shows, whatever format it came in: what the verdict is made of (verification/verdict.h). Nothing in
// it has been believed yet but that the format was read.
#pragma once

#include <functional>
#include <vector>

#include "hub/signing/base/algorithm.h"
#include "hub/signing/certificates/maker.h"

namespace latchkey::hub::signing {

struct Evidence {
  openssl::X509Ptr signer;
  std::vector<openssl::X509Ptr> others;  // certificates that came along
  Algorithm algorithm = Algorithm::kRs256;
  Bytes digest;                  // what was signed
  Bytes signature;               // ECDSA: as DER
  bool content_matches = false;  // the content is the one that the signed text names
  Bytes stamped;                 // what a timestamp is over
  Bytes token;                   // its DER; empty when there is none
};

// The digest of the content by that hash; asked once.
using ContentDigest = std::function<Bytes(Hash)>;

// Bounds of what is read.
inline constexpr std::size_t kSignatureMax = std::size_t{128} * 1024;
inline constexpr std::size_t kCertificatesMax = 8;

}  // namespace latchkey::hub::signing
