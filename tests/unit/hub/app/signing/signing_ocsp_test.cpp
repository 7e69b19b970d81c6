// SPDX-License-Identifier: Apache-2.0
// OCSP for the signing service's certificates, asked and verified by OpenSSL's own client code.
#include "hub/app/signing/signing_ocsp.h"

#include <algorithm>

#include "hub/signing/certificates/maker.h"
#include "hub/text/encoding.h"
#include "tests/unit/hub/app/signing/signing_world.h"
#include "tests/unit/hub/ca/ocsp_world.h"

namespace latchkey::hub::app {
namespace {

using ca::test::OcspBasicPtr;
using ca::test::OcspResponsePtr;
using ca::test::Told;
using registry::Bytes;
using signing::TrustKind;

class SigningOcspTest : public SigningWorld {
 protected:
  void SetUp() override {
    SigningWorld::SetUp();
    open();
  }
  void open() {
    auto opened = SigningOcsp::open(rows_of(*registry), *files, [this] { return time.at; });
    ASSERT_TRUE(opened) << opened.error().detail;
    ocsp = std::move(*opened);
  }
  static registry::CaCertificate row(const X509* certificate) {
    registry::CaCertificate made;
    made.der = signing::certificate_der(certificate);
    return made;
  }
  registry::CaCertificate issuing() const {
    return row(service->authorities().issuing(TrustKind::kPublic).certificate.get());
  }
  registry::CaCertificate root(TrustKind kind) const {
    return row(service->authorities().root(kind).certificate.get());
  }
  Bytes serial(std::size_t number) const {
    const auto shown = certificates[number]["serialNumber"].get<std::string>();
    Bytes bytes(shown.size() / 2);
    EXPECT_TRUE(hex_decode(shown, {bytes.data(), bytes.size()}));
    return bytes;
  }

  Told answer_to(const Bytes& request) {
    const auto answered = ocsp->handle({"POST",
                                        "/ocsp",
                                        "",
                                        {{"Content-Type", "application/ocsp-request"}},
                                        std::string(ByteView(request).text()),
                                        {}});
    EXPECT_EQ(answered.status, 200);
    return read(answered.body);
  }
  Told read(const std::string& der) const {
    Told told;
    const auto* end = reinterpret_cast<const std::uint8_t*>(der.data());
    const OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &end, static_cast<long>(der.size())));
    if (!response) return told;
    told.response = OCSP_response_status(response.get());
    const OcspBasicPtr basic(OCSP_response_get1_basic(response.get()));
    for (int i = 0; basic && i < OCSP_resp_count(basic.get()); ++i) {
      ASN1_GENERALIZEDTIME* revoked = nullptr;
      ASN1_GENERALIZEDTIME* from = nullptr;
      ASN1_GENERALIZEDTIME* until = nullptr;
      Told::One one;
      one.status = OCSP_single_get0_status(OCSP_resp_get0(basic.get(), i), &one.reason, &revoked, &from, &until);
      one.revoked_at = ca::test::ms_of(revoked);
      one.this_update = ca::test::ms_of(from);
      one.next_update = ca::test::ms_of(until);
      told.ones.push_back(one);
    }
    if (basic) told.verified = verified(basic.get());
    return told;
  }
  // By a client that trusts the roots, and has the issuing CA from the signature.
  bool verified(OCSP_BASICRESP* basic) const {
    const openssl::X509StorePtr store(X509_STORE_new());
    for (const auto kind : {TrustKind::kPublic, TrustKind::kTimestamp}) {
      X509_STORE_add_cert(store.get(), service->authorities().root(kind).certificate.get());
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), time.at / 1000);
    const openssl::X509StackPtr chain(sk_X509_new_null());
    sk_X509_push(chain.get(), ca::test::parse_der(issuing().der).release());
    return OCSP_basic_verify(basic, chain.get(), store.get(), 0) == 1;
  }
  Told::One status(const registry::CaCertificate& ca, const Bytes& serial, const EVP_MD* digest = EVP_sha1()) {
    const auto told = answer_to(ca::test::request_for(ca, {serial}, std::nullopt, digest));
    EXPECT_EQ(told.response, OCSP_RESPONSE_STATUS_SUCCESSFUL);
    EXPECT_TRUE(told.verified);
    EXPECT_EQ(told.ones.size(), 1u);
    return told.ones.empty() ? Told::One{} : told.ones.front();
  }
  void revoke(std::size_t number, const std::string& from, const std::string& reason = "KeyCompromised") {
    ASSERT_EQ(post(kProfile + "/revokeCertificate", order(certificates[number], from, reason)).status, 204);
  }

  std::unique_ptr<SigningOcsp> ocsp;
};

// Rows: S-6-126
TEST_F(SigningOcspTest, certificate_that_was_issued_is_good_by_either_hash) {
  for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256()}) {
    const auto one = status(issuing(), serial(0), digest);
    EXPECT_EQ(one.status, V_OCSP_CERTSTATUS_GOOD);
    EXPECT_EQ(one.this_update, time.at);
    EXPECT_EQ(one.next_update, time.at + kHour);
  }
}

