// SPDX-License-Identifier: Apache-2.0
// What follows from the table, and whatever makes a signature count for nothing.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "hub/signing/base/der.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const ByteView kFile = text("firmware 1.2.0");
constexpr UnixMs kYearLater = kStart + 365 * kDay;

class Consequences : public testing::Test {
 protected:
  Verdict verdict(ByteView signature, UnixMs now, const World::Entries& entries = {}) {
    const RevocationLists lists = world.lists(entries);
    return judge_detached(signature, kFile, world.trust(lists), now);
  }
  World world;
};

// R = createdDate.
TEST_F(Consequences, revoked_from_its_creation_on_everything_that_it_signed_is_invalid) {
  const Certified leaf = world.leaf();
  const Bytes bare = world.sign(leaf, kFile);
  const World::Entries entries{{revoked(leaf, kStart)}, {}, {}};
  for (const UnixMs at : {kStart, kStart + kHour, kStart + kLeafLifetimeMs}) {
    EXPECT_FALSE(verdict(world.stamp(bare, at), kYearLater, entries).valid);
  }
  EXPECT_FALSE(verdict(bare, kStart, entries).valid);
  EXPECT_FALSE(verdict(bare, kStart + kHour, entries).valid);
}

// R = expiryDate.
TEST_F(Consequences, revoked_from_its_expiry_on_all_that_was_timestamped_before_stays_valid) {
  const Certified leaf = world.leaf();
  const Bytes bare = world.sign(leaf, kFile);
  const World::Entries entries{{revoked(leaf, kStart + kLeafLifetimeMs)}, {}, {}};
  for (const UnixMs at : {kStart, kStart + kHour, kStart + kLeafLifetimeMs - 1}) {
    EXPECT_TRUE(verdict(world.stamp(bare, at), kYearLater, entries).valid);
  }
}

TEST_F(Consequences, revoking_tuesdays_certificate_leaves_mondays_signatures_alone) {
  const Certified monday = world.leaf(ProfileType::kPublicTrust, kStart);
  const Certified tuesday = world.leaf(ProfileType::kPublicTrust, kStart + kDay);
  const Bytes by_monday = world.stamp(world.sign(monday, kFile), kStart + 26 * kHour);
  const Bytes by_tuesday = world.stamp(world.sign(tuesday, kFile), kStart + 26 * kHour);
  const World::Entries entries{{revoked(tuesday, kStart + kDay)}, {}, {}};
  EXPECT_TRUE(verdict(by_monday, kYearLater, entries).valid);
  EXPECT_FALSE(verdict(by_tuesday, kYearLater, entries).valid);
}

// Nothing of the profile is asked when a file is judged: its certificate, and the list, which a profile's end does not
// touch. A list made later (a higher number, other certificates on it) goes on naming it.
TEST_F(Consequences, revocation_outlives_the_profile) {
  const Certified leaf = world.leaf();
  const Certified of_another_profile = world.leaf();
  const Bytes signature = world.stamp(world.sign(leaf, kFile), kStart + 2 * kHour);
  const World::Entries entries{{revoked(leaf, kStart + kHour)}, {}, {}};
  RevocationLists lists = world.lists(entries);
  auto later = entries.leaves;
  later.push_back(revoked(of_another_profile, kStart + kHour));
  ASSERT_TRUE(lists.add(world.list_of(world.issuing, later, 2)));
  EXPECT_FALSE(judge_detached(signature, kFile, world.trust(lists), kYearLater).valid);
}

TEST_F(Consequences, long_expired_and_then_revoked_divides_old_signatures_by_the_date) {
  const Certified leaf = world.leaf();
  const Bytes bare = world.sign(leaf, kFile);
  const Bytes early = world.stamp(bare, kStart + 10 * kHour);
  const Bytes late = world.stamp(bare, kStart + 20 * kHour);
  EXPECT_TRUE(verdict(early, kYearLater).valid);
  EXPECT_TRUE(verdict(late, kYearLater).valid);
  const World::Entries entries{{revoked(leaf, kStart + 20 * kHour)}, {}, {}};
  EXPECT_TRUE(verdict(early, kYearLater, entries).valid);
  EXPECT_FALSE(verdict(late, kYearLater, entries).valid);
}

