// SPDX-License-Identifier: Apache-2.0
// How serials stand, and for which reason.
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Standings : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    make_factory();
    group = make_enrollment("all", "alpha", true);
    issuing = must(registry->find_policy(kNs, "alpha")).ca;
    root = must(registry->find_credential(kNs)).ca;
  }
  SerialStanding standing(const Uuid& issuer, const Bytes& serial) {
    const auto report = must(registry->standing(issuer, {serial}));
    EXPECT_EQ(report.issuer.id, issuer);
    EXPECT_EQ(report.serials.size(), 1u);
    return report.serials.empty() ? SerialStanding{} : report.serials.front();
  }
  NewCa replacement() {
    auto ca = new_ca("CN=replacement");
    ca.issuer = root;
    return ca;
  }
  // The entry of that serial on the list that this CA owes.
  std::optional<RevokedSerial> listed(const Uuid& ca, const Bytes& serial) {
    for (const auto& order : must(registry->due_crls(call.now))) {
      for (const auto& entry : order.revoked) {
        if (order.ca.id == ca && entry.serial == serial) return entry;
      }
    }
    return std::nullopt;
  }

  Enrollment group;
  Uuid issuing;
  Uuid root;
};

TEST_F(Standings, serial_is_unknown_reserved_unknown_issued_good) {
  EXPECT_EQ(standing(issuing, Bytes{9}).standing, Standing::kUnknown);
  EXPECT_EQ(standing(issuing, Bytes{}).standing, Standing::kUnknown);
  const auto granted = must(enroll("dev-1", group)).value.issuance;
  ASSERT_TRUE(granted);
  EXPECT_EQ(standing(issuing, granted->serial).standing, Standing::kUnknown);
  ASSERT_TRUE(registry->finish_issuance(call, granted->serial));
  EXPECT_EQ(standing(issuing, granted->serial), (SerialStanding{Standing::kGood, 0, RevocationReason::kUnspecified}));
}

TEST_F(Standings, serial_counts_only_below_its_own_ca) {
  ASSERT_TRUE(make_policy("beta"));
  const auto other = must(registry->find_policy(kNs, "beta")).ca;
  const auto leaf = provision("dev-1", group);
  EXPECT_EQ(standing(other, leaf.serial).standing, Standing::kUnknown);
  EXPECT_EQ(standing(root, leaf.serial).standing, Standing::kUnknown);
}

TEST_F(Standings, revoked_device_gives_time_and_the_reason_of_the_call) {
  const auto plain = provision("dev-1", group);
  const auto reasoned = provision("dev-2", group);
  call.now += 1000;
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev-1", false));
  Call with_reason = call;
  with_reason.reason = RevocationReason::kKeyCompromise;
  ASSERT_TRUE(registry->revoke_device(with_reason, kNs, "dev-2", false));
  const SerialStanding unspecified{Standing::kRevoked, call.now, RevocationReason::kUnspecified};
  const SerialStanding compromised{Standing::kRevoked, call.now, RevocationReason::kKeyCompromise};
  EXPECT_EQ(standing(issuing, plain.serial), unspecified);
  EXPECT_EQ(standing(issuing, reasoned.serial), compromised);
  EXPECT_EQ(listed(issuing, plain.serial)->reason, RevocationReason::kUnspecified);
  EXPECT_EQ(listed(issuing, reasoned.serial)->reason, RevocationReason::kKeyCompromise);
}

TEST_F(Standings, later_revocation_does_not_rewrite_an_earlier_one) {
  const auto leaf = provision("dev-1", group);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev-1", false));
  const UnixMs first = call.now;
  call.now += 5000;
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev-1"));
  EXPECT_EQ(standing(issuing, leaf.serial),
            (SerialStanding{Standing::kRevoked, first, RevocationReason::kUnspecified}));
}

TEST_F(Standings, disabled_device_keeps_its_certificates) {
  const auto leaf = provision("dev-1", group);
  ASSERT_TRUE(registry->update_device(call, kNs, "dev-1", {false}));
  EXPECT_EQ(standing(issuing, leaf.serial).standing, Standing::kGood) << "disabling can be undone";
}

TEST_F(Standings, deleted_device_ceased_operation) {
  const auto leaf = provision("dev-1", group);
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev-1"));
  EXPECT_EQ(standing(issuing, leaf.serial),
            (SerialStanding{Standing::kRevoked, call.now, RevocationReason::kCessationOfOperation}));
  EXPECT_EQ(listed(issuing, leaf.serial)->reason, RevocationReason::kCessationOfOperation);
}

