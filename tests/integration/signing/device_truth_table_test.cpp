// SPDX-License-Identifier: Apache-2.0
// The truth table of docs/signing.md over real firmware bundles, with three judges: the host's verdict, OpenSSL's
// command line as far as it can judge, and the device's verifier with a revocation statement in place of lists. They
// must agree.
//
// OpenSSL knows no bundles and no effective date. It is asked what it can say: is the signature right, was the
// certificate valid at that time, is the token good. The row's table is applied to that.
#include <gtest/gtest.h>

#include "hub/signing/verification/trust_store.h"
#include "tests/integration/signing/workbench.h"
#include "tests/unit/agent/update/firmware_world.h"
#include "tests/unit/hub/signing/truth_table.h"

namespace latchkey::tests {
namespace {

using namespace agent::test;  // NOLINT: the test is about that room
using agent::Envelope;
using agent::Reason;
using hub::signing::test::moment;
using hub::signing::test::Row;
using hub::signing::test::truth_table;

struct BundleCase {
  Certified leaf;
  Bytes bundle;
  World::Entries entries;
};
BundleCase make_bundle_case(FirmwareWorld& world, const Row& row) {
  BundleCase made;
  made.leaf = world.leaf(row.lifetime ? ProfileType::kPublicTrustTest : ProfileType::kPublicTrust);
  Release release;
  release.stamped_at = moment(row.stamped);
  release.accuracy_ms = row.accuracy_ms;
  made.bundle = world.bundle(made.leaf, release);
  if (row.revoked) made.entries.leaves.push_back(revoked(made.leaf, *moment(row.revoked)));
  return made;
}

hub::signing::Verdict host_verdict(FirmwareWorld& world, const BundleCase& one, UnixMs now) {
  const auto lists = world.lists(one.entries);
  auto trust = world.trust(lists);
  return hub::signing::verify_file(one.bundle, std::nullopt, trust, now);
}

Reason device_verdict(FirmwareWorld& world, const BundleCase& one, UnixMs now) {
  const Bytes statement = world.revocation_statement(one.entries);
  const auto revocations = world.revocations(statement);
  return verdict_on(one.bundle, world.device_trust(&revocations), world.device(), now);
}

class OpensslJudge {
 public:
  OpensslJudge(FirmwareWorld& world, const BundleCase& one)
      : end_(hub::signing::window_of(one.leaf.x509()).not_after), envelope_(agent::read_bundle(one.bundle)->envelope) {
    bench_.certificates("root", {world.root.x509()});
    bench_.certificates("issuing", {world.issuing.x509()});
    bench_.certificates("leaf", {one.leaf.x509()});
    bench_.certificates("tsa-root", {world.timestamp_root.x509()});
  }

  bool valid(const Row& row) {
    if (!signature_right()) return false;
    const std::optional<UnixMs> stamped = row.stamped ? token_time() : std::nullopt;
    if (row.stamped && !stamped) return false;
    const UnixMs proven = stamped ? *stamped : moment(row.now);
    if (!in_validity_at(proven)) return false;
    if (row.revoked && proven + (stamped ? row.accuracy_ms : 0) >= *moment(row.revoked)) return false;
    return !row.lifetime || in_validity_at(moment(row.now));
  }

