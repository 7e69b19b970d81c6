// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/certificates/maker.h"

#include <gmock/gmock.h>

#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::array<std::uint32_t, 4> kArcs = {990309390, 766961637, 194916062, 941502583};

TEST(Profiles, durable_ekus_lie_below_the_documented_arcs) {
  EXPECT_EQ(durable_eku(ProfileType::kPublicTrust, kArcs),
            "1.3.6.1.4.1.311.97.990309390.766961637.194916062.941502583");
  EXPECT_EQ(durable_eku(ProfileType::kPrivateTrust, kArcs),
            "1.3.6.1.4.1.311.97.1.3.1.990309390.766961637.194916062.941502583");
  EXPECT_EQ(durable_eku(ProfileType::kPrivateTrustCiPolicy, kArcs),
            "1.3.6.1.4.1.311.97.1.4.1.990309390.766961637.194916062.941502583");
  // 97.1 is where the fixed ones lie.
  EXPECT_EQ(durable_eku(ProfileType::kPublicTrust, {1, 0, 2, 3}), "1.3.6.1.4.1.311.97.2.0.2.3");
  EXPECT_EQ(durable_eku(ProfileType::kPublicTrust, {0, 4294967295, 2, 3}), "1.3.6.1.4.1.311.97.2.4294967295.2.3");
}

TEST(Profiles, know_their_own_durable_eku) {
  for (int i = 0; i < 5; ++i) {
    const auto type = static_cast<ProfileType>(i);
    EXPECT_TRUE(is_durable_eku_of(type, durable_eku(type, kArcs)));
    EXPECT_FALSE(is_durable_eku_of(type, kCodeSigning));
    EXPECT_FALSE(is_durable_eku_of(type, kPublicTrustMark));
    EXPECT_FALSE(is_durable_eku_of(type, durable_eku(type, kArcs) + ".1"));
    EXPECT_FALSE(is_durable_eku_of(type, std::string(kDurableArc)));
    EXPECT_EQ(profile_type_by_name(name_of(type)), type);
  }
  EXPECT_FALSE(is_durable_eku_of(ProfileType::kPublicTrust, durable_eku(ProfileType::kPrivateTrust, kArcs)));
  EXPECT_FALSE(is_durable_eku_of(ProfileType::kPrivateTrust, durable_eku(ProfileType::kPublicTrust, kArcs)));
  EXPECT_FALSE(profile_type_by_name("publictrust"));
}

TEST(Profiles, usages_go_by_type) {
  const std::string own = "1.3.6.1.4.1.311.97.5.6.7.8";
  EXPECT_THAT(extended_key_usages(ProfileType::kPublicTrust, own), ElementsAre(kCodeSigning, kPublicTrustMark, own));
  EXPECT_THAT(extended_key_usages(ProfileType::kPrivateTrust, own), ElementsAre(kCodeSigning, own));
  EXPECT_THAT(extended_key_usages(ProfileType::kPrivateTrustCiPolicy, own), ElementsAre(own));
  EXPECT_THAT(extended_key_usages(ProfileType::kVbsEnclave, own), ElementsAre(kCodeSigning, own));
  EXPECT_THAT(extended_key_usages(ProfileType::kPublicTrustTest, own),
              ElementsAre(kCodeSigning, kLifetimeSigning, own));
}

TEST(Subjects, are_previewed_as_the_service_writes_them) {
  EXPECT_EQ(subject_text(contoso()), "CN=Contoso Inc, O=Contoso Inc, L=New York, S=New York, C=US");
  Subject full = contoso();
  full.organizational_unit = "Firmware";
  full.street = "1 Main St";
  full.postal_code = "10001";
  EXPECT_EQ(
      subject_text(full),
      "CN=Contoso Inc, O=Contoso Inc, OU=Firmware, STREET=1 Main St, L=New York, S=New York, PostalCode=10001, C=US");
}