TEST_F(Consequences, without_a_timestamp_a_file_lives_72_hours_revoked_or_not) {
  const Certified leaf = world.leaf();
  const Bytes bare = world.sign(leaf, kFile);
  EXPECT_TRUE(verdict(bare, kStart + 72 * kHour).valid);
  EXPECT_FALSE(verdict(bare, kStart + 72 * kHour + 1).valid);
  const World::Entries entries{{revoked(leaf, kStart + 50 * kHour)}, {}, {}};
  EXPECT_FALSE(verdict(bare, kStart + 73 * kHour, entries).valid);
}

// The certificate of a CA above can be revoked, too: the date means the same.
TEST_F(Consequences, a_revoked_issuing_ca_cuts_by_its_date) {
  const Certified leaf = world.leaf();
  const Bytes bare = world.sign(leaf, kFile);
  const World::Entries entries{{}, {revoked(world.issuing, kStart + 20 * kHour)}, {}};
  EXPECT_TRUE(verdict(world.stamp(bare, kStart + 10 * kHour), kYearLater, entries).valid);
  const Verdict late = verdict(world.stamp(bare, kStart + 20 * kHour), kYearLater, entries);
  EXPECT_FALSE(late.valid);
  EXPECT_EQ(late.invalid_since, kStart + 20 * kHour);
}

TEST_F(Consequences, of_two_revocations_on_the_path_the_earlier_counts) {
  const Certified leaf = world.leaf();
  const Bytes signature = world.stamp(world.sign(leaf, kFile), kStart + 15 * kHour);
  const World::Entries entries{{revoked(leaf, kStart + 10 * kHour)}, {revoked(world.issuing, kStart + 20 * kHour)}, {}};
  EXPECT_EQ(verdict(signature, kYearLater, entries).invalid_since, kStart + 10 * kHour);
}

class TimestampRefusals : public Consequences {
 protected:
  // A year later a signature without a timestamp that counts is invalid.
  Verdict a_year_later(ByteView signature, const World::Entries& entries = {}) {
    return verdict(signature, kYearLater, entries);
  }
  void expect_not_counted(const Verdict& verdict, const std::string& problem) {
    EXPECT_FALSE(verdict.valid);
    EXPECT_EQ(verdict.reason, Reason::kOutsideValidity);
    EXPECT_FALSE(verdict.timestamp);
    EXPECT_THAT(verdict.timestamp_problem, HasSubstr(problem));
    EXPECT_THAT(sentence(verdict), HasSubstr("its timestamp does not count"));
  }
  Certified leaf = world.leaf();
  Bytes bare = world.sign(leaf, kFile);
};

TEST_F(TimestampRefusals, by_an_authority_that_nobody_trusts) {
  World other;
  expect_not_counted(a_year_later(world.stamp(bare, kStart + kHour, other.tsa)), "the timestamp's signature");
}

TEST_F(TimestampRefusals, by_an_authority_below_a_foreign_root_with_the_same_names) {
  World other;  // all of its names are the same
  ASSERT_EQ(subject_of(other.timestamp_root.x509()), subject_of(world.timestamp_root.x509()));
  const Bytes token = other.token(read_signed_data(bare)->evidence.stamped, kStart + kHour);
  expect_not_counted(a_year_later(*stamp_detached(bare, token)), "the timestamp's signature");
}

TEST_F(TimestampRefusals, over_another_signature) {
  const Bytes other = world.sign(leaf, text("another file"));
  const Bytes token = world.token(read_signed_data(other)->evidence.stamped, kStart + kHour);
  expect_not_counted(a_year_later(*stamp_detached(bare, token)), "over something else");
}

// A signature that is made again by the same key over the same file is another one (ECDSA).
TEST_F(TimestampRefusals, over_an_earlier_signature_of_the_same_file) {
  const Bytes again = world.sign(leaf, kFile);
  ASSERT_NE(again, bare);
  const Bytes token = world.token(read_signed_data(again)->evidence.stamped, kStart + kHour);
  expect_not_counted(a_year_later(*stamp_detached(bare, token)), "over something else");
}

