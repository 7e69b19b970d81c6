// SPDX-License-Identifier: Apache-2.0
// What a bundle's signature showed, in a form that is kept beside the image: enough to judge it again, years later and
// offline, when something about its certificates becomes known. And that judgement: the truth table of docs/signing.md.
#pragma once

#include <optional>

#include "agent/update/reason.h"
#include "agent/update/statement.h"

namespace latchkey::agent {

// Which certificates, leaf first, the root left out.
struct PathIds {
  std::array<crypto::CertificateId, crypto::kMaxChain> certificates{};
  std::size_t size = 0;
};

struct Evidence {
  // The signing certificate's validity, bounds included.
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  // While all CAs above it are valid.
  UnixMs authorities_begin = 0;
  UnixMs authorities_end = 0;
  PathIds path;
  bool lifetime_signing = false;
  // A timestamp whose signature, imprint and chain are right; whether it counts depends on what is revoked.
  bool stamped = false;
  UnixMs stamped_at = 0;      // parts of a millisecond count as a whole one
  UnixMs stamped_latest = 0;  // with its accuracy: by then it was signed
  PathIds stamp_path;
};

enum class UnknownRevocation : std::uint8_t { kRefuse, kAccept };

// `revocations`: what is known; null when nothing is. `now`: nothing while the clock has not been set.
// One of kGood, kUntrusted (an authority was not valid then), kRevocationUnknown, kOutsideValidity, kRevoked,
// kLifetimeOver, kClockNotSet.
Reason judge(const Evidence& evidence, const Revocations* revocations, UnknownRevocation unknown,
             std::optional<UnixMs> now);

}  // namespace latchkey::agent
