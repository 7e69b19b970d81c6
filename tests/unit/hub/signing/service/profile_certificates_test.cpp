// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/profile_certificates.h"

#include <openssl/pkcs7.h>

#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::signing {
namespace {

using namespace test;  // NOLINT: the world is for these tests
using registry::Reason;

class ProfileCertificatesTest : public testing::Test {
 protected:
  Bytes current(const ProfileFacts& facts) {
    const auto signer = world.service->certificates().current(facts);
    EXPECT_TRUE(signer) << (signer ? "" : signer.error().detail);
    return signer ? (*signer)->serial : Bytes();
  }
  ServiceWorld world;
};

// Rows: S-6-100
TEST_F(ProfileCertificatesTest, one_is_made_at_need_and_lives_72_hours) {
  const auto facts = world.profile();
  EXPECT_TRUE(world.certificates(facts).empty());
  current(facts);
  const auto certificates = world.certificates(facts);
  ASSERT_EQ(certificates.size(), 1u);
  EXPECT_EQ(certificates[0].not_before, kStart);
  EXPECT_EQ(certificates[0].not_after, kStart + 72 * kHour);
  EXPECT_EQ(certificates[0].subject, "CN=Contoso Inc, O=Contoso Inc, L=New York, S=New York, C=US");
  EXPECT_EQ(certificates[0].thumbprint.size(), 20u);
}

// Rows: S-6-100
TEST_F(ProfileCertificatesTest, a_new_one_comes_every_day_and_about_three_overlap) {
  const auto facts = world.profile();
  for (int day = 0; day < 5; ++day) {
    world.now = kStart + day * kDay;
    ASSERT_TRUE(world.service->tick());
  }
  const auto certificates = world.certificates(facts);
  ASSERT_EQ(certificates.size(), 5u);
  const UnixMs now = world.now;
  EXPECT_EQ(std::count_if(certificates.begin(), certificates.end(),
                          [now](const auto& one) { return one.not_before <= now && now < one.not_after; }),
            3);
  for (int day = 0; day < 5; ++day) {
    const auto& one = certificates[static_cast<std::size_t>(day)];
    EXPECT_EQ(one.not_before, kStart + day * kDay);
    EXPECT_EQ(one.eku, facts.durable_eku);
  }
}

// Rows: S-6-100
TEST_F(ProfileCertificatesTest, the_newest_one_signs) {
  const auto facts = world.profile();
  const Bytes first = current(facts);
  world.now = kStart + kDay - 1000;
  EXPECT_EQ(current(facts), first);
  world.now = kStart + kDay;
  const Bytes second = current(facts);
  EXPECT_NE(second, first);
  EXPECT_EQ(current(facts), second);
}

TEST_F(ProfileCertificatesTest, a_restart_goes_on_with_the_one_there_is) {
  const auto facts = world.profile();
  const Bytes first = current(facts);
  world.restart();
  EXPECT_EQ(current(facts), first);
}

TEST_F(ProfileCertificatesTest, keys_of_expired_certificates_are_erased_and_certificates_stay) {
  const auto facts = world.profile();
  current(facts);
  const std::string key = world.certificates(facts)[0].key_ref;
  world.directory.clear();  // nothing is renewed
  world.now = kStart + 72 * kHour;
  ASSERT_TRUE(world.service->tick());
  EXPECT_TRUE(world.keys.load(key));  // the last second counts
  world.now = kStart + 72 * kHour + 1000;
  ASSERT_TRUE(world.service->tick());
  EXPECT_REFUSED(world.keys.load(key), Reason::kNotFound);
  ASSERT_EQ(world.certificates(facts).size(), 1u);
  EXPECT_TRUE(world.certificates(facts)[0].key_ref.empty());
}

// Rows: S-6-116
TEST_F(ProfileCertificatesTest, hangs_below_the_root_of_its_type) {
  struct {
    ProfileType type;
    TrustKind kind;
  } const cases[] = {{ProfileType::kPublicTrust, TrustKind::kPublic},
                     {ProfileType::kVbsEnclave, TrustKind::kPublic},
                     {ProfileType::kPublicTrustTest, TrustKind::kPublicTest},
                     {ProfileType::kPrivateTrust, TrustKind::kPrivate},
                     {ProfileType::kPrivateTrustCiPolicy, TrustKind::kPrivate}};
  for (const auto& one : cases) {
    const auto facts = world.profile(std::string(name_of(one.type)), KeyKind::kEcP256, one.type);
    const auto signer = must(world.service->certificates().current(facts));
    ASSERT_TRUE(signer);
    const auto& ca = world.service->authorities().issuing(one.kind);
    EXPECT_EQ(X509_verify(signer->certificate.get(), X509_get0_pubkey(ca.certificate.get())), 1);
    EXPECT_EQ(ekus_of(signer->certificate.get()), extended_key_usages(one.type, facts.durable_eku));
  }
}

TEST_F(ProfileCertificatesTest, the_collection_holds_the_whole_path) {
  const auto facts = world.profile();
  const auto signer = must(world.service->certificates().current(facts));
  const std::uint8_t* end = signer->collection.data();
  const openssl::Owner<PKCS7, PKCS7_free> collection(
      d2i_PKCS7(nullptr, &end, static_cast<long>(signer->collection.size())));
  ASSERT_TRUE(collection && PKCS7_type_is_signed(collection.get()));
  EXPECT_EQ(sk_X509_num(collection->d.sign->cert), 3);
}

TEST_F(ProfileCertificatesTest, rsa_is_the_usual_key) {
  auto facts = world.profile("rsa", ProfileFacts().key);
  const auto signer = must(world.service->certificates().current(facts));
  EXPECT_EQ(EVP_PKEY_is_a(X509_get0_pubkey(signer->certificate.get()), "RSA"), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(signer->certificate.get())), 3072);
}

