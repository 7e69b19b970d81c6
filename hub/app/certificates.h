// SPDX-License-Identifier: Apache-2.0
// hub/ca as the other rooms ask for it: an issuer and a verifier for provisioning and session, a CA maker for
// management.
#pragma once

#include "hub/ca/certificate_view.h"
#include "hub/ca/crl_publisher.h"
#include "hub/ca/issuance.h"
#include "hub/ca/signing_request.h"
#include "hub/management/management.h"
#include "hub/provisioning/ports.h"
#include "hub/session/ports.h"

namespace latchkey::hub::app {

// Port: provisioning::CertificateIssuer or session::CertificateIssuer; Chain: that room's IssuedChain; Checked: its
// CheckedCsr.
template <class Port, class Chain, class Checked>
class Issuer final : public Port {
 public:
  Issuer(ca::Authority& authority, ca::Issuance& issuance) : authority_(authority), issuance_(issuance) {}

  registry::Bytes new_serial() override { return ca::Authority::new_serial(); }

  registry::Outcome<std::shared_ptr<const Checked>> check_csr(std::string_view base64,
                                                              std::string_view common_name) override {
    LATCHKEY_TRY(csr, authority_.read_csr(base64, common_name));
    return std::make_shared<const Held>(std::move(csr));
  }

  // The CSR's name is the registration id, which need not be the device id.
  registry::Outcome<Chain> issue(
      const registry::Call& call, const registry::IssuanceGrant& grant, const Checked& csr,
      const std::function<std::optional<registry::Operation>(const std::vector<registry::Bytes>&)>& keep) override {
    Chain chain;
    const auto keep_chain = [&](const ca::CertificateChain& made) {
      chain.certificates = {made.leaf, made.issuing};
      if (!made.root.empty()) chain.certificates.push_back(made.root);
      return keep ? keep(chain.certificates) : std::nullopt;
    };
    LATCHKEY_TRY(issued, issuance_.issue(call, grant, static_cast<const Held&>(csr).csr, keep_chain));
    chain.sequence = issued.sequence;
    return chain;
  }

 private:
  struct Held final : Checked {
    explicit Held(ca::Csr checked) : csr(std::move(checked)) {}
    const ca::Csr csr;
  };

  ca::Authority& authority_;
  ca::Issuance& issuance_;
};
using ProvisioningIssuer = Issuer<provisioning::CertificateIssuer, provisioning::IssuedChain, provisioning::CheckedCsr>;
using SessionIssuer = Issuer<session::CertificateIssuer, session::IssuedChain, session::CheckedCsr>;

class Verifier final : public provisioning::CertificateVerifier {
 public:
  registry::Outcome<provisioning::VerifiedLeaf> verify(const std::vector<registry::Bytes>& chain,
                                                       const std::vector<registry::Bytes>& anchors,
                                                       UnixMs now) override;
};

class CaMaker final : public management::CaMaker {
 public:
  CaMaker(registry::Registry& registry, ca::Authority& authority, ca::KeyProvider& keys, ca::CrlPublisher& publisher)
      : registry_(registry), authority_(authority), keys_(keys), publisher_(publisher) {}
  registry::Outcome<registry::NewCa> make_root(registry::KeyProfile profile, UnixMs now) override {
    return authority_.make_root(profile, now);
  }
  registry::Outcome<registry::NewCa> make_issuing(const std::string& ns, registry::KeyProfile profile,
                                                  UnixMs now) override;
  registry::Outcome<registry::NewCsr> make_request(registry::KeyProfile profile) override {
    return ca::make_signing_request(keys_, profile);
  }
  registry::Outcome<registry::SignedCa> check_signed(const registry::CaCertificate& pending, const std::string& chain,
                                                     UnixMs now) override;
  void destroy_key(const std::string& key_ref) override;
  void crl_due() override { publisher_.wake(); }
  void end_deleted_cas() override { (void)publisher_.publish(); }  // the publisher tries again by itself
  std::string crl_file(const Uuid& ca) override;

 private:
  registry::Registry& registry_;
  ca::Authority& authority_;
  ca::KeyProvider& keys_;
  ca::CrlPublisher& publisher_;
};

}  // namespace latchkey::hub::app
