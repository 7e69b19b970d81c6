// SPDX-License-Identifier: Apache-2.0
// The signing service on paper (tests/unit/hub/signing/world.h), and what a device knows that was onboarded by it:
// roots, pins and the hub's statement key. Bundles and statements are real.
#pragma once

#include <gtest/gtest.h>

#include "agent/update/verifier.h"
#include "hub/signing/base/der.h"
#include "hub/signing/bundle/bundle.h"
#include "hub/signing/statements/statement.h"
#include "platform/crypto/key.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::agent::test {

using latchkey::hub::signing::Algorithm;
using latchkey::hub::signing::BundleManifest;
using latchkey::hub::signing::Bytes;
using latchkey::hub::signing::ProfileType;
using latchkey::hub::signing::RevocationReason;
using latchkey::hub::signing::RevokedCertificate;
using latchkey::hub::signing::test::Certified;
using latchkey::hub::signing::test::kDay;
using latchkey::hub::signing::test::kHour;
using latchkey::hub::signing::test::kStart;
using latchkey::hub::signing::test::revoked;
using latchkey::hub::signing::test::World;

inline constexpr std::string_view kBoard = "pump-controller-2";
inline constexpr UnixMs kYearLater = kStart + 365 * kDay;

inline std::string eku_of(ProfileType type) {
  return latchkey::hub::signing::durable_eku(type, {990309390, 766961637, 194916062, 941502583});
}
// The octets of an object identifier, without tag and length.
inline Bytes oid_octets(const std::string& dotted) {
  const Bytes whole = latchkey::hub::signing::der::oid(dotted);
  latchkey::hub::signing::der::Reader reader(whole);
  return latchkey::hub::signing::copy_of(reader.next()->content);
}

struct Release {
  Version version = {1, 2, 0};
  Version minimum = {1, 0, 0};
  Bytes image = Bytes(5000, 0x42);
  std::optional<UnixMs> stamped_at = kStart + kHour;
  int accuracy_ms = 0;
  Algorithm algorithm = Algorithm::kEs256;
  std::string board = std::string(kBoard);
  std::vector<latchkey::hub::signing::BundleDependency> dependencies = {};
};

class FirmwareWorld : public World {
 public:
  explicit FirmwareWorld(latchkey::hub::signing::TrustKind kind = latchkey::hub::signing::TrustKind::kPublic)
      : World(kind) {
    EXPECT_TRUE(crypto::init());
    statement_key = latchkey::hub::signing::test::ec_key();
    statement_spki = latchkey::hub::signing::statement_public_key(statement_key.get());
    hand_out_roots();
    for (const ProfileType type : {ProfileType::kPublicTrust, ProfileType::kPublicTrustTest, ProfileType::kPrivateTrust,
                                   ProfileType::kPrivateTrustCiPolicy}) {
      ekus.push_back(oid_octets(eku_of(type)));
    }
  }

  // To the device; anew after the roots were exchanged.
  void hand_out_roots() {
    signing_root = latchkey::hub::signing::certificate_der(root.x509());
    tsa_root = latchkey::hub::signing::certificate_der(timestamp_root.x509());
    signing_roots[0] = signing_root;
    timestamp_roots[0] = tsa_root;
  }

  Bytes envelope(const Certified& who, const Release& release) {
    BundleManifest manifest;
    manifest.board = release.board;
    manifest.version = release.version;
    manifest.size = release.image.size();
    manifest.sha256 = latchkey::hub::signing::digest_of(latchkey::hub::signing::Hash::kSha256, release.image);
    manifest.minimum_version = release.minimum;
    manifest.dependencies = release.dependencies;
    const auto draft = latchkey::hub::signing::BundleDraft::make(manifest, release.algorithm);
    const auto signature = latchkey::hub::signing::sign_digest(who.key.get(), release.algorithm, draft->digest());
    Bytes made = *draft->finish(*signature, {who.x509(), issuing.x509()});
    if (release.stamped_at) {
      made = *latchkey::hub::signing::stamp_envelope(
          made, token(*latchkey::hub::signing::stamped_by(made), *release.stamped_at, tsa, release.accuracy_ms));
    }
    return made;
  }
  Bytes bundle(const Certified& who, const Release& release = {}) {
    return latchkey::hub::signing::join_bundle(envelope(who, release), release.image);
  }

  // Speaks for all three CAs.
  Bytes revocation_statement(const Entries& entries = {}, std::uint64_t version = 1) {
    return *latchkey::hub::signing::make_revocation_statement(statement_key.get(), version,
                                                              {{issuing.x509(), entries.leaves},
                                                               {root.x509(), entries.issuing_cas},
                                                               {timestamp_root.x509(), entries.timestampers}});
  }
  // The text outlives what is read of it.
  Revocations revocations(const Bytes& text) const { return *Revocations::read(*read_statement(text, statement_spki)); }

  UpdateTrust device_trust(const Revocations* known) const {
    UpdateTrust trust;
    trust.signing_roots = signing_roots.data();
    trust.signing_root_count = signing_roots.size();
    trust.timestamp_roots = timestamp_roots.data();
    trust.timestamp_root_count = timestamp_roots.size();
    for (const Bytes& eku : ekus) trust.pins.add(eku);
    trust.revocations = known;
    return trust;
  }
  DeviceFacts device() const {
    DeviceFacts facts;
    facts.board = kBoard;
    facts.slot_size = 1 << 20;
    return facts;
  }

  openssl::PkeyPtr statement_key;
  Bytes statement_spki;
  Bytes signing_root;
  Bytes tsa_root;
  std::array<ByteView, 1> signing_roots;
  std::array<ByteView, 1> timestamp_roots;
  std::vector<Bytes> ekus;
};

// The verdict on a whole bundle, given in pieces of `piece` bytes.
inline Reason verdict_on(ByteView bundle, const UpdateTrust& trust, const DeviceFacts& device,
                         std::optional<UnixMs> now, std::size_t piece = 4096) {
  static VerifierRoom room;
  Verifier verifier(room);
  verifier.begin(trust, device, now);
  for (std::size_t at = 0; at < bundle.size(); at += piece) verifier.verify(bundle.subview(at, piece));
  return verifier.finish();
}

}  // namespace latchkey::agent::test