TEST(Subjects, out_of_bounds_are_refused) {
  EXPECT_TRUE(check_subject(contoso()));
  const auto refused = [](auto change) {
    Subject subject = contoso();
    change(subject);
    return check_subject(subject).has_value() ? Status::kOk : check_subject(subject).error().status;
  };
  EXPECT_EQ(refused([](Subject& s) { s.common_name.clear(); }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](Subject& s) { s.organization.clear(); }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](Subject& s) { s.common_name = std::string(65, 'x'); }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](Subject& s) { s.common_name = std::string(64, 'x'); }), Status::kOk);
  EXPECT_EQ(refused([](Subject& s) { s.city = std::string(129, 'x'); }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](Subject& s) { s.postal_code = std::string(41, '1'); }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](Subject& s) { s.state = "New\nYork"; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](Subject& s) { s.country = "USA"; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](Subject& s) { s.country = "us"; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](Subject& s) { s.country = ""; }), Status::kOk);
}

TEST(Maker, roots_say_that_they_are_for_tests) {
  for (const TrustKind kind :
       {TrustKind::kPublic, TrustKind::kPublicTest, TrustKind::kPrivate, TrustKind::kTimestamp}) {
    World world(kind);
    EXPECT_THAT(subject_of(world.root.x509()), HasSubstr("Test"));
    EXPECT_THAT(subject_of(world.root.x509()), HasSubstr("Not For Production"));
    EXPECT_THAT(subject_of(world.root.x509()), HasSubstr(std::string(name_of(kind))));
  }
}

TEST(Maker, leaves_last_72_hours_and_chain_to_the_root) {
  World world;
  for (int i = 0; i < 5; ++i) {
    const auto type = static_cast<ProfileType>(i);
    const Certified leaf = world.leaf(type);
    EXPECT_EQ(window_of(leaf.x509()).not_after - window_of(leaf.x509()).not_before, 72 * kHour);
    EXPECT_EQ(ekus_of(leaf.x509()), extended_key_usages(type, durable_eku(type, kArcs)));
    EXPECT_EQ(subject_of(leaf.x509()), "CN=Contoso Inc,O=Contoso Inc,L=New York,ST=New York,C=US");
    EXPECT_TRUE(build_path(leaf.x509(), {world.issuing.x509()}, {world.root.x509()}, kStart));
    EXPECT_FALSE(build_path(leaf.x509(), {world.issuing.x509()}, {world.root.x509()}, kStart - 1000));
    EXPECT_FALSE(build_path(leaf.x509(), {}, {world.root.x509()}, kStart));
    EXPECT_FALSE(build_path(leaf.x509(), {world.issuing.x509()}, {}, kStart));
  }
}

TEST(Maker, rsa_3072_is_the_services_key) {
  World world;
  const Certified leaf = world.leaf(ProfileType::kPublicTrust, kStart, rsa_key());
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(leaf.x509())), 3072);
  EXPECT_EQ(algorithm_for(leaf.key.get(), Hash::kSha384), Algorithm::kRs384);
}

TEST(Maker, a_timestamper_is_for_timestamping_alone_and_says_so_critically) {
  World world;
  EXPECT_THAT(ekus_of(world.tsa.x509()), ElementsAre("1.3.6.1.5.5.7.3.8"));
  const int place = X509_get_ext_by_NID(world.tsa.x509(), NID_ext_key_usage, -1);
  EXPECT_EQ(X509_EXTENSION_get_critical(X509_get_ext(world.tsa.x509(), place)), 1);
}

TEST(Maker, refuses_windows_serials_subjects_and_ekus_that_do_not_fit) {
  World world;
  const auto key = ec_key();
  const Bytes serial = {0x11};
  LeafRequest good;
  good.subject = contoso();
  good.durable_eku = durable_eku(ProfileType::kPublicTrust, kArcs);
  good.key = key.get();
  good.serial = serial;
  good.window = {kStart, kStart + kLeafLifetimeMs};
  ASSERT_TRUE(make_leaf(good, world.issuing.issuer()));
  const auto refused = [&](auto change) {
    LeafRequest request = good;
    change(request);
    const auto made = make_leaf(request, world.issuing.issuer());
    return made ? Status::kOk : made.error().status;
  };
  EXPECT_EQ(refused([](auto& r) { r.window = {kStart, kStart}; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.window = {kStart, kStart + 4000 * kDay}; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.window = {kStart - 400 * kDay, kStart}; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.serial = {}; }), Status::kInvalidArgument);
  static const Bytes kNegative = {0x80};
  static const Bytes kLong(21, 1);
  static const Bytes kZero = {0x00, 0x01};
  EXPECT_EQ(refused([](auto& r) { r.serial = kNegative; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.serial = kLong; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.serial = kZero; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.subject.common_name.clear(); }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.durable_eku = kCodeSigning; }), Status::kInvalidArgument);
  EXPECT_EQ(refused([](auto& r) { r.type = ProfileType::kPrivateTrust; }), Status::kInvalidArgument);
}