TEST_F(TimestampRefusals, by_a_certificate_for_signing_code) {
  // The authority itself would not start with it; somebody else's software might.
  EXPECT_FALSE(
      TimestampAuthority::make(openssl::X509Ptr(X509_dup(leaf.x509())), ec_key(), nullptr, {}, [] { return kStart; }));
}

TEST_F(TimestampRefusals, when_the_authoritys_certificate_was_not_valid_then) {
  const Certified later = world.timestamper({kStart + 2 * kHour, kStart + 365 * kDay});
  // A clock that runs ahead of the certificate's beginning is refused by the authority itself.
  world.clock = kStart + kHour;
  const auto request = make_timestamp_request(Hash::kSha256, bare, {});
  EXPECT_FALSE(token_of_response(world.authority(later).answer(*request)));
}

TEST_F(TimestampRefusals, from_the_future) {
  const Bytes signature = world.stamp(bare, kStart + 10 * kHour);
  const Verdict early = verdict(signature, kStart + 5 * kHour);
  EXPECT_TRUE(early.valid);  // as if it had none
  EXPECT_EQ(early.valid_until, kStart + kLeafLifetimeMs);
  EXPECT_THAT(early.timestamp_problem, HasSubstr("future"));
}

TEST_F(TimestampRefusals, garbage) {
  expect_not_counted(a_year_later(*stamp_detached(bare, Bytes{0x30, 0x03, 0x02, 0x01, 0x05})), "not a timestamp token");
}

// A bad token means no timestamp: within the certificate's validity that does no harm.
TEST_F(TimestampRefusals, leave_what_is_valid_without_one) {
  World other;
  const Verdict within = verdict(world.stamp(bare, kStart + kHour, other.tsa), kStart + 40 * kHour);
  EXPECT_TRUE(within.valid);
  EXPECT_EQ(within.valid_until, kStart + kLeafLifetimeMs);
  EXPECT_FALSE(within.timestamp_problem.empty());
}

// RFC 3161 section 4, reason by reason.
struct AuthorityRevoked {
  std::optional<RevocationReason> reason;
  bool old_tokens_stay;
};
class RevokedAuthority : public TimestampRefusals, public testing::WithParamInterface<AuthorityRevoked> {};

TEST_P(RevokedAuthority, keeps_or_loses_the_tokens_from_before) {
  const UnixMs effective = kStart + 20 * kHour;
  const World::Entries entries{{}, {}, {revoked(world.tsa, effective, GetParam().reason)}};
  EXPECT_EQ(a_year_later(world.stamp(bare, effective - 1), entries).valid, GetParam().old_tokens_stay);
  EXPECT_FALSE(a_year_later(world.stamp(bare, effective), entries).valid);
  EXPECT_FALSE(a_year_later(world.stamp(bare, effective + kHour), entries).valid);
  // Its accuracy counts against it.
  EXPECT_FALSE(a_year_later(world.stamp(bare, effective - 1000, world.tsa, 1000), entries).valid);
}

INSTANTIATE_TEST_SUITE_P(, RevokedAuthority,
                         testing::Values(AuthorityRevoked{RevocationReason::kUnspecified, true},
                                         AuthorityRevoked{RevocationReason::kAffiliationChanged, true},
                                         AuthorityRevoked{RevocationReason::kSuperseded, true},
                                         AuthorityRevoked{RevocationReason::kCessationOfOperation, true},
                                         AuthorityRevoked{std::nullopt, false},
                                         AuthorityRevoked{RevocationReason::kKeyCompromise, false},
                                         AuthorityRevoked{RevocationReason::kCaCompromise, false},
                                         AuthorityRevoked{RevocationReason::kPrivilegeWithdrawn, false}),
                         [](const auto& tested) {
                           return tested.param.reason ? std::string(name_of(*tested.param.reason)) : "WithoutAReason";
                         });

class Refusals : public Consequences {
 protected:
  Certified leaf = world.leaf();
  Bytes signature = world.stamp(world.sign(leaf, kFile), kStart + kHour);
};

TEST_F(Refusals, another_content) {
  const RevocationLists lists = world.lists();
  const Verdict changed = judge_detached(signature, text("firmware 1.2.1"), world.trust(lists), kYearLater);
  EXPECT_EQ(changed.reason, Reason::kContentChanged);
  EXPECT_FALSE(changed.invalid_since);
}

