// SPDX-License-Identifier: Apache-2.0
// The signature algorithms of bundles by their numbers (IANA "COSE Algorithms").
#pragma once

#include "platform/crypto/signature.h"

namespace latchkey::agent {

// kUnsupported for any other than the ten of docs/firmware-bundle.md.
Result<crypto::SignatureKind> signature_kind(std::int64_t cose_id);

}  // namespace latchkey::agent