// Rows: S-6-126
TEST_F(SigningOcspTest, revoked_certificate_is_revoked_from_its_effective_date_on) {
  (void)status(issuing(), serial(0));  // what was said before must not be said again
  revoke(0, kFrom);
  const auto past = status(issuing(), serial(0));
  EXPECT_EQ(past.status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(past.revoked_at, kFirst / kDay * kDay + 18 * kHour);  // not when it was asked for
  EXPECT_EQ(past.reason, OCSP_REVOKED_STATUS_KEYCOMPROMISE);
  EXPECT_EQ(status(issuing(), serial(1)).status, V_OCSP_CERTSTATUS_GOOD);

  revoke(1, "2026-11-23T00:00:00Z", "PrivilegeWithdrawn");  // to come
  const auto to_come = status(issuing(), serial(1));
  EXPECT_EQ(to_come.status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(to_come.revoked_at, kFirst / kDay * kDay + 4 * kDay);
  EXPECT_EQ(to_come.reason, 9);  // privilegeWithdrawn, RFC 5280 section 5.3.1
}

TEST_F(SigningOcspTest, unspecified_is_no_reason) {
  revoke(0, kFrom, "Unspecified");
  const auto one = status(issuing(), serial(0));
  EXPECT_EQ(one.status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(one.reason, -1);
}

// Rows: S-6-126
TEST_F(SigningOcspTest, serial_that_its_ca_never_gave_is_unknown) {
  EXPECT_EQ(status(issuing(), signing::random_serial()).status, V_OCSP_CERTSTATUS_UNKNOWN);
  EXPECT_EQ(status(issuing(), Bytes(21, 0x11)).status, V_OCSP_CERTSTATUS_UNKNOWN);
  EXPECT_EQ(status(root(TrustKind::kPublic), serial(0)).status, V_OCSP_CERTSTATUS_UNKNOWN);
}

TEST_F(SigningOcspTest, what_a_root_certified_is_good) {
  const auto& authorities = service->authorities();
  EXPECT_EQ(
      status(root(TrustKind::kPublic), signing::serial_of(authorities.issuing(TrustKind::kPublic).certificate.get()))
          .status,
      V_OCSP_CERTSTATUS_GOOD);
  const auto rows = *registry::signing::CertificateRows(rows_of(*registry)).authorities();
  const auto timestamper =
      std::ranges::find(rows, registry::signing::AuthorityRole::kTimestamper, &registry::signing::Authority::role);
  ASSERT_NE(timestamper, rows.end());
  EXPECT_EQ(status(root(TrustKind::kTimestamp), timestamper->serial).status, V_OCSP_CERTSTATUS_GOOD);
}

TEST_F(SigningOcspTest, revocation_that_is_held_is_none_until_it_succeeds) {
  revocations->hold(true);
  revoke(0, kFrom);
  EXPECT_EQ(status(issuing(), serial(0)).status, V_OCSP_CERTSTATUS_GOOD);
  ASSERT_TRUE(revocations->settle({"tester", time.at}, "contoso", "release",
                                  certificates[0]["serialNumber"].get<std::string>(), ""));
  EXPECT_EQ(status(issuing(), serial(0)).status, V_OCSP_CERTSTATUS_REVOKED);
}

TEST_F(SigningOcspTest, revocation_outlives_profile_and_certificate) {
  revoke(0, kFrom);
  ASSERT_LT(remove(kProfile).status, 300);
  time.at = kFirst + 200 * kDay;
  EXPECT_EQ(status(issuing(), serial(0)).status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(status(issuing(), serial(1)).status, V_OCSP_CERTSTATUS_GOOD);
}

// Rows: S-6-131
TEST_F(SigningOcspTest, answers_for_an_issuing_ca_that_came_later_and_for_the_one_before) {
  const auto before = issuing();
  time.at = kFirst + 11 * 365 * kDay;
  ASSERT_TRUE(service->authorities().renew_issuing({"tester", time.at}));
  ASSERT_NE(issuing().der, before.der);
  EXPECT_EQ(status(issuing(), serial(0)).status, V_OCSP_CERTSTATUS_UNKNOWN);
  EXPECT_EQ(answer_to(ca::test::request_for(before, {serial(0)})).ones.at(0).status, V_OCSP_CERTSTATUS_GOOD);
}

TEST_F(SigningOcspTest, ca_of_somebody_else_is_unauthorized) {
  const auto key = signing::make_key(signing::KeyKind::kEcP256);
  const auto stranger =
      signing::make_root(TrustKind::kPublic, key.get(), signing::random_serial(), {kFirst - kDay, kFirst + 100 * kDay});
  ASSERT_TRUE(stranger);  // of the same name as ours
  EXPECT_EQ(answer_to(ca::test::request_for(row(stranger->get()), {serial(0)})).response,
            OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

TEST_F(SigningOcspTest, others_need_no_more_than_the_address) {
  const auto request = ca::test::request_for(issuing(), {serial(0)});
  const auto answered = ocsp->handle({"GET", "/ocsp/" + text::base64(request), "", {}, "", {}});
  EXPECT_EQ(answered.status, 200);
  EXPECT_EQ(answered.content_type, "application/ocsp-response");
  EXPECT_TRUE(read(answered.body).verified);
  EXPECT_EQ(ocsp->handle({"POST", "/ocsp", "", {{"Content-Type", "text/plain"}}, "?", {}}).status, 415);
  EXPECT_TRUE(SigningOcsp::serves("/ocsp"));
  EXPECT_FALSE(SigningOcsp::serves("/ocspx"));
  EXPECT_FALSE(SigningOcsp::serves("/timestamp"));
}

}  // namespace
}  // namespace latchkey::hub::app