TEST_F(Refusals, a_foreign_root_with_the_same_names) {
  World other;
  const Certified theirs = other.leaf();
  ASSERT_EQ(subject_of(other.root.x509()), subject_of(world.root.x509()));
  ASSERT_EQ(subject_of(theirs.x509()), subject_of(leaf.x509()));
  const Verdict foreign = verdict(other.sign(theirs, kFile), kStart + kHour);
  EXPECT_EQ(foreign.reason, Reason::kUntrusted);
}

// Even when our own issuing CA's certificate is put beside it.
TEST_F(Refusals, a_leaf_by_a_foreign_ca_with_our_cas_certificate_beside_it) {
  World other;
  const Certified theirs = other.leaf();
  const Draft draft = draft_detached(Algorithm::kEs256, digest_of(Hash::kSha256, kFile));
  const Bytes made = *draft.finish(*sign_digest(theirs.key.get(), Algorithm::kEs256, draft.digest()),
                                   {theirs.x509(), world.issuing.x509()});
  EXPECT_EQ(verdict(made, kStart + kHour).reason, Reason::kUntrusted);
}

TEST_F(Refusals, a_ca_that_signs_files_itself) {
  const Bytes made = world.sign(world.issuing, kFile);
  EXPECT_EQ(verdict(made, kStart + kHour).reason, Reason::kWrongUsage);
}

TEST_F(Refusals, a_ca_that_signs_files_itself_though_it_has_the_usage_for_code) {
  Certified ca;
  ca.key = ec_key();
  const Bytes usages = der::sequence({der::oid(kCodeSigning)});
  const Bytes serial = world.serial();
  openssl::CertificateBuilder builder;
  builder.serial(serial)
      .subject("A CA")
      .issuer(world.root.x509())
      .validity(kStart, kStart + kDay)
      .public_key(ca.key.get());
  builder.authority(0).key_usage(KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN);
  ca.certificate = builder.extension("2.5.29.37", openssl::Critical::kNo, usages).sign(world.root.key.get());
  ASSERT_TRUE(ca.certificate);
  EXPECT_EQ(verdict(world.sign(ca, kFile), kStart + kHour).reason, Reason::kWrongUsage);
}

TEST_F(Refusals, a_timestamper_that_signs_files) {
  const Bytes made = world.sign(world.tsa, kFile);
  EXPECT_EQ(verdict(made, kStart + kHour).reason, Reason::kWrongUsage);
}

TEST_F(Refusals, another_profile_than_the_pinned_one) {
  const RevocationLists lists = world.lists();
  Trust trust = world.trust(lists);
  trust.durable_eku = durable_eku(ProfileType::kPublicTrust, {990309390, 766961637, 194916062, 941502583});
  EXPECT_TRUE(judge_detached(signature, kFile, trust, kYearLater).valid);
  trust.durable_eku = durable_eku(ProfileType::kPublicTrust, {990309390, 766961637, 194916062, 941502584});
  EXPECT_EQ(judge_detached(signature, kFile, trust, kYearLater).reason, Reason::kWrongProfile);
}

TEST_F(Refusals, no_list_says_anything_and_the_other_way_when_asked_for) {
  const RevocationLists none;
  Trust trust = world.trust(none);
  EXPECT_EQ(judge_detached(signature, kFile, trust, kYearLater).reason, Reason::kRevocationUnknown);
  trust.unknown = UnknownRevocation::kAccept;
  EXPECT_TRUE(judge_detached(signature, kFile, trust, kYearLater).valid);
}

TEST_F(Refusals, the_list_has_lapsed) {
  const Verdict late = verdict(signature, kStart + 3651 * kDay);
  EXPECT_EQ(late.reason, Reason::kRevocationUnknown);
  EXPECT_THAT(late.detail, HasSubstr("lapsed"));
}

TEST_F(Refusals, an_older_list_does_not_undo_a_newer_one) {
  RevocationLists lists = world.lists();
  ASSERT_TRUE(lists.add(world.list_of(world.issuing, {revoked(leaf, kStart)}, 7)));
  ASSERT_TRUE(lists.add(world.list_of(world.issuing, {}, 6)));
  EXPECT_EQ(judge_detached(signature, kFile, world.trust(lists), kYearLater).reason, Reason::kRevoked);
}

