// SPDX-License-Identifier: Apache-2.0
#include "agent/update/verifier.h"

#include <openssl/ec.h>

#include "hub/signing/verification/trust_store.h"
#include "tests/unit/agent/update/firmware_world.h"

namespace latchkey::agent::test {
namespace {

class VerifierTest : public testing::Test {
 protected:
  Reason verdict(const Bytes& given, std::size_t piece = 4096, std::optional<UnixMs> now = kYearLater) {
    return verdict_on(given, world.device_trust(&known), device, now, piece);
  }
  bool host_says_valid(const Bytes& given) {
    const auto lists = world.lists();
    return hub::signing::verify_file(given, std::nullopt, world.trust(lists), kYearLater).valid;
  }

  FirmwareWorld world;
  Certified leaf = world.leaf();
  Release release;
  Bytes envelope = world.envelope(leaf, release);
  Bytes bundle = hub::signing::join_bundle(envelope, release.image);
  Bytes statement = world.revocation_statement();
  Revocations known = world.revocations(statement);
  DeviceFacts device = world.device();
};

TEST_F(VerifierTest, takes_a_bundle_in_pieces_of_any_size) {
  for (const std::size_t piece : {1UL, 2UL, 13UL, 100UL, 1000UL, 5000UL, bundle.size()}) {
    EXPECT_EQ(verdict(bundle, piece), Reason::kGood) << piece;
  }
}

TEST_F(VerifierTest, hands_out_the_image_and_nothing_else) {
  for (const std::size_t piece : {1UL, 11UL, 4096UL, bundle.size()}) {
    VerifierRoom room;
    Verifier verifier(room);
    const UpdateTrust trust = world.device_trust(&known);
    verifier.begin(trust, device, kYearLater);
    Bytes image;
    for (std::size_t at = 0; at < bundle.size(); at += piece) {
      const auto taken = verifier.take(ByteView(bundle).subview(at, piece));
      ASSERT_TRUE(taken);
      EXPECT_TRUE(taken->image.empty() || taken->at == image.size());
      hub::signing::append(image, taken->image);
      verifier.absorb(taken->image);
    }
    EXPECT_EQ(image, release.image);
    EXPECT_EQ(verifier.finish(), Reason::kGood);
    EXPECT_EQ(verifier.manifest().version, release.version);
  }
}

TEST_F(VerifierTest, no_image_leaves_before_the_envelope_is_judged) {
  Bytes foreign = bundle;
  foreign[envelope.size() - 1] ^= 1;  // the signature's last byte
  VerifierRoom room;
  Verifier verifier(room);
  verifier.begin(world.device_trust(&known), device, kYearLater);
  const auto taken = verifier.take(foreign);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error(), Reason::kSignatureWrong);
  EXPECT_EQ(verifier.finish(), Reason::kSignatureWrong);
}

TEST_F(VerifierTest, a_bundle_cut_at_every_piece_is_unreadable) {
  constexpr std::size_t kPiece = 256;
  for (std::size_t size = 0; size < bundle.size(); size += kPiece) {
    EXPECT_EQ(verdict(Bytes(bundle.begin(), bundle.begin() + static_cast<std::ptrdiff_t>(size)), kPiece),
              Reason::kUnreadable)
        << size;
  }
  EXPECT_EQ(verdict(Bytes(bundle.begin(), bundle.end() - 1)), Reason::kUnreadable);
}

TEST_F(VerifierTest, anything_behind_the_image_is_refused) {
  Bytes longer = bundle;
  longer.push_back(0);
  EXPECT_EQ(verdict(longer), Reason::kUnreadable);
  EXPECT_EQ(verdict(longer, 1), Reason::kUnreadable);
}

TEST_F(VerifierTest, one_flipped_bit_at_every_byte_of_the_manifest_is_refused) {
  const auto read = read_bundle(bundle);
  const auto begin = static_cast<std::size_t>(read->envelope.payload.data() - bundle.data());
  for (std::size_t at = begin; at < begin + read->envelope.payload.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = bundle;
      flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ 1 << bit);
      const Reason reason = verdict(flipped);
      EXPECT_TRUE(reason == Reason::kSignatureWrong || reason == Reason::kUnreadable) << at << " " << name_of(reason);
    }
  }
}

TEST_F(VerifierTest, one_flipped_bit_in_the_image_is_changed_content) {
  for (std::size_t at = bundle.size() - release.image.size(); at < bundle.size(); at += 499) {
    Bytes flipped = bundle;
    flipped[at] ^= 0x10;
    EXPECT_EQ(verdict(flipped), Reason::kContentChanged) << at;
  }
}

