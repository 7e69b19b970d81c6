// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/certificates.h"

#include <filesystem>
#include <utility>

#include "hub/ca/activation.h"

namespace latchkey::hub::app {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

struct Held final : CheckedCsr {
  explicit Held(ca::Csr checked) : csr(std::move(checked)) {}
  const ca::Csr csr;
};

}  // namespace

Outcome<CheckedCsrPtr> Issuer::check_csr(std::string_view base64, std::string_view common_name) {
  LATCHKEY_TRY(csr, authority_.read_csr(base64, common_name));
  return std::make_shared<const Held>(std::move(csr));
}

// The CSR's name is the registration id, which need not be the device id.
Outcome<IssuedChain> Issuer::issue(const registry::Call& call, const registry::IssuanceGrant& grant,
                                   const CheckedCsr& csr, const Keep& keep) {
  IssuedChain chain;
  const auto keep_chain = [&](const ca::CertificateChain& made) {
    chain.certificates = {made.leaf, made.issuing};
    if (!made.root.empty()) chain.certificates.push_back(made.root);
    return keep ? keep(chain.certificates) : std::nullopt;
  };
  LATCHKEY_TRY(issued, issuance_.issue(call, grant, static_cast<const Held&>(csr).csr, keep_chain));
  chain.sequence = issued.sequence;
  return chain;
}

Outcome<provisioning::VerifiedLeaf> Verifier::verify(const std::vector<registry::Bytes>& chain,
                                                     const std::vector<registry::Bytes>& anchors, UnixMs now) {
  if (chain.empty()) return refuse(Reason::kNoCredential, "no certificate was presented");
  const std::vector<registry::Bytes> intermediates(chain.begin() + 1, chain.end());
  LATCHKEY_TRY_VOID(ca::verify_chain(chain.front(), intermediates, anchors, now));
  LATCHKEY_TRY(view, ca::view_certificate(chain.front()));
  return provisioning::VerifiedLeaf{std::move(view.common_name)};
}

Outcome<registry::NewCa> CaMaker::make_issuing(const std::string& ns, registry::KeyProfile profile, UnixMs now) {
  auto credential = registry_.find_credential(ns);
  if (!credential) {
    return refuse(Reason::kParentNotFound, "namespace '" + ns + "' has no credential to sign an issuing CA");
  }
  LATCHKEY_TRY(root, registry_.find_ca(credential->ca));
  return authority_.make_issuing(root, profile, now);
}

Outcome<registry::SignedCa> CaMaker::check_signed(const registry::CaCertificate& pending, const std::string& chain,
                                                  UnixMs now) {
  LATCHKEY_TRY(ca, ca::check_activation(pending.csr, chain, now));
  ca.id = pending.id;
  return ca;
}

// A key that cannot be removed now is unnamed and goes at the next start.
void CaMaker::destroy_key(const std::string& key_ref) { (void)keys_.destroy(key_ref); }

std::string CaMaker::crl_file(const Uuid& ca) {
  const auto file = publisher_.file_of(ca);
  std::error_code ignored;
  return std::filesystem::exists(file, ignored) ? file.string() : std::string();
}

}  // namespace latchkey::hub::app