TEST_F(Refusals, a_list_by_another_ca_of_the_same_name_says_nothing) {
  World other;
  RevocationLists lists = world.lists({{revoked(leaf, kStart)}, {}, {}});
  ASSERT_TRUE(lists.add(other.list_of(other.issuing, {}, 99)));
  EXPECT_EQ(judge_detached(signature, kFile, world.trust(lists), kYearLater).reason, Reason::kRevoked);
}

TEST(CiPolicy, is_signed_without_the_usage_for_code) {
  World world(TrustKind::kPrivate);
  const Certified leaf = world.leaf(ProfileType::kPrivateTrustCiPolicy);
  const RevocationLists lists = world.lists();
  const auto usages = ekus_of(leaf.x509());
  ASSERT_EQ(usages.size(), 1U);
  EXPECT_TRUE(judge_detached(world.sign(leaf, kFile), kFile, world.trust(lists), kStart + kHour).valid);
}

TEST(Words, of_a_revoked_file) {
  World world;
  const Certified leaf = world.leaf();
  const Bytes signature = world.stamp(world.sign(leaf, kFile), kStart + 20 * kHour);
  const RevocationLists lists = world.lists({{revoked(leaf, kStart + 10 * kHour)}, {}, {}});
  const Verdict verdict = judge_detached(signature, kFile, world.trust(lists), kYearLater);
  EXPECT_EQ(sentence(verdict),
            "Not valid since 2026-01-01T10:00:00.000Z: the certificate is revoked from 2026-01-01T10:00:00.000Z on "
            "(KeyCompromised), and the signature was made at 2026-01-01T20:00:00.000Z.");
  const auto json = to_json(verdict);
  EXPECT_EQ(json["valid"], false);
  EXPECT_EQ(json["reason"], "revoked");
  EXPECT_EQ(json["invalidSince"], "2026-01-01T10:00:00.000Z");
  EXPECT_EQ(json["revocation"]["effectiveAt"], "2026-01-01T10:00:00.000Z");
  EXPECT_EQ(json["revocation"]["reason"], "KeyCompromised");
  EXPECT_EQ(json["timestamp"]["at"], "2026-01-01T20:00:00.000Z");
  EXPECT_EQ(json["certificate"]["notAfter"], "2026-01-04T00:00:00.000Z");
  EXPECT_FALSE(json.contains("validUntil"));
}

TEST(Words, of_valid_files) {
  World world;
  const Certified leaf = world.leaf();
  const Bytes bare = world.sign(leaf, kFile);
  const RevocationLists lists = world.lists();
  const Verdict until = judge_detached(bare, kFile, world.trust(lists), kStart + kHour);
  EXPECT_THAT(sentence(until), StartsWith("Valid until 2026-01-04T00:00:00.000Z: signed by CN=Contoso Inc,"));
  EXPECT_THAT(sentence(until), EndsWith("with nothing to prove when."));
  const Verdict for_ever = judge_detached(world.stamp(bare, kStart), kFile, world.trust(lists), kYearLater);
  EXPECT_THAT(sentence(for_ever), StartsWith("Valid: signed by CN=Contoso Inc,"));
  EXPECT_THAT(sentence(for_ever), HasSubstr("at 2026-01-01T00:00:00.000Z, as CN=Latchkey Test TSA"));
  EXPECT_EQ(to_json(for_ever)["sentence"], sentence(for_ever));
}

TEST(Words, of_every_reason_end_in_a_full_stop_and_name_it) {
  for (int reason = 0; reason <= static_cast<int>(Reason::kLifetimeOver); ++reason) {
    Verdict verdict;
    verdict.reason = static_cast<Reason>(reason);
    verdict.valid = verdict.reason == Reason::kGood;
    verdict.detail = "details";
    verdict.revocation = Revocation{kStart, std::nullopt};
    EXPECT_THAT(sentence(verdict), EndsWith("."));
    EXPECT_EQ(to_json(verdict)["reason"], name_of(verdict.reason));
  }
}

}  // namespace
}  // namespace latchkey::hub::signing::test
