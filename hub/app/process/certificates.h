// SPDX-License-Identifier: Apache-2.0
// hub/ca as the other rooms ask for it: an issuer and a verifier for provisioning and session, a CA maker for
// management.
#pragma once

#include "hub/ca/certificate_view.h"
#include "hub/ca/crl_publisher.h"
#include "hub/ca/issuance.h"
#include "hub/ca/signing_request.h"
#include "hub/management/management.h"
#include "hub/ports/certificate_issuer.h"
#include "hub/provisioning/ports.h"

namespace latchkey::hub::app {

class Issuer final : public CertificateIssuer {
 public:
  Issuer(ca::Authority& authority, ca::Issuance& issuance) : authority_(authority), issuance_(issuance) {}
  registry::Bytes new_serial() override { return ca::Authority::new_serial(); }
  registry::Outcome<CheckedCsrPtr> check_csr(std::string_view base64, std::string_view common_name) override;
  registry::Outcome<IssuedChain> issue(const registry::Call& call, const registry::IssuanceGrant& grant,
                                       const CheckedCsr& csr, const Keep& keep) override;

 private:
  ca::Authority& authority_;
  ca::Issuance& issuance_;
};

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
