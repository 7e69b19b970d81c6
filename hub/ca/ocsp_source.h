// SPDX-License-Identifier: Apache-2.0
// OcspSource: where a responder's answers come from: which CAs may be asked about, and what became of a serial. The
// registry's is registry_ocsp_source(); the signing service has one of its own (hub/app/signing/signing_ocsp.h).
//
// Threads: all functions may be called from any thread.
#pragma once

#include <memory>
#include <vector>

#include "registry/operations/registry.h"

namespace latchkey::hub::ca {

class OcspSource {
 public:
  virtual ~OcspSource() = default;
  // All CAs, in any order; an id is never another one's. Of what a CaCertificate has: id, DER, subject ("CN=..."),
  // validity, key_ref.
  virtual registry::Outcome<std::vector<registry::CaCertificate>> cas() = 0;
  // In the order of `serials`; an empty serial is of no certificate. kNotFound: there is no such CA any more.
  virtual registry::Outcome<registry::StandingReport> standing(const Uuid& ca,
                                                               const std::vector<registry::Bytes>& serials) = 0;
};

// The registry outlives it.
std::unique_ptr<OcspSource> registry_ocsp_source(registry::Registry& registry);

}  // namespace latchkey::hub::ca