 private:
  // openssl dgst over Sig_structure, put together here by hand.
  bool signature_right() {
    Bytes text;
    hub::signing::append(text, ByteView(std::string_view("\x84\x6aSignature1")));
    text.push_back(static_cast<std::uint8_t>(0x40 + envelope_.protected_header.size()));
    hub::signing::append(text, envelope_.protected_header);
    text.push_back(0x40);
    const auto size = envelope_.payload.size();
    text.push_back(0x58);
    text.push_back(static_cast<std::uint8_t>(size));
    EXPECT_TRUE(size >= 24 && size < 256);
    hub::signing::append(text, envelope_.payload);
    bench_.put("signed", text);
    bench_.put("signature", *hub::signing::ecdsa_to_der(Algorithm::kEs256, envelope_.signature));
    const auto key = bench_.openssl({"x509", "-in", bench_.path("leaf"), "-noout", "-pubkey"});
    bench_.put("key", ByteView(key.out));
    return bench_
               .openssl({"dgst", "-sha256", "-verify", bench_.path("key"), "-signature", bench_.path("signature"),
                         bench_.path("signed")})
               .exit_status == 0;
  }
  // notAfter itself counts as expired for OpenSSL; RFC 5280 includes it.
  bool in_validity_at(UnixMs at) {
    return bench_
               .openssl({"verify", "-attime", seconds(at == end_ ? at - 1000 : at), "-CAfile", bench_.path("root"),
                         "-untrusted", bench_.path("issuing"), bench_.path("leaf")})
               .exit_status == 0;
  }
  std::optional<UnixMs> token_time() {
    bench_.put("token", envelope_.token);
    bench_.put("stamped", envelope_.stamped);
    const auto shown = bench_.openssl({"ts", "-reply", "-token_in", "-in", bench_.path("token"), "-text"});
    const UnixMs at = printed_time(behind(shown.out, "Time stamp: "));
    const auto verified =
        bench_.openssl({"ts", "-verify", "-data", bench_.path("stamped"), "-token_in", "-in", bench_.path("token"),
                        "-CAfile", bench_.path("tsa-root"), "-attime", seconds(at)});
    EXPECT_EQ(verified.exit_status, 0) << verified.err;
    return verified.exit_status == 0 && at > 0 ? std::optional(at) : std::nullopt;
  }