TEST_F(Standings, certificate_finished_after_a_revocation_is_revoked) {
  const auto granted = must(enroll("dev-1", group)).value.issuance;
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev-1", false));
  EXPECT_EQ(standing(issuing, granted->serial).standing, Standing::kUnknown);
  ASSERT_TRUE(registry->finish_issuance(call, granted->serial));
  EXPECT_EQ(standing(issuing, granted->serial).standing, Standing::kRevoked);
}

TEST_F(Standings, expired_certificate_of_a_device_that_was_revoked_or_deleted_later_is_revoked) {
  const auto revoked = provision("dev-1", group);
  const auto deleted = provision("dev-2", group);
  call.now += 31 * kDay;
  EXPECT_EQ(standing(issuing, revoked.serial).standing, Standing::kGood);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev-1", false));
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev-2"));
  EXPECT_EQ(standing(issuing, revoked.serial),
            (SerialStanding{Standing::kRevoked, call.now, RevocationReason::kUnspecified}));
  EXPECT_EQ(standing(issuing, deleted.serial),
            (SerialStanding{Standing::kRevoked, deleted.not_after, RevocationReason::kCessationOfOperation}));
  EXPECT_FALSE(listed(issuing, revoked.serial)) << "no list has expired serials";
}

TEST_F(Standings, policy_revoke_supersedes_the_ca_and_takes_its_leaves_along) {
  const auto leaf = provision("dev-1", group);
  const Bytes serial = must(registry->find_ca(issuing)).serial;
  EXPECT_EQ(standing(root, serial).standing, Standing::kGood);
  call.now += 1000;
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", replacement()));
  EXPECT_EQ(standing(root, serial), (SerialStanding{Standing::kRevoked, call.now, RevocationReason::kSuperseded}));
  EXPECT_EQ(listed(root, serial)->reason, RevocationReason::kSuperseded);
  EXPECT_EQ(standing(issuing, leaf.serial),
            (SerialStanding{Standing::kRevoked, call.now, RevocationReason::kUnspecified}));
  EXPECT_FALSE(listed(issuing, leaf.serial)) << "the cost does not depend on the number of leaves";
  EXPECT_EQ(standing(issuing, Bytes{9}).standing, Standing::kUnknown);
}

TEST_F(Standings, lost_ca_key_is_the_reason_for_its_leaves_too) {
  const auto leaf = provision("dev-1", group);
  call.reason = RevocationReason::kCaCompromise;
  ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", replacement()));
  EXPECT_EQ(standing(root, must(registry->find_ca(issuing)).serial).reason, RevocationReason::kCaCompromise);
  EXPECT_EQ(standing(issuing, leaf.serial).reason, RevocationReason::kCaCompromise);
}

TEST_F(Standings, deleted_policy_leaves_its_certificates_as_they_stand) {
  const auto good = provision("dev-1", group);
  const auto dead = provision("dev-2", group);
  ASSERT_TRUE(registry->revoke_device(call, kNs, "dev-2", false));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  EXPECT_EQ(standing(issuing, good.serial).standing, Standing::kGood);
  EXPECT_EQ(standing(issuing, dead.serial).standing, Standing::kRevoked);
  EXPECT_EQ(standing(root, must(registry->find_ca(issuing)).serial).standing, Standing::kGood);
}

TEST_F(Standings, several_serials_come_back_in_order) {
  const auto good = provision("dev-1", group);
  const auto report = must(registry->standing(issuing, {Bytes{9}, good.serial, Bytes{9}}));
  ASSERT_EQ(report.serials.size(), 3u);
  EXPECT_EQ(report.serials[0].standing, Standing::kUnknown);
  EXPECT_EQ(report.serials[1].standing, Standing::kGood);
  EXPECT_EQ(report.serials[2].standing, Standing::kUnknown);
}

TEST_F(Standings, ca_that_is_not_there_is_not_found) {
  EXPECT_REFUSED(registry->standing(Uuid{}, {Bytes{1}}), Reason::kNotFound);
}

TEST(RevocationReasons, have_the_names_and_numbers_of_the_rfc) {
  for (const auto& [number, name] : {std::pair{0, "unspecified"},
                                     {1, "keyCompromise"},
                                     {2, "cACompromise"},
                                     {3, "affiliationChanged"},
                                     {4, "superseded"},
                                     {5, "cessationOfOperation"},
                                     {9, "privilegeWithdrawn"}}) {
    EXPECT_EQ(to_string(static_cast<RevocationReason>(number)), name);
    EXPECT_EQ(parse_revocation_reason(name), static_cast<RevocationReason>(number));
  }
}

TEST(RevocationReasons, others_are_refused) {
  for (const char* name : {"", "KeyCompromise", "certificateHold", "removeFromCRL", "1", "keyCompromise "}) {
    EXPECT_FALSE(parse_revocation_reason(name)) << name;
  }
}

}  // namespace
}  // namespace latchkey::registry