// Bits of the token that nobody signed may be flipped without harm; then the host says so too.
TEST_F(VerifierTest, of_a_flipped_bit_anywhere_in_the_envelope_the_device_thinks_no_better_than_the_host) {
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < envelope.size(); at += 19) {
    Bytes flipped = bundle;
    flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ 1 << at % 8);
    ++tried;
    if (verdict(flipped) != Reason::kGood) {
      ++refused;
    } else {
      EXPECT_TRUE(host_says_valid(flipped)) << at;
    }
  }
  EXPECT_GT(refused, tried * 9 / 10);
}

struct Signed {
  const char* name;
  Algorithm algorithm;
  const char* curve;  // null: RSA-3072
};
void PrintTo(const Signed& row, std::ostream* out) { *out << row.name; }
class VerifierAlgorithm : public testing::TestWithParam<Signed> {};
TEST_P(VerifierAlgorithm, is_verified_and_one_flipped_bit_is_not) {
  FirmwareWorld world;
  openssl::PkeyPtr key =
      GetParam().curve == nullptr ? hub::signing::test::rsa_key() : openssl::PkeyPtr(EVP_EC_gen(GetParam().curve));
  const Certified leaf = world.leaf(ProfileType::kPublicTrust, kStart, std::move(key));
  Release release;
  release.algorithm = GetParam().algorithm;
  Bytes bundle = world.bundle(leaf, release);
  const Bytes statement = world.revocation_statement();
  const Revocations known = world.revocations(statement);
  const UpdateTrust trust = world.device_trust(&known);
  EXPECT_EQ(verdict_on(bundle, trust, world.device(), kYearLater), Reason::kGood);
  const auto signature = read_bundle(bundle)->envelope.signature;
  bundle[static_cast<std::size_t>(signature.data() - bundle.data()) + signature.size() / 2] ^= 4;
  EXPECT_EQ(verdict_on(bundle, trust, world.device(), kYearLater), Reason::kSignatureWrong);
}
INSTANTIATE_TEST_SUITE_P(
    , VerifierAlgorithm,
    testing::Values(Signed{"RS256", Algorithm::kRs256, nullptr}, Signed{"RS384", Algorithm::kRs384, nullptr},
                    Signed{"RS512", Algorithm::kRs512, nullptr}, Signed{"PS256", Algorithm::kPs256, nullptr},
                    Signed{"PS384", Algorithm::kPs384, nullptr}, Signed{"PS512", Algorithm::kPs512, nullptr},
                    Signed{"ES256", Algorithm::kEs256, "P-256"}, Signed{"ES384", Algorithm::kEs384, "P-384"},
                    Signed{"ES512", Algorithm::kEs512, "P-521"}, Signed{"ES256K", Algorithm::kEs256k, "secp256k1"}),
    [](const auto& tested) { return std::string(tested.param.name); });

// ---- What the device asks beyond the signature

TEST_F(VerifierTest, another_board_is_refused) {
  release.board = "pump-controller-3";
  EXPECT_EQ(verdict(world.bundle(leaf, release)), Reason::kWrongBoard);
}

TEST_F(VerifierTest, versions_below_the_floor_are_refused_and_the_floor_itself_is_not) {
  device.floor = {1, 2, 0};
  EXPECT_EQ(verdict(bundle), Reason::kGood);
  device.floor = {1, 2, 1};
  EXPECT_EQ(verdict(bundle), Reason::kTooOld);
}

TEST_F(VerifierTest, dependencies_must_be_there_and_recent_enough) {
  release.dependencies = {{"bootloader", {2, 0, 0}}, {"radio", {1, 0, 0}}};
  const Bytes wanting = world.bundle(leaf, release);
  EXPECT_EQ(verdict(wanting), Reason::kMissingDependency);
  std::array<Dependency, 2> own = {{{"radio", {1, 0, 0}}, {"bootloader", {1, 9, 9}}}};
  device.components = own.data();
  device.component_count = own.size();
  EXPECT_EQ(verdict(wanting), Reason::kMissingDependency);
  own[1].at_least = {2, 0, 0};
  EXPECT_EQ(verdict(wanting), Reason::kGood);
}

TEST_F(VerifierTest, an_image_beyond_the_slot_is_refused) {
  device.slot_size = release.image.size();
  EXPECT_EQ(verdict(bundle), Reason::kGood);
  device.slot_size = release.image.size() - 1;
  EXPECT_EQ(verdict(bundle), Reason::kTooLarge);
}

TEST_F(VerifierTest, without_a_clock_nothing_is_said) {
  EXPECT_EQ(verdict(bundle, 4096, std::nullopt), Reason::kClockNotSet);
}

