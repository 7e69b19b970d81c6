// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/bundle/bundle.h"

#include <gtest/gtest.h>

#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {
namespace {

constexpr UnixMs kYearLater = kStart + 365 * kDay;

class BundleTest : public testing::Test {
 protected:
  BundleManifest manifest_of(ByteView content) {
    BundleManifest manifest;
    manifest.board = "pump-controller-2";
    manifest.version = {1, 2, 0};
    manifest.size = content.size();
    manifest.sha256 = digest_of(Hash::kSha256, content);
    manifest.minimum_version = {1, 1, 0};
    manifest.dependencies = {{"radio", {2, 0, 1}}, {"bootloader", {1, 0, 0}}};
    return manifest;
  }
  Bytes envelope_of(const BundleManifest& manifest, const Certified& who, Algorithm algorithm = Algorithm::kEs256) {
    const auto draft = BundleDraft::make(manifest, algorithm);
    return *draft->finish(*sign_digest(who.key.get(), algorithm, draft->digest()), {who.x509(), world.issuing.x509()});
  }
  Bytes stamped(const Bytes& bare) { return *stamp_envelope(bare, world.token(*stamped_by(bare), kStart + kHour)); }
  Verdict verdict(ByteView given, UnixMs now = kYearLater) {
    const RevocationLists lists = world.lists();
    const auto read = read_whole_bundle(given);
    return read ? judge(read->evidence, world.trust(lists), now) : unreadable(read.error());
  }
  World world;
  Certified leaf = world.leaf();
  Bytes image = Bytes(5000, 0x42);
  Bytes envelope = stamped(envelope_of(manifest_of(image), leaf));
  Bytes bundle = join_bundle(envelope, image);
};

TEST_F(BundleTest, is_valid_and_says_what_was_put_in) {
  const auto read = read_whole_bundle(bundle);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->manifest.board, "pump-controller-2");
  EXPECT_EQ(read->manifest.version, (agent::Version{1, 2, 0}));
  EXPECT_EQ(read->manifest.minimum_version, (agent::Version{1, 1, 0}));
  EXPECT_EQ(read->manifest.size, image.size());
  ASSERT_EQ(read->manifest.dependencies.size(), 2U);
  EXPECT_EQ(read->manifest.dependencies[0].component, "bootloader");
  EXPECT_EQ(read->manifest.dependencies[1].at_least, (agent::Version{2, 0, 1}));
  EXPECT_TRUE(verdict(bundle).valid) << sentence(verdict(bundle));
}

TEST_F(BundleTest, without_a_timestamp_lives_as_long_as_its_certificate) {
  const Bytes bare = join_bundle(envelope_of(manifest_of(image), leaf), image);
  EXPECT_TRUE(verdict(bare, kStart + 72 * kHour).valid);
  EXPECT_FALSE(verdict(bare, kStart + 73 * kHour).valid);
}

TEST_F(BundleTest, every_algorithm_works) {
  const std::pair<Algorithm, const char*> kinds[] = {{Algorithm::kRs256, nullptr}, {Algorithm::kPs256, nullptr},
                                                     {Algorithm::kPs512, nullptr}, {Algorithm::kEs256, "P-256"},
                                                     {Algorithm::kEs384, "P-384"}, {Algorithm::kEs512, "P-521"}};
  for (const auto& [algorithm, curve] : kinds) {
    const Certified who =
        world.leaf(ProfileType::kPublicTrust, kStart, curve == nullptr ? rsa_key(2048) : ec_key(curve));
    const Bytes made = join_bundle(stamped(envelope_of(manifest_of(image), who, algorithm)), image);
    EXPECT_TRUE(verdict(made).valid) << facts_of(algorithm).name << ": " << sentence(verdict(made));
  }
}

// What docs/firmware-bundle.md says of sizes.
TEST_F(BundleTest, is_compact) {
  const auto read = agent::read_envelope(envelope);
  ASSERT_TRUE(read);
  std::size_t inside = read->token.size() + read->payload.size() + read->signature.size();
  for (std::size_t i = 0; i < read->chain_size; ++i) inside += read->chain[i].size();
  EXPECT_LE(envelope.size() - inside, 40U);
  RecordProperty("envelope", static_cast<int>(envelope.size()));
  EXPECT_LT(envelope.size(), 3000U);
}

