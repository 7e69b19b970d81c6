// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/ocsp_responder.h"

#include "tests/unit/hub/ca/ocsp_world.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Bytes;
using registry::RevocationReason;

class OcspResponderTest : public OcspWorld {
 protected:
  int error_of(const Bytes& request) { return ask(request).response; }
  registry::CaCertificate current_issuing() {
    return *registry_->find_ca(registry_->find_policy("space", "policy")->ca);
  }
};

TEST_F(OcspResponderTest, certificate_that_was_issued_is_good_by_either_hash) {
  const Bytes serial = issue("dev-1");
  for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256()}) {
    const auto one = only(ask(request_for(issuing_, {serial}, std::nullopt, digest)));
    EXPECT_EQ(one.status, V_OCSP_CERTSTATUS_GOOD);
    EXPECT_EQ(one.this_update, kNow);
    EXPECT_EQ(one.next_update, kNow + 60 * 60 * 1000);
  }
}

TEST_F(OcspResponderTest, revoked_device_is_revoked_with_its_time_and_without_a_reason) {
  const Bytes serial = issue("dev-1");
  now_ = kNow + 5000;
  revoke("dev-1");
  const auto one = status(serial);
  EXPECT_EQ(one.status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(one.revoked_at, kNow + 5000);
  EXPECT_EQ(one.reason, -1) << "unspecified is not said (RFC 5280 section 5.3.1)";
}

TEST_F(OcspResponderTest, reason_that_was_given_is_told) {
  const Bytes serial = issue("dev-1");
  revoke("dev-1", RevocationReason::kKeyCompromise);
  EXPECT_EQ(status(serial).reason, OCSP_REVOKED_STATUS_KEYCOMPROMISE);
}

TEST_F(OcspResponderTest, serial_that_was_never_issued_is_unknown) {
  EXPECT_EQ(status(Authority::new_serial()).status, V_OCSP_CERTSTATUS_UNKNOWN);
  EXPECT_EQ(status(Bytes(21, 0x11)).status, V_OCSP_CERTSTATUS_UNKNOWN) << "longer than any of ours";
}

TEST_F(OcspResponderTest, serial_is_unknown_until_its_certificate_is_out) {
  const auto granted = grant("dev-1");
  EXPECT_EQ(status(granted.serial).status, V_OCSP_CERTSTATUS_UNKNOWN);
  Issuance issuance(*registry_, *authority_);
  ASSERT_TRUE(issuance.issue(call_, granted, csr("dev-1")));
  EXPECT_EQ(status(granted.serial).status, V_OCSP_CERTSTATUS_GOOD);
}

TEST_F(OcspResponderTest, serial_of_one_ca_is_unknown_below_another) {
  const Bytes serial = issue("dev-1");
  EXPECT_EQ(only(ask(request_for(root_, {serial}))).status, V_OCSP_CERTSTATUS_UNKNOWN);
}

TEST_F(OcspResponderTest, policy_revoke_is_told_of_the_ca_by_the_root_and_of_every_leaf_below) {
  const Bytes serial = issue("dev-1");
  const Bytes other = issue("dev-2");
  revoke("dev-2", RevocationReason::kKeyCompromise);
  now_ = kNow + 9000;
  revoke_policy();
  const auto ca = only(ask(request_for(root_, {issuing_.serial})));
  EXPECT_EQ(ca.status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(ca.reason, OCSP_REVOKED_STATUS_SUPERSEDED);
  EXPECT_EQ(ca.revoked_at, kNow + 9000);
  const auto leaf = status(serial);
  EXPECT_EQ(leaf.status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(leaf.reason, -1);
  EXPECT_EQ(leaf.revoked_at, kNow + 9000);
  const auto before = status(other);
  EXPECT_EQ(before.reason, OCSP_REVOKED_STATUS_KEYCOMPROMISE) << "its own revocation came first";
  EXPECT_EQ(before.revoked_at, kNow);
  EXPECT_EQ(only(ask(request_for(root_, {current_issuing().serial}))).status, V_OCSP_CERTSTATUS_GOOD);
  EXPECT_EQ(status(Authority::new_serial()).status, V_OCSP_CERTSTATUS_UNKNOWN);
}

TEST_F(OcspResponderTest, lost_key_of_a_ca_is_told_of_its_leaves) {
  const Bytes serial = issue("dev-1");
  revoke_policy(RevocationReason::kCaCompromise);
  EXPECT_EQ(only(ask(request_for(root_, {issuing_.serial}))).reason, OCSP_REVOKED_STATUS_CACOMPROMISE);
  EXPECT_EQ(status(serial).reason, OCSP_REVOKED_STATUS_CACOMPROMISE);
}

TEST_F(OcspResponderTest, deleted_device_has_ceased_operation) {
  const Bytes serial = issue("dev-1");
  ASSERT_TRUE(registry_->delete_device(call_, "space", "dev-1"));
  const auto one = status(serial);
  EXPECT_EQ(one.status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(one.reason, OCSP_REVOKED_STATUS_CESSATIONOFOPERATION);
}

TEST_F(OcspResponderTest, certificate_that_expired_before_its_device_was_revoked_is_revoked_all_the_same) {
  const Bytes serial = issue("dev-1");
  now_ = kNow + 31 * kDayMs;
  EXPECT_EQ(status(serial).status, V_OCSP_CERTSTATUS_GOOD) << "expiry is not revocation";
  revoke("dev-1");
  const auto one = status(serial);
  EXPECT_EQ(one.status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(one.revoked_at, now_);
}

TEST_F(OcspResponderTest, several_questions_are_answered_in_their_order) {
  const Bytes good = issue("dev-1");
  const Bytes dead = issue("dev-2");
  revoke("dev-2");
  const auto told = ask(request_for(issuing_, {dead, Authority::new_serial(), good, dead}));
  ASSERT_EQ(told.ones.size(), 4u);
  EXPECT_TRUE(told.verified);
  EXPECT_EQ(told.ones[0].status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(told.ones[1].status, V_OCSP_CERTSTATUS_UNKNOWN);
  EXPECT_EQ(told.ones[2].status, V_OCSP_CERTSTATUS_GOOD);
  EXPECT_EQ(told.ones[3].status, V_OCSP_CERTSTATUS_REVOKED);
}

TEST_F(OcspResponderTest, questions_about_two_cas_in_one_request_are_unauthorized) {
  const OcspRequestPtr request(OCSP_REQUEST_new());
  add_question(request.get(), issuing_.der, issue("dev-1"), EVP_sha1());
  add_question(request.get(), root_.der, issuing_.serial, EVP_sha1());
  EXPECT_EQ(error_of(encoded(request.get())), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

TEST_F(OcspResponderTest, ca_that_is_not_ours_is_unauthorized) {
  const auto stranger = authority_->make_root(registry::KeyProfile::kEcP256, kNow);
  ASSERT_TRUE(stranger);
  const auto row = row_of(*stranger, registry::CaKind::kRoot, stranger->id);
  EXPECT_EQ(error_of(request_for(row, {Bytes{1}})), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

// CAs of a rehearsal that begins anew.
class Replaced final : public OcspSource {
 public:
  registry::Outcome<std::vector<registry::CaCertificate>> cas() override { return now; }
  registry::Outcome<registry::StandingReport> standing(const Uuid& ca, const std::vector<Bytes>& serials) override {
    for (const auto& one : now) {
      if (one.id == ca) return registry::StandingReport{one, {serials.size(), registry::SerialStanding{}}};
    }
    return registry::refuse(registry::Reason::kNotFound, "gone");
  }
  std::vector<registry::CaCertificate> now;
};

TEST_F(OcspResponderTest, as_many_cas_in_the_place_of_others_are_known) {
  auto source = std::make_unique<Replaced>();
  auto& cas = source->now;
  cas = {root_, issuing_};
  OcspResponder responder(std::move(source), *credentials_, [this] { return now_.load(); }, {});
  const auto status_of = [&](const registry::CaCertificate& ca) {
    const auto request = request_for(ca, {Bytes{1}});
    return read(request, responder.answer(request).der).response;
  };
  ASSERT_EQ(status_of(root_), OCSP_RESPONSE_STATUS_SUCCESSFUL);
  std::vector<registry::CaCertificate> others;
  for (int i = 0; i < 2; ++i) {
    const auto made = authority_->make_root(registry::KeyProfile::kEcP256, kNow);
    ASSERT_TRUE(made);
    others.push_back(row_of(*made, registry::CaKind::kRoot, made->id));
  }
  cas = others;
  EXPECT_EQ(status_of(others[1]), OCSP_RESPONSE_STATUS_SUCCESSFUL);
  EXPECT_EQ(status_of(root_), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

TEST_F(OcspResponderTest, ca_made_after_the_first_question_is_known) {
  (void)status(issue("dev-1"));
  revoke_policy();
  EXPECT_EQ(error_of(request_for(current_issuing(), {Authority::new_serial()})), OCSP_RESPONSE_STATUS_SUCCESSFUL);
}

TEST_F(OcspResponderTest, hash_that_we_do_not_know_is_unauthorized) {
  EXPECT_EQ(error_of(request_for(issuing_, {Bytes{1}}, std::nullopt, EVP_sha384())), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

TEST_F(OcspResponderTest, expired_ca_answers_nothing_more) {
  const Bytes serial = issue("dev-1");
  now_ = issuing_.not_after - 1000;
  EXPECT_EQ(error_of(request_for(issuing_, {serial})), OCSP_RESPONSE_STATUS_SUCCESSFUL);
  now_ = issuing_.not_after;
  EXPECT_EQ(error_of(request_for(issuing_, {serial})), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

TEST_F(OcspResponderTest, answer_never_outlives_its_signer) {
  const Bytes serial = issue("dev-1");
  now_ = issuing_.not_after - 60'000;
  EXPECT_EQ(status(serial).next_update, issuing_.not_after);
}

TEST_F(OcspResponderTest, ca_without_a_key_is_unauthorized_unless_a_last_credential_was_made) {
  const Bytes serial = issue("dev-1");
  ASSERT_TRUE(registry_->delete_policy(call_, "space", "policy"));
  ASSERT_TRUE(keys_->destroy(issuing_.key_ref));
  EXPECT_EQ(error_of(request_for(issuing_, {serial})), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

TEST_F(OcspResponderTest, devices_of_a_deleted_policy_stay_good_and_can_still_be_revoked) {
  const Bytes serial = issue("dev-1");
  const Bytes other = issue("dev-2");
  ASSERT_TRUE(credentials_->make_last(issuing_, now_));
  ASSERT_TRUE(registry_->delete_policy(call_, "space", "policy"));
  ASSERT_TRUE(keys_->destroy(issuing_.key_ref));
  open_credentials();  // as after a start: nothing is left in memory
  start_responder({});
  EXPECT_EQ(status(serial).status, V_OCSP_CERTSTATUS_GOOD);
  revoke("dev-1");
  EXPECT_EQ(status(serial).status, V_OCSP_CERTSTATUS_REVOKED);
  now_ = issuing_.not_after - 1000;
  EXPECT_EQ(status(other).status, V_OCSP_CERTSTATUS_GOOD) << "to the CA's end";
}

TEST_F(OcspResponderTest, registry_that_does_not_answer_means_try_later) {
  const Bytes serial = issue("dev-1");
  (void)status(serial);  // the responder knows its CAs
  open_registry();       // without a connection for reading yet
  start_responder({});
  std::filesystem::rename(folder_ / "registry.db", folder_ / "elsewhere.db");
  EXPECT_EQ(error_of(request_for(issuing_, {serial})), OCSP_RESPONSE_STATUS_TRYLATER);
  std::filesystem::rename(folder_ / "elsewhere.db", folder_ / "registry.db");
  EXPECT_EQ(error_of(request_for(issuing_, {serial})), OCSP_RESPONSE_STATUS_SUCCESSFUL);
}

TEST_F(OcspResponderTest, nonce_comes_back_and_only_when_it_was_sent) {
  const Bytes serial = issue("dev-1");
  for (const int octets : {1, 16, 32}) {
    const auto told = ask(request_for(issuing_, {serial}, octets));
    EXPECT_EQ(told.nonce, 1) << octets;  // present in both, and equal
    EXPECT_TRUE(told.verified);
  }
  EXPECT_EQ(ask(request_for(issuing_, {serial})).nonce, 2) << "in neither";
}

TEST_F(OcspResponderTest, nonce_of_a_wrong_length_is_malformed) {
  for (const int octets : {0, 33, 127}) {
    EXPECT_EQ(error_of(request_for(issuing_, {Bytes{1}}, octets)), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST) << octets;
  }
}

TEST_F(OcspResponderTest, answer_carries_its_signers_certificate_alone) {
  EXPECT_EQ(ask(request_for(issuing_, {issue("dev-1")})).certificates, 1u);
}

TEST_F(OcspResponderTest, what_is_no_request_is_malformed) {
  const Bytes whole = request_for(issuing_, {issue("dev-1")});
  Bytes longer = whole;
  longer.push_back(0);
  const Bytes shorter(whole.begin(), whole.end() - 1);
  const OcspRequestPtr empty(OCSP_REQUEST_new());
  for (const Bytes& bytes : {Bytes{}, Bytes{0x30}, Bytes(1000, 0xff), longer, shorter, encoded(empty.get())}) {
    EXPECT_EQ(error_of(bytes), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST) << hex(bytes);
  }
}

TEST_F(OcspResponderTest, every_truncation_and_every_flipped_byte_gets_an_answer) {
  const Bytes whole = request_for(issuing_, {issue("dev-1")}, 16);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(error_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i))),
              OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
    Bytes flipped = whole;
    flipped[i] ^= 0xff;
    EXPECT_GE(error_of(flipped), OCSP_RESPONSE_STATUS_SUCCESSFUL) << "an OCSPResponse of whatever status";
  }
}

TEST_F(OcspResponderTest, too_many_questions_are_malformed) {
  const std::vector<Bytes> most(kOcspQuestionsMax, Bytes{1});
  EXPECT_EQ(error_of(request_for(issuing_, most)), OCSP_RESPONSE_STATUS_SUCCESSFUL);
  const std::vector<Bytes> more(kOcspQuestionsMax + 1, Bytes{1});
  EXPECT_EQ(error_of(request_for(issuing_, more)), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
}

TEST_F(OcspResponderTest, critical_extension_is_malformed_and_another_is_ignored) {
  for (const bool critical : {true, false}) {
    const OcspRequestPtr request(OCSP_REQUEST_new());
    add_question(request.get(), issuing_.der, Bytes{1}, EVP_sha1());
    const openssl::Asn1OctetStringPtr value(ASN1_OCTET_STRING_new());
    const openssl::X509ExtensionPtr extension(
        X509_EXTENSION_create_by_NID(nullptr, NID_id_pkix_OCSP_acceptableResponses, critical ? 1 : 0, value.get()));
    OCSP_REQUEST_add_ext(request.get(), extension.get(), -1);
    EXPECT_EQ(error_of(encoded(request.get())),
              critical ? OCSP_RESPONSE_STATUS_MALFORMEDREQUEST : OCSP_RESPONSE_STATUS_SUCCESSFUL);
  }
}

// --- the cache. ECDSA signatures differ each time: equal answers are one answer.

class OcspCacheTest : public OcspResponderTest {
 protected:
  Bytes answer(const Bytes& serial) { return responder_->answer(request_for(issuing_, {serial})).der; }
};

TEST_F(OcspCacheTest, same_question_gets_the_same_answer_until_half_of_its_time) {
  const Bytes serial = issue("dev-1");
  const Bytes first = answer(serial);
  now_ = kNow + 29 * 60 * 1000;
  EXPECT_EQ(answer(serial), first);
  now_ = kNow + 30 * 60 * 1000;
  EXPECT_NE(answer(serial), first);
  now_ = kNow;
  EXPECT_NE(answer(serial), first) << "an answer of the future is not for now";
}

TEST_F(OcspCacheTest, revocation_is_in_the_next_answer) {
  const Bytes serial = issue("dev-1");
  EXPECT_EQ(status(serial).status, V_OCSP_CERTSTATUS_GOOD);
  revoke("dev-1");
  EXPECT_EQ(status(serial).status, V_OCSP_CERTSTATUS_REVOKED);
}

TEST_F(OcspCacheTest, nonce_and_unknown_are_signed_each_time) {
  const Bytes serial = issue("dev-1");
  const Bytes request = request_for(issuing_, {serial}, 16);
  EXPECT_NE(responder_->answer(request).der, responder_->answer(request).der);
  EXPECT_FALSE(responder_->answer(request).reusable);
  const Bytes never = Authority::new_serial();
  EXPECT_NE(answer(never), answer(never));
}

TEST_F(OcspCacheTest, least_recently_used_answer_goes_first) {
  start_responder({60 * 60 * 1000, 2});
  const Bytes a = issue("a");
  const Bytes b = issue("b");
  const Bytes c = issue("c");
  const Bytes of_a = answer(a);
  const Bytes of_b = answer(b);
  EXPECT_EQ(answer(a), of_a);
  (void)answer(c);
  EXPECT_EQ(answer(a), of_a);
  EXPECT_NE(answer(b), of_b);
}

TEST_F(OcspCacheTest, error_is_never_reusable) {
  EXPECT_FALSE(responder_->answer(Bytes{}).reusable);
  EXPECT_TRUE(responder_->answer(request_for(issuing_, {issue("dev-1")})).reusable);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
