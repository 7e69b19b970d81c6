// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/revocations.h"

#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::signing {
namespace {

using namespace test;  // NOLINT: the world is for these tests
using registry::Reason;
using registry::signing::Certificate;
using registry::signing::OperationStatus;
using registry::signing::RevocationStatus;

std::string hex(const Bytes& bytes) {
  std::string text(hex_size(bytes.size()), '\0');
  (void)hex_encode(bytes, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

RevocationOrder order_for(const Certificate& certificate, UnixMs effective_at,
                          const std::string& reason = "KeyCompromised") {
  return {hex(certificate.serial), hex(certificate.thumbprint), effective_at, reason, "stolen"};
}

class RevocationsTest : public testing::Test {
 protected:
  explicit RevocationsTest(Service::Options options = quick_options()) : world(std::move(options)) {}

  // Certificates of three days; the last is the current one.
  void SetUp() override {
    for (int day = 0; day < 3; ++day) {
      world.now = kStart + day * kDay;
      EXPECT_EQ(world.sign(facts).status, OperationStatus::kSucceeded);
    }
    certificates = world.certificates(facts);
    ASSERT_EQ(certificates.size(), 3u);
  }
  Answer<std::vector<Certificate>> revoke(std::vector<RevocationOrder> orders) {
    return world.service->revocations().revoke(world.call(), facts, orders);
  }
  RevocationLists::Answer asked(const Certificate& certificate) {
    auto& authorities = world.service->authorities();
    const auto& ca = authorities.issuing(TrustKind::kPublic);
    RevocationLists lists;
    EXPECT_TRUE(lists.add(must(authorities.list(ca.id))));
    return lists.ask(certificate_from_der(certificate.der).get(), ca.certificate.get(), world.now);
  }
  Standing standing() { return world.directory.find("contoso", "release")->profile_standing; }
  void expect_untouched() {
    for (const auto& one : world.certificates(facts)) EXPECT_EQ(one.revocation.status, RevocationStatus::kNone);
    for (const auto& one : certificates) EXPECT_EQ(asked(one).standing, RevocationLists::Standing::kGood);
    EXPECT_EQ(standing(), Standing::kActive);
  }

  ServiceWorld world;
  const ProfileFacts facts = world.profile();
  std::vector<Certificate> certificates;
};

// Rows: S-6-106, S-6-110, S-6-114
TEST_F(RevocationsTest, one_certificate_is_revoked_from_its_date_on_and_stands_on_the_list) {
  const UnixMs from = certificates[0].not_before + 5 * kHour;
  const auto revoked = must(revoke({order_for(certificates[0], from)}));
  ASSERT_EQ(revoked.size(), 1u);
  const auto& revocation = revoked[0].revocation;
  EXPECT_EQ(revocation.status, RevocationStatus::kSucceeded);
  EXPECT_EQ(revocation.requested_at, world.now.load());
  EXPECT_EQ(revocation.effective_at, from);
  EXPECT_EQ(revocation.remarks, "stolen");
  const auto answer = asked(certificates[0]);
  EXPECT_EQ(answer.standing, RevocationLists::Standing::kRevoked);
  EXPECT_EQ(answer.revocation.effective_at, from);
  EXPECT_EQ(answer.revocation.reason, RevocationReason::kKeyCompromise);
  // The others stay.
  EXPECT_EQ(asked(certificates[1]).standing, RevocationLists::Standing::kGood);
  EXPECT_EQ(standing(), Standing::kActive);
  EXPECT_EQ(world.sign(facts).status, OperationStatus::kSucceeded);
}

// Rows: S-6-107
TEST_F(RevocationsTest, cannot_be_taken_back_or_changed) {
  const UnixMs from = certificates[0].not_before + kHour;
  ASSERT_TRUE(revoke({order_for(certificates[0], from)}));
  EXPECT_REFUSED(revoke({order_for(certificates[0], from)}), Reason::kCertificateRevoked);
  EXPECT_REFUSED(revoke({order_for(certificates[0], from + kHour, "Superseded")}), Reason::kCertificateRevoked);
  const auto kept = world.certificates(facts)[0].revocation;
  EXPECT_EQ(kept.effective_at, from);
  EXPECT_EQ(kept.reason, static_cast<int>(RevocationReason::kKeyCompromise));
  EXPECT_EQ(registry::faces(Reason::kCertificateRevoked).http_status, 409);
}

// Rows: S-6-108
TEST_F(RevocationsTest, the_date_lies_within_the_certificate_bounds_included) {
  EXPECT_REFUSED(revoke({order_for(certificates[0], certificates[0].not_before - 1000)}), Reason::kInvalidArgument);
  EXPECT_REFUSED(revoke({order_for(certificates[0], certificates[0].not_after + 1000)}), Reason::kInvalidArgument);
  expect_untouched();
  EXPECT_TRUE(revoke({order_for(certificates[0], certificates[0].not_before)}));
  EXPECT_TRUE(revoke({order_for(certificates[1], certificates[1].not_after)}));
}

TEST_F(RevocationsTest, parts_of_a_second_are_cut_off) {
  EXPECT_TRUE(revoke({order_for(certificates[0], certificates[0].not_after + 999)}));
  EXPECT_EQ(world.certificates(facts)[0].revocation.effective_at, certificates[0].not_after);
  EXPECT_REFUSED(revoke({order_for(certificates[1], certificates[1].not_before - 1)}), Reason::kInvalidArgument);
}

// Rows: S-6-109
TEST_F(RevocationsTest, an_expired_certificate_can_be_revoked_into_its_past) {
  world.now = kStart + 300 * kDay;
  ASSERT_TRUE(world.service->tick());
  const UnixMs from = certificates[1].not_before + 2 * kHour;
  ASSERT_TRUE(revoke({order_for(certificates[1], from)}));
  EXPECT_EQ(asked(certificates[1]).revocation.effective_at, from);
}

// Rows: S-6-113
TEST_F(RevocationsTest, reasons_are_mapped_and_unspecified_is_left_out) {
  const std::pair<const char*, std::optional<RevocationReason>> cases[] = {
      {"AffiliationChanged", RevocationReason::kAffiliationChanged},
      {"CessationOfOperation", RevocationReason::kCessationOfOperation},
      {"Unspecified", std::nullopt}};
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    ASSERT_TRUE(revoke({order_for(certificates[i], certificates[i].not_before, cases[i].first)}));
    EXPECT_EQ(asked(certificates[i]).revocation.reason, cases[i].second) << cases[i].first;
  }
}

// Rows: S-6-113
TEST_F(RevocationsTest, bad_orders_are_refused) {
  const UnixMs from = certificates[0].not_before;
  auto bad = [&](auto change) {
    auto order = order_for(certificates[0], from);
    change(order);
    EXPECT_REFUSED(revoke({order}), Reason::kInvalidArgument);
  };
  for (const char* reason : {"", "keycompromised", "CACompromised", "RemoveFromCRL", "1"}) {
    bad([&](RevocationOrder& order) { order.reason = reason; });
  }
  bad([](RevocationOrder& order) { order.serial = ""; });
  bad([](RevocationOrder& order) { order.serial = "xyz"; });
  bad([](RevocationOrder& order) { order.serial = std::string(80, 'a'); });
  bad([](RevocationOrder& order) { order.thumbprint = ""; });
  bad([](RevocationOrder& order) { order.thumbprint.pop_back(); });
  bad([](RevocationOrder& order) { order.thumbprint[0] = 'g'; });
  bad([](RevocationOrder& order) { order.remarks = std::string(Revocations::kRemarksMax + 1, 'x'); });
  bad([&](RevocationOrder& order) { order.thumbprint = hex(certificates[1].thumbprint); });  // of two certificates
  EXPECT_REFUSED(revoke({}), Reason::kInvalidArgument);
  EXPECT_REFUSED(revoke(std::vector<RevocationOrder>(101, order_for(certificates[0], from))), Reason::kInvalidArgument);
  expect_untouched();
}

TEST_F(RevocationsTest, unknown_certificates_and_those_of_other_profiles_are_not_found) {
  auto order = order_for(certificates[0], certificates[0].not_before);
  order.serial = "7f00ff";
  order.thumbprint = std::string(40, '0');
  EXPECT_REFUSED(revoke({order}), Reason::kNotFound);
  const auto other = world.profile("other");
  EXPECT_REFUSED(world.service->revocations().revoke(world.call(), other,
                                                     {order_for(certificates[0], certificates[0].not_before)}),
                 Reason::kNotFound);
  expect_untouched();
}

TEST_F(RevocationsTest, names_compare_without_regard_to_case_and_leading_zeros) {
  auto order = order_for(certificates[0], certificates[0].not_before);
  for (char& c : order.serial) c = static_cast<char>(std::toupper(c));
  for (char& c : order.thumbprint) c = static_cast<char>(std::toupper(c));
  order.serial = "00" + order.serial;
  EXPECT_TRUE(revoke({order}));
}

// Rows: S-6-115
TEST_F(RevocationsTest, several_are_revoked_together_or_none) {
  const auto good = order_for(certificates[0], certificates[0].not_before);
  auto bad = order_for(certificates[1], certificates[1].not_before - 1000);
  EXPECT_FALSE(revoke({good, bad}));
  expect_untouched();
  EXPECT_REFUSED(revoke({good, good}), Reason::kInvalidArgument);
  expect_untouched();
  bad.effective_at += 1000;
  EXPECT_EQ(must(revoke({good, bad})).size(), 2u);
  EXPECT_EQ(asked(certificates[0]).standing, RevocationLists::Standing::kRevoked);
  EXPECT_EQ(asked(certificates[1]).standing, RevocationLists::Standing::kRevoked);
}

// Rows: S-6-111
TEST_F(RevocationsTest, revoking_the_current_one_disables_the_profile) {
  // From a date to come: signing stops at once all the same.
  ASSERT_TRUE(revoke({order_for(certificates[2], certificates[2].not_after)}));
  EXPECT_EQ(standing(), Standing::kDisabled);
  EXPECT_REFUSED(world.service->signing().begin(world.call(), *world.directory.find("contoso", "release"),
                                                Algorithm::kEs256, world.digest()),
                 Reason::kUnauthorized);
  // Also when nobody had disabled it: the certificate itself is the reason.
  EXPECT_EQ(world.sign(facts).status, OperationStatus::kFailed);
  world.now = world.now + 2 * kDay;
  EXPECT_EQ(world.sign(facts).status, OperationStatus::kFailed);
  EXPECT_EQ(world.certificates(facts).size(), 3u);
}

TEST_F(RevocationsTest, a_profile_that_a_crash_left_active_is_disabled_at_the_next_tick) {
  ASSERT_TRUE(revoke({order_for(certificates[2], certificates[2].not_before)}));
  world.directory.put(facts);
  world.restart();
  EXPECT_EQ(standing(), Standing::kActive);
  ASSERT_TRUE(world.service->tick());
  EXPECT_EQ(standing(), Standing::kDisabled);
}

TEST_F(RevocationsTest, the_key_of_a_revoked_certificate_is_erased) {
  ASSERT_FALSE(certificates[1].key_ref.empty());
  ASSERT_TRUE(world.keys.load(certificates[1].key_ref));
  ASSERT_TRUE(revoke({order_for(certificates[1], certificates[1].not_before)}));
  EXPECT_REFUSED(world.keys.load(certificates[1].key_ref), Reason::kNotFound);
}

// Rows: S-6-112
TEST_F(RevocationsTest, the_addresses_of_the_validation_are_told) {
  EXPECT_TRUE(world.notices.told.empty());
  ASSERT_TRUE(revoke({order_for(certificates[0], certificates[0].not_before)}));
  EXPECT_EQ(world.notices.told, std::vector<std::string>{"release"});
  EXPECT_FALSE(revoke({order_for(certificates[0], certificates[0].not_before)}));
  EXPECT_EQ(world.notices.told.size(), 1u);
}

TEST_F(RevocationsTest, every_attempt_is_audited) {
  ASSERT_TRUE(revoke({order_for(certificates[0], certificates[0].not_before)}));
  ASSERT_FALSE(revoke({order_for(certificates[0], certificates[0].not_before)}));
  const auto records = world.registry->list_audit(0, 2);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2u);
  for (const auto& record : *records) {
    EXPECT_EQ(record.action, "signing.certificate.revoke");
    EXPECT_EQ(record.resource, "codeSigningAccounts/contoso/certificateProfiles/release");
    EXPECT_EQ(record.actor, "tester");
  }
  EXPECT_EQ((*records)[0].outcome, "certificate already revoked");
  EXPECT_EQ((*records)[1].outcome, "ok");
  EXPECT_THAT((*records)[1].after, testing::HasSubstr(hex(certificates[0].serial)));
}

TEST_F(RevocationsTest, one_that_is_held_does_not_sign_and_stands_on_no_list) {
  world.service->revocations().hold(true);
  ASSERT_TRUE(revoke({order_for(certificates[2], certificates[2].not_before)}));
  EXPECT_EQ(world.certificates(facts)[2].revocation.status, RevocationStatus::kInProgress);
  EXPECT_EQ(asked(certificates[2]).standing, RevocationLists::Standing::kGood);
  EXPECT_EQ(world.sign(facts).status, OperationStatus::kFailed);
  EXPECT_REFUSED(revoke({order_for(certificates[2], certificates[2].not_before)}), Reason::kCertificateRevoked);
  const auto settled = must(world.service->revocations().settle(world.call(), facts, hex(certificates[2].serial), {}));
  EXPECT_EQ(settled.revocation.status, RevocationStatus::kSucceeded);
  EXPECT_EQ(asked(certificates[2]).standing, RevocationLists::Standing::kRevoked);
  EXPECT_EQ(standing(), Standing::kDisabled);
  EXPECT_REFUSED(world.service->revocations().settle(world.call(), facts, hex(certificates[2].serial), {}),
                 Reason::kPreconditionFailed);
}

TEST_F(RevocationsTest, one_that_failed_leaves_the_certificate_and_may_be_tried_again) {
  world.service->revocations().hold(true);
  ASSERT_TRUE(revoke({order_for(certificates[2], certificates[2].not_before)}));
  const auto settled = must(
      world.service->revocations().settle(world.call(), facts, hex(certificates[2].serial), "the CA did not answer"));
  EXPECT_EQ(settled.revocation.status, RevocationStatus::kFailed);
  EXPECT_EQ(settled.revocation.failure, "the CA did not answer");
  EXPECT_EQ(world.sign(facts).status, OperationStatus::kSucceeded);
  world.service->revocations().hold(false);
  EXPECT_TRUE(revoke({order_for(certificates[2], certificates[2].not_before)}));
}

// A signature that was under way when its certificate was revoked comes to nothing.
TEST_F(RevocationsTest, what_was_being_signed_meanwhile_fails) {
  registry::signing::OperationRows rows(registry::rows_of(*world.registry));
  ASSERT_TRUE(revoke({order_for(certificates[2], certificates[2].not_after)}));
  std::vector<registry::signing::OperationEnd> ends = {
      {1, OperationStatus::kSucceeded, certificates[2].serial, Bytes(70, 1), {}, world.now}};
  const auto before = must(world.service->signing().usage(world.account, world.now));
  ASSERT_TRUE(rows.write({}, ends));
  EXPECT_EQ(ends[0].status, OperationStatus::kFailed);
  EXPECT_TRUE(ends[0].signature.empty());
  EXPECT_EQ(must(world.service->signing().usage(world.account, world.now)), before);
}

Service::Options going_on() {
  auto options = quick_options();
  options.certificates.reissue_after_revocation = true;
  return options;
}

class ReissueTest : public RevocationsTest {
 protected:
  ReissueTest() : RevocationsTest(going_on()) {}
};

TEST_F(ReissueTest, by_option_the_profile_goes_on_with_a_fresh_certificate) {
  ASSERT_TRUE(revoke({order_for(certificates[2], certificates[2].not_before)}));
  EXPECT_EQ(standing(), Standing::kActive);
  world.now = world.now + 1000;
  const auto done = world.sign(facts);
  EXPECT_EQ(done.status, OperationStatus::kSucceeded) << done.error;
  EXPECT_EQ(world.certificates(facts).size(), 4u);
  EXPECT_NE(done.certificate, certificates[2].serial);
}

}  // namespace
}  // namespace latchkey::hub::signing
