// SPDX-License-Identifier: Apache-2.0
// Firmware bundles signed by a signing service on paper.
#pragma once

#include <string>

#include "hub/signing/bundle/bundle.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::firmware {

// A bundle with that image, signed by a profile's certificate of `world`.
inline signing::Bytes make_bundle(signing::test::World& world, const signing::Bytes& image,
                                  agent::Version version = {1, 2, 0}, const std::string& board = "pump") {
  signing::BundleManifest manifest;
  manifest.board = board;
  manifest.version = version;
  manifest.size = image.size();
  manifest.sha256 = signing::digest_of(signing::Hash::kSha256, image);
  const auto leaf = world.leaf();
  const auto draft = signing::BundleDraft::make(manifest, signing::Algorithm::kEs256);
  const auto signature = signing::sign_digest(leaf.key.get(), signing::Algorithm::kEs256, draft->digest());
  return signing::join_bundle(*draft->finish(*signature, {leaf.x509(), world.issuing.x509()}), image);
}

}  // namespace latchkey::hub::firmware
