// SPDX-License-Identifier: Apache-2.0
// The array of certificates in both answers that issue: base64 DER, leaf, issuing CA, root.
#pragma once

#include <array>

#include "agent/protocol/json.h"

namespace latchkey::agent {

struct CertificateList {
  static constexpr std::size_t kMax = 3;
  std::array<JsonString, kMax> base64;  // still escaped: some servers write `+` and `/` as escapes
  std::size_t count = 0;
};

// Reads the array that `reader` has just begun. kMalformed when something in it is no string, kTooLarge for more
// than three.
Result<CertificateList> read_certificate_list(JsonReader& reader);

}  // namespace latchkey::agent
