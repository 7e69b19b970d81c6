// SPDX-License-Identifier: Apache-2.0
// What hangs below a trusted issuing CA and is no device's certificate, over real connections. Whose key signs the
// issuing CA's certificates could make such things: the owner of a root of one's own, or who has got hold of a key.
#include <gtest/gtest.h>

#include "tests/integration/gate_broker.h"
#include "tests/integration/gate_hub_side.h"
#include "tests/integration/gate_pki.h"
#include "tests/integration/gate_probe.h"

namespace latchkey::tests {
namespace {

using hub::wire::AnchorAdded;
using hub::wire::Check;
using hub::wire::CheckOutcome;
using hub::wire::DeviceRecord;
using registry::Reason;

template <class Id>
Id id_of(std::uint8_t fill) {
  Id id;
  id.bytes.fill(fill);
  return id;
}

// "dev-1" is known, and every certificate here carries its current identifier.
class GateChain : public ::testing::TestWithParam<int> {
 protected:
  GateChain() : root(make_ca("root")), issuing(make_ca("issuing", &root, 0)) {}

  void SetUp() override {
    const auto ack = hub.snapshot({AnchorAdded{id_of<Uuid>(0xa1), issuing.der()},
                                   DeviceRecord{"dev-1", kIdentifier.device, kIdentifier.credential, true, 1}});
    ASSERT_FALSE(ack.need_snapshot);
  }
  static LeafWish wish() { return device_leaf("dev-1", kIdentifier); }

  int connect(const Identity& identity, const Identity* above = nullptr) {
    Probe probe(broker.port(), &identity, GetParam(), above);
    ConnectWish wish;
    wish.client_id = "dev-1";
    wish.username = "hub.example/dev-1/?api-version=2025-08-01-preview&DeviceClientType=test";
    return probe.connect(wish);
  }
  void expect_malformed(const Identity& identity, const Identity* above = nullptr) {
    EXPECT_EQ(connect(identity, above), 5);
    const auto decision = hub.next_decision();
    EXPECT_EQ(decision.reason, Reason::kCertificateMalformed) << registry::to_string(decision.reason);
    EXPECT_EQ(decision.checks[static_cast<std::size_t>(Check::kChain)], CheckOutcome::kFailed);
    EXPECT_EQ(decision.checks[static_cast<std::size_t>(Check::kIssuer)], CheckOutcome::kPassed);
    EXPECT_EQ(hub.waiting_opened(), 0u);
  }

  static inline const DeviceIdentifier kIdentifier{id_of<Uuid>(1), id_of<CredentialId>(10)};
  Identity root;
  Identity issuing;
  Broker broker{"hub"};
  HubSide hub{broker.socket()};
};

TEST_P(GateChain, device_below_a_ca_with_path_length_0_is_accepted) {
  EXPECT_EQ(connect(make_leaf(wish(), issuing)), 0);
  EXPECT_EQ(connect(make_leaf(wish(), issuing), &issuing), 0);
}

TEST_P(GateChain, ca_certificate_with_a_current_identifier_is_refused) {
  LeafWish authority = wish();
  authority.authority = true;
  expect_malformed(make_leaf(authority, issuing));
  authority.signs_certificates = true;
  expect_malformed(make_leaf(authority, issuing));
}

TEST_P(GateChain, certificate_that_may_sign_certificates_is_refused) {
  LeafWish signer = wish();
  signer.signs_certificates = true;
  expect_malformed(make_leaf(signer, issuing));
}

TEST_P(GateChain, certificate_below_a_ca_that_the_issuing_ca_signed_is_refused) {
  const Identity below = make_ca("below", &issuing);
  expect_malformed(make_leaf(wish(), below), &below);
}

// A CA with its issuer's name does not count against the path length (RFC 5280 section 6.1.4 l).
TEST_P(GateChain, certificate_below_a_ca_with_the_issuing_cas_own_name_is_refused) {
  const Identity namesake = make_ca("issuing", &issuing);
  expect_malformed(make_leaf(wish(), namesake), &namesake);
}

INSTANTIATE_TEST_SUITE_P(Tls, GateChain, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "tls12" : "tls13"; });

}  // namespace
}  // namespace latchkey::tests