// Rows: S-6-101
TEST_F(ProfileCertificatesTest, a_lapsed_validation_stops_renewal_and_then_signing) {
  auto facts = world.profile();
  const Bytes first = current(facts);
  facts.validation = ValidationStanding::kLapsed;
  world.directory.put(facts);
  for (const UnixMs at : {kStart + kDay, kStart + 2 * kDay, kStart + 3 * kDay}) {
    world.now = at;
    ASSERT_TRUE(world.service->tick());
    EXPECT_EQ(current(facts), first);
  }
  world.now = kStart + 3 * kDay + 1000;
  EXPECT_REFUSED(world.service->certificates().current(facts), Reason::kUnauthorized);
  EXPECT_EQ(world.certificates(facts).size(), 1u);
  // A renewed validation brings it back.
  facts.validation = ValidationStanding::kCompleted;
  EXPECT_NE(current(facts), first);
}

// Rows: S-6-102
TEST_F(ProfileCertificatesTest, who_may_not_sign_gets_none) {
  auto refused = [this](auto change) {
    auto facts = world.profile();
    change(facts);
    EXPECT_REFUSED(world.service->certificates().current(facts), Reason::kUnauthorized);
    world.directory.put(facts);
    ASSERT_TRUE(world.service->tick());
    EXPECT_TRUE(world.certificates(facts).empty());
  };
  refused([](ProfileFacts& facts) { facts.account_standing = Standing::kSuspended; });
  refused([](ProfileFacts& facts) { facts.profile_standing = Standing::kDisabled; });
  refused([](ProfileFacts& facts) { facts.profile_standing = Standing::kSuspended; });
  refused([](ProfileFacts& facts) { facts.validation = ValidationStanding::kNotCompleted; });
  refused([](ProfileFacts& facts) { facts.validation = ValidationStanding::kLapsed; });
}

TEST_F(ProfileCertificatesTest, a_clock_that_is_set_back_gets_one_that_is_valid) {
  const auto facts = world.profile();
  world.now = kStart + 10 * kDay;
  const Bytes first = current(facts);
  world.now = kStart;
  EXPECT_NE(current(facts), first);
}

TEST_F(ProfileCertificatesTest, a_subject_that_does_not_fit_is_refused_and_leaves_no_certificate) {
  auto facts = world.profile();
  facts.subject.country = "Narnia";
  EXPECT_FALSE(world.service->certificates().current(facts));
  EXPECT_TRUE(world.certificates(facts).empty());
}

}  // namespace
}  // namespace latchkey::hub::signing
