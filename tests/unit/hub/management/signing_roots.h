// SPDX-License-Identifier: Apache-2.0
// The roots of a signing service in a registry, as the service puts them there, with an issuing CA among them.
#pragma once

#include <gtest/gtest.h>

#include "hub/signing/certificates/key.h"
#include "hub/signing/certificates/maker.h"
#include "registry/signing/certificates.h"

namespace latchkey::hub::management::test {

inline registry::signing::Authority signing_authority(signing::TrustKind kind, std::uint8_t number) {
  constexpr UnixMs kDay = 24LL * 60 * 60 * 1000;
  constexpr signing::Window kWindow{1'767'225'600'000, 1'767'225'600'000 + 1000 * kDay};
  const auto key = signing::make_key(signing::KeyKind::kEcP256);
  registry::signing::Authority made;
  made.id.bytes[15] = number;
  made.trust = static_cast<int>(kind);
  made.issuer = made.id;
  made.serial = {number};
  made.not_before = kWindow.not_before;
  made.not_after = kWindow.not_after;
  const auto certificate = signing::make_root(kind, key.get(), made.serial, kWindow);
  EXPECT_TRUE(certificate);
  if (certificate) made.der = signing::certificate_der(certificate->get());
  return made;
}

// In no order that anybody could lean on.
inline void plant_signing_roots(registry::RowKeeper& rows) {
  using signing::TrustKind;
  std::vector<registry::signing::Authority> all;
  for (const auto kind : {TrustKind::kTimestamp, TrustKind::kPrivate, TrustKind::kPublic, TrustKind::kPublicTest}) {
    all.push_back(signing_authority(kind, static_cast<std::uint8_t>(all.size() + 1)));
  }
  all.push_back(signing_authority(TrustKind::kPublic, 9));
  all.back().role = registry::signing::AuthorityRole::kIssuing;
  const auto added = registry::signing::CertificateRows(rows).add_authorities({"test", 1}, all);
  EXPECT_TRUE(added);
}

}  // namespace latchkey::hub::management::test