TEST(Lists, name_the_effective_date_and_the_reason) {
  World world;
  const Certified leaf = world.leaf();
  const Certified other = world.leaf();
  const auto lists = world.lists({{revoked(leaf, kStart + kHour, RevocationReason::kSuperseded)}, {}, {}});
  const auto answer = lists.ask(leaf.x509(), world.issuing.x509(), kStart + kDay);
  ASSERT_EQ(answer.standing, RevocationLists::Standing::kRevoked);
  EXPECT_EQ(answer.revocation.effective_at, kStart + kHour);
  EXPECT_EQ(answer.revocation.reason, RevocationReason::kSuperseded);
  EXPECT_EQ(lists.ask(other.x509(), world.issuing.x509(), kStart).standing, RevocationLists::Standing::kGood);
  EXPECT_EQ(lists.ask(leaf.x509(), world.issuing.x509(), kStart - 2 * kDay).standing,
            RevocationLists::Standing::kUnknown);
}

TEST(Lists, the_six_reasons_of_a_caller) {
  const std::pair<const char*, int> reasons[] = {{"Unspecified", 0},          {"KeyCompromised", 1},
                                                 {"AffiliationChanged", 3},   {"Superseded", 4},
                                                 {"CessationOfOperation", 5}, {"PrivilegeWithdrawn", 9}};
  for (const auto& [name, code] : reasons) {
    const auto reason = revocation_reason_by_name(name);
    ASSERT_TRUE(reason) << name;
    EXPECT_EQ(static_cast<int>(*reason), code);
    EXPECT_EQ(name_of(*reason), name);
  }
  for (const char* name : {"", "keyCompromise", "CACompromised", "CertificateHold", "KeyCompromised "}) {
    EXPECT_FALSE(revocation_reason_by_name(name)) << name;
  }
}

TEST(Lists, refuse_what_is_no_list_at_every_length_and_parts_of_seconds) {
  World world;
  const Certified leaf = world.leaf();
  const Bytes list = world.list_of(world.issuing, {revoked(leaf, kStart)});
  RevocationLists lists;
  for (std::size_t size = 0; size < list.size(); ++size) {
    EXPECT_EQ(lists.add(ByteView(list.data(), size)).error().status, Status::kMalformed) << size;
  }
  Bytes longer = list;
  longer.push_back(0);
  EXPECT_FALSE(lists.add(longer));
  EXPECT_TRUE(lists.add(list));
  EXPECT_FALSE(make_revocation_list(world.issuing.issuer(), {1, kStart, kStart + kDay}, {revoked(leaf, kStart + 1)}));
}

// A bit anywhere in a list: it is no list, or nobody's, or says what it said (the bits of a signature's padding).
TEST(Lists, with_a_flipped_bit_never_say_anything_else) {
  World world;
  const Certified leaf = world.leaf();
  const Bytes list = world.list_of(world.issuing, {revoked(leaf, kStart)});
  for (std::size_t i = 0; i < list.size(); ++i) {
    Bytes flipped = list;
    flipped[i] ^= static_cast<std::uint8_t>(1U << i % 8);
    RevocationLists lists;
    if (!lists.add(flipped)) continue;
    EXPECT_EQ(lists.ask(leaf.x509(), world.issuing.x509(), kStart).standing, RevocationLists::Standing::kUnknown) << i;
  }
}

}  // namespace
}  // namespace latchkey::hub::signing::test