  UnixMs end_;
  Envelope envelope_;
  Workbench bench_;
};

class DeviceTruthTable : public testing::TestWithParam<Row> {};

TEST_P(DeviceTruthTable, three_judges_say_what_the_row_says) {
  const Row& row = GetParam();
  FirmwareWorld world;
  const BundleCase one = make_bundle_case(world, row);
  const auto host = host_verdict(world, one, moment(row.now));
  EXPECT_EQ(host.valid, row.valid) << sentence(host);
  EXPECT_EQ(host.reason, row.reason) << sentence(host);
  const Reason device = device_verdict(world, one, moment(row.now));
  EXPECT_EQ(device == Reason::kGood, row.valid) << name_of(device);
  EXPECT_EQ(name_of(device), name_of(row.reason));
  EXPECT_EQ(OpensslJudge(world, one).valid(row), row.valid);
}

INSTANTIATE_TEST_SUITE_P(, DeviceTruthTable, testing::ValuesIn(truth_table()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// A revoked timestamping authority, row by row of RFC 3161 section 4: the reason, whether the token comes from before,
// and whether it counts. Seen long after the certificate's end, where a bundle without a timestamp is not valid.
struct StampRow {
  const char* name;
  std::optional<RevocationReason> reason;
  UnixMs revoked_at;
  bool counts;
};
void PrintTo(const StampRow& row, std::ostream* out) { *out << row.name; }
constexpr UnixMs kBefore = kStart;  // tokens are made an hour later
constexpr UnixMs kAfter = kStart + 2 * kHour;
constexpr UnixMs kThen = kStart + kHour;

class DeviceStampTable : public testing::TestWithParam<StampRow> {};

TEST_P(DeviceStampTable, host_and_device_agree) {
  const StampRow& row = GetParam();
  FirmwareWorld world;
  BundleCase one;
  one.leaf = world.leaf();
  one.bundle = world.bundle(one.leaf);
  one.entries.timestampers.push_back(revoked(world.tsa, row.revoked_at, row.reason));
  EXPECT_EQ(host_verdict(world, one, kYearLater).valid, row.counts);
  EXPECT_EQ(device_verdict(world, one, kYearLater), row.counts ? Reason::kGood : Reason::kOutsideValidity);
}

INSTANTIATE_TEST_SUITE_P(
    , DeviceStampTable,
    testing::Values(StampRow{"unspecified_later", RevocationReason::kUnspecified, kAfter, true},
                    StampRow{"unspecified_from_then_on", RevocationReason::kUnspecified, kThen, false},
                    StampRow{"unspecified_before", RevocationReason::kUnspecified, kBefore, false},
                    StampRow{"affiliation_changed_later", RevocationReason::kAffiliationChanged, kAfter, true},
                    StampRow{"superseded_later", RevocationReason::kSuperseded, kAfter, true},
                    StampRow{"superseded_before", RevocationReason::kSuperseded, kBefore, false},
                    StampRow{"cessation_later", RevocationReason::kCessationOfOperation, kAfter, true},
                    StampRow{"key_compromise_later", RevocationReason::kKeyCompromise, kAfter, false},
                    StampRow{"ca_compromise_later", RevocationReason::kCaCompromise, kAfter, false},
                    StampRow{"privilege_withdrawn_later", RevocationReason::kPrivilegeWithdrawn, kAfter, false},
                    StampRow{"without_a_reason_later", std::nullopt, kAfter, false}),
    [](const auto& tested) { return std::string(tested.param.name); });

// Foreign ones of the same names: the device goes by keys.
TEST(DeviceVerdict, a_chain_to_a_foreign_root_with_the_same_names_is_untrusted) {
  FirmwareWorld world;
  FirmwareWorld stranger;
  BundleCase one;
  one.leaf = stranger.leaf();
  one.bundle = stranger.bundle(one.leaf);
  EXPECT_EQ(host_verdict(world, one, kYearLater).reason, hub::signing::Reason::kUntrusted);
  EXPECT_EQ(device_verdict(world, one, kYearLater), Reason::kUntrusted);
}

TEST(DeviceVerdict, a_timestamp_by_another_authority_does_not_count) {
  FirmwareWorld world;
  FirmwareWorld stranger;
  BundleCase one;
  one.leaf = world.leaf();
  Release bare;
  bare.stamped_at = std::nullopt;
  const Bytes envelope = world.envelope(one.leaf, bare);
  const Bytes token = stranger.token(*hub::signing::stamped_by(envelope), kStart + kHour);
  one.bundle = hub::signing::join_bundle(*hub::signing::stamp_envelope(envelope, token), bare.image);
  EXPECT_EQ(host_verdict(world, one, kYearLater).reason, hub::signing::Reason::kOutsideValidity);
  EXPECT_EQ(device_verdict(world, one, kYearLater), Reason::kOutsideValidity);
  EXPECT_EQ(device_verdict(world, one, kStart + 2 * kHour), Reason::kGood);  // as one without a timestamp
}

TEST(DeviceVerdict, a_timestamp_over_something_else_does_not_count) {
  FirmwareWorld world;
  BundleCase one;
  one.leaf = world.leaf();
  Release bare;
  bare.stamped_at = std::nullopt;
  const Bytes envelope = world.envelope(one.leaf, bare);
  const Bytes token = world.token(ByteView(std::string_view("another signature")), kStart + kHour);
  one.bundle = hub::signing::join_bundle(*hub::signing::stamp_envelope(envelope, token), bare.image);
  EXPECT_FALSE(host_verdict(world, one, kYearLater).valid);
  EXPECT_EQ(device_verdict(world, one, kYearLater), Reason::kOutsideValidity);
}

TEST(DeviceVerdict, a_timestamp_from_the_future_does_not_count_yet) {
  FirmwareWorld world;
  BundleCase one;
  one.leaf = world.leaf();
  Release release;
  release.stamped_at = kStart + 20 * kHour;
  one.bundle = world.bundle(one.leaf, release);
  EXPECT_EQ(device_verdict(world, one, kStart - kHour), Reason::kOutsideValidity);
  EXPECT_EQ(host_verdict(world, one, kStart - kHour).valid, false);
  EXPECT_EQ(device_verdict(world, one, kYearLater), Reason::kGood);
}

TEST(DeviceVerdict, the_date_of_a_revoked_issuing_ca_counts_as_the_certificates) {
  for (const UnixMs at : {kThen, kAfter}) {
    FirmwareWorld world;
    BundleCase one;
    one.leaf = world.leaf();
    one.bundle = world.bundle(one.leaf);
    one.entries.issuing_cas.push_back(revoked(world.issuing, at));
    const bool valid = at > kThen;
    EXPECT_EQ(host_verdict(world, one, kYearLater).valid, valid);
    EXPECT_EQ(device_verdict(world, one, kYearLater), valid ? Reason::kGood : Reason::kRevoked);
  }
}

}  // namespace
}  // namespace latchkey::tests
