// SPDX-License-Identifier: Apache-2.0
// The roots of the signing service, which verifiers and devices are given to believe. They are read from the registry,
// so whoever runs the service shows the same ones, and a hub that does not run it now still shows those that it made.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/management/internal/shapes.h"
#include "hub/management/internal/signing_handlers.h"
#include "hub/management/internal/signing_shapes.h"
#include "hub/management/internal/text.h"
#include "hub/signing/certificates/profile.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::signing::Authority;
using registry::signing::AuthorityRole;
using registry::signing::CertificateRows;
using signing::TrustKind;

namespace {

// "PublicTrust": as profile types are spelt.
std::string name_of(const Authority& root) {
  std::string name(signing::name_of(static_cast<TrustKind>(root.trust)));
  std::erase(name, ' ');
  return name;
}

json root_json(const Authority& root) {
  const auto facts = facts_of(root.der);
  const bool stamps = static_cast<TrustKind>(root.trust) == TrustKind::kTimestamp;
  return {{"name", name_of(root)},
          {"certifies", stamps ? "timestamps" : "signatures"},
          {"subject", facts.subject},
          {"validityNotBefore", iso8601(facts.not_before)},
          {"validityNotAfter", iso8601(facts.not_after)},
          {"sha256Thumbprint", sha256_thumbprint(root.der)},
          {"certificate", pem_from_der(root.der)}};
}

Answer<std::vector<Authority>> roots_of(const Context& context) {
  LATCHKEY_TRY(roots, CertificateRows(rows_of(context)).authorities());
  std::erase_if(roots, [](const Authority& one) { return one.role != AuthorityRole::kRoot; });
  std::ranges::sort(roots, {}, &Authority::trust);
  return roots;
}

}  // namespace

Answer<Response> list_signing_roots(const Context& context) {
  LATCHKEY_TRY(roots, roots_of(context));
  json value = json::array();
  for (const auto& one : roots) value.push_back(root_json(one));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_signing_root(const Context& context) {
  LATCHKEY_TRY(roots, roots_of(context));
  const auto& name = context.names[0];
  const auto found = std::ranges::find(roots, name, name_of);
  if (found != roots.end()) return answer(200, root_json(*found));
  return fault(Reason::kNotFound, roots.empty() ? "there are no roots yet: the first start with --signing-listen makes "
                                                  "them"
                                                : "there is no root '" + name.substr(0, 64) + "'");
}

}  // namespace latchkey::hub::management