TEST_F(VerifierTest, a_profile_that_is_not_pinned_is_refused) {
  UpdateTrust trust = world.device_trust(&known);
  trust.pins = Pins();
  EXPECT_EQ(verdict_on(bundle, trust, device, kYearLater), Reason::kWrongProfile);  // no pin: nobody
  trust.pins.add(world.ekus[2]);
  EXPECT_EQ(verdict_on(bundle, trust, device, kYearLater), Reason::kWrongProfile);
  trust.pins.add(world.ekus[0]);
  EXPECT_EQ(verdict_on(bundle, trust, device, kYearLater), Reason::kGood);
}

TEST_F(VerifierTest, what_nobody_speaks_of_is_unknown_unless_that_is_accepted) {
  UpdateTrust trust = world.device_trust(nullptr);
  EXPECT_EQ(verdict_on(bundle, trust, device, kYearLater), Reason::kRevocationUnknown);
  trust.unknown = UnknownRevocation::kAccept;
  EXPECT_EQ(verdict_on(bundle, trust, device, kYearLater), Reason::kGood);
}

TEST_F(VerifierTest, a_certificate_that_is_not_for_code_is_refused) {
  Certified stamper;
  stamper.key = hub::signing::test::ec_key();
  const Bytes serial = world.serial();
  stamper.certificate = std::move(*hub::signing::make_timestamper(
      "Not a signer", stamper.key.get(), serial, {kStart, kStart + 72 * kHour}, world.issuing.issuer()));
  EXPECT_EQ(verdict(world.bundle(stamper)), Reason::kWrongUsage);
  Certified authority = world.make_ca(hub::signing::TrustKind::kPublic, &world.root);
  EXPECT_EQ(verdict(world.bundle(authority)), Reason::kWrongUsage);
}

// Chains that are longer than ours.
class VerifierChain : public VerifierTest {
 protected:
  Certified leaf_below(const Certified& issuer) {
    Certified made;
    made.key = hub::signing::test::ec_key();
    hub::signing::LeafRequest request;
    request.subject = hub::signing::test::contoso();
    request.durable_eku = eku_of(ProfileType::kPublicTrust);
    request.key = made.key.get();
    const Bytes serial = world.serial();
    request.serial = serial;
    request.window = {kStart, kStart + 72 * kHour};
    made.certificate = std::move(*hub::signing::make_leaf(request, issuer.issuer()));
    return made;
  }
  Reason verdict_on_chain(const Certified& signer, const std::vector<X509*>& chain) {
    BundleManifest manifest;
    manifest.board = kBoard;
    manifest.version = {1, 2, 0};
    manifest.size = release.image.size();
    manifest.sha256 = hub::signing::digest_of(hub::signing::Hash::kSha256, release.image);
    const auto draft = hub::signing::BundleDraft::make(manifest, Algorithm::kEs256);
    const auto signature = hub::signing::sign_digest(signer.key.get(), Algorithm::kEs256, draft->digest());
    const Bytes made = *draft->finish(*signature, chain);
    const Bytes stamped =
        *hub::signing::stamp_envelope(made, world.token(*hub::signing::stamped_by(made), kStart + kHour));
    UpdateTrust trust = world.device_trust(&known);
    trust.unknown = UnknownRevocation::kAccept;  // nobody speaks of the CAs made here
    return verdict_on(hub::signing::join_bundle(stamped, release.image), trust, device, kYearLater);
  }
};

TEST_F(VerifierChain, below_another_leaf_is_untrusted) {
  const Certified below = leaf_below(leaf);
  EXPECT_EQ(verdict_on_chain(below, {below.x509(), leaf.x509(), world.issuing.x509()}), Reason::kUntrusted);
}

// The issuing CA says path length 0 (RFC 5280 section 6.1.4 (l)).
TEST_F(VerifierChain, longer_than_the_issuing_ca_allows_is_untrusted) {
  const Certified sub = world.make_ca(hub::signing::TrustKind::kPublicTest, &world.issuing);
  const Certified below = leaf_below(sub);
  EXPECT_EQ(verdict_on_chain(below, {below.x509(), sub.x509(), world.issuing.x509()}), Reason::kUntrusted);
}

TEST_F(VerifierChain, without_its_issuing_ca_is_untrusted) {
  EXPECT_EQ(verdict_on_chain(leaf, {leaf.x509(), world.issuing.x509()}), Reason::kGood);
  EXPECT_EQ(verdict_on_chain(leaf, {leaf.x509()}), Reason::kUntrusted);
}

TEST_F(VerifierChain, directly_below_the_root_is_good) {
  const Certified direct = leaf_below(world.root);
  EXPECT_EQ(verdict_on_chain(direct, {direct.x509()}), Reason::kGood);
}

}  // namespace
}  // namespace latchkey::agent::test
