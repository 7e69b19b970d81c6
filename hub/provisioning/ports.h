// SPDX-License-Identifier: Apache-2.0
// What provisioning needs from the other rooms of the hub; hub/app implements these over hub/ca and hub/link.
//
// Threads: every function may be called from several threads at once and may block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/operations/registry.h"

namespace latchkey::hub::provisioning {

// A signed certificate with its chain, recorded as issued.
struct IssuedChain {
  std::vector<registry::Bytes> certificates;  // DER: leaf, issuing CA, root
  registry::Sequence sequence = 0;
};

// A CSR that was found good, as the issuer keeps it until it signs.
class CheckedCsr {
 public:
  virtual ~CheckedCsr() = default;
};
using CheckedCsrPtr = std::shared_ptr<const CheckedCsr>;

// What is to be remembered of a certificate, made of its chain (DER: leaf, issuing CA, root) before anybody may see it.
using Keep = std::function<std::optional<registry::Operation>(const std::vector<registry::Bytes>& certificates)>;

class CertificateIssuer {
 public:
  virtual ~CertificateIssuer() = default;
  // Fresh and random; the registry stores it before anything is signed.
  virtual registry::Bytes new_serial() = 0;
  // kCsrUnreadable (not base64 DER of one PKCS#10, PEM, too long), kCsrRejected (CN, key or signature not acceptable).
  virtual registry::Outcome<CheckedCsrPtr> check_csr(std::string_view base64, std::string_view common_name) = 0;
  // `csr` is of this issuer's making. What `keep` answers is stored in the transaction that records the certificate.
  virtual registry::Outcome<IssuedChain> issue(const registry::Call& call, const registry::IssuanceGrant& grant,
                                               const CheckedCsr& csr, const Keep& keep) = 0;
};

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

class Enforcement {
 public:
  virtual ~Enforcement() = default;
  // Returns once every live hub gate has applied `sequence`; at once when they have. kEnforcementTimeout when one did
  // not confirm in time: the caller may ask again.
  virtual registry::Outcome<registry::Nothing> wait_applied(registry::Sequence sequence) = 0;
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
