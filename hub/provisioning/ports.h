// SPDX-License-Identifier: Apache-2.0
// What provisioning needs from the other rooms of the hub, beside hub/ports; hub/app implements it over
// hub/ca and hub/rehearsal.
//
// Threads: every function may be called from several threads at once and may block.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hub/ports/certificate_issuer.h"
#include "hub/ports/enforcement.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::provisioning {

struct VerifiedLeaf {
  std::string common_name;
};

class CertificateVerifier {
 public:
  virtual ~CertificateVerifier() = default;
  // Does chain[0] chain to one of `anchors` (DER; partial chain: an anchor need not be self-signed, and may be the leaf
  // itself) at `now`? The rest of `chain` is what the device sent along. Refusals: kExpired, kNotYetValid,
  // kIssuerNotTrusted, kCertificateMalformed.
  virtual registry::Outcome<VerifiedLeaf> verify(const std::vector<registry::Bytes>& chain,
                                                 const std::vector<registry::Bytes>& anchors, UnixMs now) = 0;
};

// What a rehearsal lets go wrong at this endpoint. Without one (Options::faults) nobody is asked.
class Faults {
 public:
  virtual ~Faults() = default;
  struct Fate {
    std::optional<std::uint32_t> throttled_s = {};  // answered 429 at once, with this retry-after
    std::optional<registry::Refusal> failed = {};   // ends as "failed", for that reason
    bool without_certificate = false;               // ends as "assigned", without a chain
    std::function<bool()> held = {};                // asked at each poll: true keeps the result back
  };
  // What becomes of this registration; asked once for each request.
  virtual Fate registration(const std::string& registration_id, const registry::Enrollment& enrollment) = 0;
  // The retry-after of a poll that is answered 429.
  virtual std::optional<std::uint32_t> poll(const std::string& registration_id,
                                            const registry::Enrollment& enrollment) = 0;
};

}  // namespace latchkey::hub::provisioning