// RFC 9052 section 4.4, byte by byte.
TEST_F(BundleTest, the_signature_is_over_sig_structure) {
  const Bytes text = *encode_manifest(manifest_of(image));
  Bytes structure = {0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', '1', 0x43, 0xa1, 0x01, 0x26, 0x40};
  ASSERT_GE(text.size(), 24U);
  ASSERT_LT(text.size(), 256U);
  structure.push_back(0x58);
  structure.push_back(static_cast<std::uint8_t>(text.size()));
  append(structure, text);
  EXPECT_EQ(BundleDraft::make(manifest_of(image), Algorithm::kEs256)->digest(), digest_of(Hash::kSha256, structure));
}

// RFC 9921 section 3.1.1: with the head 58 40 of its byte string.
TEST_F(BundleTest, the_timestamp_is_over_the_signature_as_a_byte_string) {
  const Bytes over = *stamped_by(envelope);
  ASSERT_EQ(over.size(), 66U);
  EXPECT_EQ(over[0], 0x58);
  EXPECT_EQ(over[1], 0x40);
  EXPECT_EQ(ByteView(over), ByteView(envelope).subview(envelope.size() - 66, 66));
}

TEST_F(BundleTest, another_image_is_seen) {
  Bytes other = image;
  other[4999] ^= 1;
  EXPECT_EQ(verdict(join_bundle(envelope, other)).reason, Reason::kContentChanged);
  other = image;
  other.push_back(0x42);
  EXPECT_EQ(verdict(join_bundle(envelope, other)).reason, Reason::kContentChanged);
  EXPECT_EQ(verdict(join_bundle(envelope, {})).reason, Reason::kContentChanged);
}

TEST_F(BundleTest, cut_off_at_every_length_is_refused) {
  for (std::size_t size = 0; size < bundle.size(); ++size) {
    const auto read = read_whole_bundle(ByteView(bundle.data(), size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().status, Status::kMalformed) << size;
  }
  Bytes longer = bundle;
  longer.push_back(0);
  EXPECT_EQ(read_whole_bundle(longer).error().status, Status::kMalformed);
}

// Every bit of the manifest.
TEST_F(BundleTest, a_flipped_bit_in_the_manifest_is_refused_wherever_it_is) {
  const auto read = agent::read_envelope(envelope);
  ASSERT_TRUE(read);
  const auto begin = static_cast<std::size_t>(read->payload.data() - envelope.data());
  for (std::size_t bit = 0; bit < read->payload.size() * 8; ++bit) {
    Bytes flipped = bundle;
    flipped[begin + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const Verdict seen = verdict(flipped);
    EXPECT_FALSE(seen.valid) << bit;
    EXPECT_TRUE(seen.reason == Reason::kUnreadable || seen.reason == Reason::kContentChanged ||
                seen.reason == Reason::kSignatureWrong)
        << bit;
  }
}

// One bit at every byte of the envelope: refused, or still the same manifest, signer and time.
TEST_F(BundleTest, a_flipped_bit_in_the_envelope_never_vouches_for_anything_else) {
  std::size_t valid = 0;
  for (std::size_t i = 0; i < envelope.size(); ++i) {
    Bytes flipped = bundle;
    flipped[i] ^= static_cast<std::uint8_t>(1U << i % 8);
    const Verdict seen = verdict(flipped);
    if (!seen.valid) continue;
    ++valid;
    EXPECT_EQ(seen.timestamp->at, kStart + kHour) << i;
    EXPECT_EQ(seen.signer, subject_of(leaf.x509())) << i;
  }
  EXPECT_LT(valid, envelope.size() / 20);
}

TEST_F(BundleTest, takes_one_timestamp_and_no_empty_one) {
  EXPECT_EQ(stamp_envelope(envelope, world.token(*stamped_by(envelope), kStart)).error().status, Status::kRefused);
  EXPECT_EQ(stamp_envelope(envelope_of(manifest_of(image), leaf), {}).error().status, Status::kMalformed);
  EXPECT_EQ(stamp_envelope(envelope_of(manifest_of(image), leaf), Bytes(agent::Envelope::kSizeMax)).error().status,
            Status::kTooLarge);
  EXPECT_EQ(stamped_by({}).error().status, Status::kMalformed);
}

TEST_F(BundleTest, manifests_out_of_bounds_are_not_made) {
  const auto made = [&](auto change) {
    BundleManifest manifest = manifest_of(image);
    change(manifest);
    const auto draft = BundleDraft::make(manifest, Algorithm::kEs256);
    return draft ? Status::kOk : draft.error().status;
  };
  EXPECT_EQ(made([](auto&) {}), Status::kOk);
  EXPECT_EQ(made([](auto& m) { m.board.clear(); }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) { m.board = std::string(65, 'x'); }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) { m.board = std::string(64, 'x'); }), Status::kOk);
  EXPECT_EQ(made([](auto& m) { m.board = "pump 2"; }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) { m.board = "p\xc3\xbcmp"; }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) { m.minimum_version = {1, 2, 1}; }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) { m.minimum_version = {1, 2, 0}; }), Status::kOk);
  EXPECT_EQ(made([](auto& m) { m.size = 0; }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) { m.size = (1U << 30) + 1; }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) { m.sha256.pop_back(); }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) { m.dependencies = {{"a", {}}, {"a", {}}}; }), Status::kInvalidArgument);
  EXPECT_EQ(made([](auto& m) {
              m.dependencies.clear();
              for (int i = 0; i < 9; ++i) m.dependencies.push_back({"part-" + std::to_string(i), {}});
            }),
            Status::kInvalidArgument);
}

TEST_F(BundleTest, a_signature_by_another_key_is_not_attached) {
  const Certified other = world.leaf();
  const auto draft = BundleDraft::make(manifest_of(image), Algorithm::kEs256);
  const Bytes theirs = *sign_digest(other.key.get(), Algorithm::kEs256, draft->digest());
  EXPECT_EQ(draft->finish(theirs, {leaf.x509()}).error().status, Status::kMismatch);
  EXPECT_EQ(draft->finish(theirs, {}).error().status, Status::kInvalidArgument);
  EXPECT_EQ(draft->finish(theirs, std::vector<X509*>(5, other.x509())).error().status, Status::kInvalidArgument);
}

}  // namespace
}  // namespace latchkey::hub::signing::test
