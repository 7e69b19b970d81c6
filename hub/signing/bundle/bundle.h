// SPDX-License-Identifier: Apache-2.0
// Makes firmware bundles (docs/firmware-bundle.md) in steps, so that who signs sees a digest alone, and reads them as a
// verifier on a host does; agent/update reads them on the device.
//
//   auto draft = BundleDraft::make(manifest, Algorithm::kEs256);
//   Bytes signature = ...(draft->digest());                       // ECDSA: DER, as the signing rooms have it
//   auto envelope = draft->finish(signature, certificates);       // leaf first, without the root
//   auto stamped = stamp_envelope(*envelope, token);              // token over stamped_by(*envelope)
//   Bytes bundle = join_bundle(*stamped, image);
//
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "agent/update/envelope.h"
#include "agent/update/manifest.h"
#include "hub/signing/signature/evidence.h"

namespace latchkey::hub::signing {

struct BundleDependency {
  std::string component;
  agent::Version at_least;
};
struct BundleManifest {
  std::string board;
  agent::Version version;
  std::uint64_t size = 0;
  Bytes sha256;
  agent::Version minimum_version;
  std::vector<BundleDependency> dependencies;  // in any order
};
// The one encoding. kInvalidArgument when it is out of the bounds of agent/update/manifest.h.
Outcome<Bytes> encode_manifest(const BundleManifest& manifest);

class BundleDraft {
 public:
  // As encode_manifest.
  static Outcome<BundleDraft> make(const BundleManifest& manifest, Algorithm algorithm);

  Algorithm algorithm() const { return algorithm_; }
  const Bytes& digest() const { return digest_; }
  // kInvalidArgument: no certificates or more than four; kMismatch: not a signature over digest() by the first one's
  // key; kTooLarge: over agent::Envelope::kSizeMax.
  Outcome<Bytes> finish(ByteView signature, const std::vector<X509*>& certificates) const;

 private:
  BundleDraft() = default;
  Algorithm algorithm_ = Algorithm::kEs256;
  Bytes manifest_;
  Bytes digest_;
};

// What a timestamp of this envelope is over: its signature as a CBOR byte string (RFC 9921 section 3.1). kMalformed.
Outcome<Bytes> stamped_by(ByteView envelope);
// kMalformed; kRefused when it has a timestamp already; kTooLarge.
Outcome<Bytes> stamp_envelope(ByteView envelope, ByteView token);
Bytes join_bundle(ByteView envelope, ByteView image);

// A whole bundle. kMalformed: also when the image is not as long as its head says, or anything lies behind it;
// kUnsupported: another algorithm, or a newer manifest. content_matches: the image has the manifest's size and digest.
struct BundleEvidence {
  Evidence evidence;
  BundleManifest manifest;
};
Outcome<BundleEvidence> read_whole_bundle(ByteView bundle);

}  // namespace latchkey::hub::signing
