// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/ocsp_source.h"

namespace latchkey::hub::ca {
namespace {

using registry::Outcome;

class RegistrySource final : public OcspSource {
 public:
  explicit RegistrySource(registry::Registry& registry) : registry_(registry) {}
  Outcome<std::vector<registry::CaCertificate>> cas() override { return registry_.list_cas(); }
  Outcome<registry::StandingReport> standing(const Uuid& ca, const std::vector<registry::Bytes>& serials) override {
    return registry_.standing(ca, serials);
  }

 private:
  registry::Registry& registry_;
};

}  // namespace

std::unique_ptr<OcspSource> registry_ocsp_source(registry::Registry& registry) {
  return std::make_unique<RegistrySource>(registry);
}

}  // namespace latchkey::hub::ca
