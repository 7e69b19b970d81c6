// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/bundle/bundle.h"

#include <algorithm>

namespace latchkey::hub::signing {
namespace {

// CBOR in its deterministic form (RFC 8949 section 4.2.1).
enum Major : std::uint8_t { kUnsigned = 0, kNegative = 1, kBytes = 2, kText = 3, kArray = 4, kMap = 5, kTag = 6 };

void add_head(Bytes& to, Major major, std::uint64_t value) {
  const auto type = static_cast<std::uint8_t>(major << 5);
  if (value < 24) {
    to.push_back(static_cast<std::uint8_t>(type | value));
    return;
  }
  const int size = value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8;
  const int info = size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;
  to.push_back(static_cast<std::uint8_t>(type | info));
  for (int i = size - 1; i >= 0; --i) to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

void add_integer(Bytes& to, std::int64_t value) {
  if (value >= 0) return add_head(to, kUnsigned, static_cast<std::uint64_t>(value));
  add_head(to, kNegative, static_cast<std::uint64_t>(-1 - value));
}

void add_bytes(Bytes& to, ByteView bytes) {
  add_head(to, kBytes, bytes.size());
  append(to, bytes);
}

void add_text(Bytes& to, std::string_view text) {
  add_head(to, kText, text.size());
  append(to, text);
}

void add_version(Bytes& to, agent::Version version) {
  add_head(to, kArray, 3);
  for (const std::uint32_t part : {version.major, version.minor, version.patch}) add_head(to, kUnsigned, part);
}

constexpr std::uint64_t kFormat = 1;
constexpr std::uint64_t kSign1Tag = 18;
constexpr std::int64_t kAlgorithmLabel = 1;
constexpr std::int64_t kChainLabel = 33;
constexpr std::int64_t kTimestampLabel = 270;

Bytes write_manifest(const BundleManifest& manifest) {
  std::vector<BundleDependency> dependencies = manifest.dependencies;
  std::sort(dependencies.begin(), dependencies.end(),
            [](const auto& a, const auto& b) { return a.component < b.component; });
  Bytes text;
  add_head(text, kMap, 7);
  add_head(text, kUnsigned, 1);
  add_head(text, kUnsigned, kFormat);
  add_head(text, kUnsigned, 2);
  add_text(text, manifest.board);
  add_head(text, kUnsigned, 3);
  add_version(text, manifest.version);
  add_head(text, kUnsigned, 4);
  add_head(text, kUnsigned, manifest.size);
  add_head(text, kUnsigned, 5);
  add_bytes(text, manifest.sha256);
  add_head(text, kUnsigned, 6);
  add_version(text, manifest.minimum_version);
  add_head(text, kUnsigned, 7);
  add_head(text, kArray, dependencies.size());
  for (const BundleDependency& dependency : dependencies) {
    add_head(text, kArray, 2);
    add_text(text, dependency.component);
    add_version(text, dependency.at_least);
  }
  return text;
}

Bytes write_protected(Algorithm algorithm) {
  Bytes text;
  add_head(text, kMap, 1);
  add_integer(text, kAlgorithmLabel);
  add_integer(text, facts_of(algorithm).cose_id);
  return text;
}

// What an envelope is written from, and read into.
struct Parts {
  Bytes protected_header;
  std::vector<Bytes> chain;
  Bytes token;
  Bytes payload;
  Bytes signature;
};

Outcome<Bytes> write_envelope(const Parts& parts) {
  Bytes text;
  add_head(text, kTag, kSign1Tag);
  add_head(text, kArray, 4);
  add_bytes(text, parts.protected_header);
  add_head(text, kMap, parts.token.empty() ? 1 : 2);
  add_integer(text, kChainLabel);
  if (parts.chain.size() > 1) add_head(text, kArray, parts.chain.size());
  for (const Bytes& certificate : parts.chain) add_bytes(text, certificate);
  if (!parts.token.empty()) {
    add_integer(text, kTimestampLabel);
    add_bytes(text, parts.token);
  }
  add_bytes(text, parts.payload);
  add_bytes(text, parts.signature);
  if (text.size() > agent::Envelope::kSizeMax) return refuse(Status::kTooLarge, "an envelope of over 16 KiB");
  return text;
}

Bytes digest_to_sign(Hash hash, const agent::Envelope& envelope) {
  std::array<std::uint8_t, agent::kSignedHeadMax> buffer{};
  const auto head = agent::signed_head(envelope, buffer);
  return head ? digest_of(hash, {*head, envelope.payload}) : Bytes();
}

BundleManifest copy_of_manifest(const agent::Manifest& read) {
  BundleManifest manifest;
  manifest.board = read.board;
  manifest.version = read.version;
  manifest.size = read.size;
  manifest.sha256 = copy_of(read.sha256);
  manifest.minimum_version = read.minimum_version;
  for (std::size_t i = 0; i < read.dependency_count; ++i) {
    manifest.dependencies.push_back({std::string(read.dependencies[i].component), read.dependencies[i].at_least});
  }
  return manifest;
}

Outcome<Evidence> evidence_of(const agent::Envelope& envelope) {
  Evidence evidence;
  const auto algorithm = algorithm_by_cose_id(envelope.algorithm);
  if (!algorithm) return refuse(Status::kUnsupported, "the bundle's signature algorithm is not taken");
  evidence.algorithm = *algorithm;
  for (std::size_t i = 0; i < envelope.chain_size; ++i) {
    auto certificate = certificate_from_der(envelope.chain[i]);
    if (!certificate) return refuse(Status::kMalformed, "a damaged certificate");
    if (i == 0) evidence.signer = std::move(certificate);
    if (i > 0) evidence.others.push_back(std::move(certificate));
  }
  evidence.digest = digest_to_sign(facts_of(*algorithm).hash, envelope);
  if (facts_of(*algorithm).scheme == Scheme::kEcdsa) {
    LATCHKEY_TRY(signature, ecdsa_to_der(*algorithm, envelope.signature));
    evidence.signature = std::move(signature);
  } else {
    evidence.signature = copy_of(envelope.signature);
  }
  evidence.stamped = copy_of(envelope.stamped);
  evidence.token = copy_of(envelope.token);
  return evidence;
}

}  // namespace

Outcome<Bytes> encode_manifest(const BundleManifest& manifest) {
  Bytes text = write_manifest(manifest);
  // Its own reader knows the bounds.
  if (!agent::read_manifest(text)) {
    return refuse(Status::kInvalidArgument,
                  "a manifest has a board, a version not below its minimum, a size up to 1 GiB, "
                  "a SHA-256, and up to eight dependencies, each named once");
  }
  return text;
}

Outcome<BundleDraft> BundleDraft::make(const BundleManifest& manifest, Algorithm algorithm) {
  BundleDraft draft;
  LATCHKEY_TRY(text, encode_manifest(manifest));
  draft.algorithm_ = algorithm;
  draft.manifest_ = std::move(text);
  const Bytes protected_header = write_protected(algorithm);
  agent::Envelope envelope;
  envelope.protected_header = protected_header;
  envelope.payload = draft.manifest_;
  draft.digest_ = digest_to_sign(facts_of(algorithm).hash, envelope);
  return draft;
}

Outcome<Bytes> BundleDraft::finish(ByteView signature, const std::vector<X509*>& certificates) const {
  if (certificates.empty() || certificates.size() > agent::Envelope::kChainMax) {
    return refuse(Status::kInvalidArgument, "a bundle carries one to four certificates");
  }
  if (!verify_digest(X509_get0_pubkey(certificates[0]), algorithm_, digest_, signature)) {
    return refuse(Status::kMismatch, "the signature is not one over this digest by the certificate's key");
  }
  Parts parts;
  parts.protected_header = write_protected(algorithm_);
  for (const X509* certificate : certificates) parts.chain.push_back(certificate_der(certificate));
  parts.payload = manifest_;
  parts.signature = copy_of(signature);
  if (facts_of(algorithm_).scheme == Scheme::kEcdsa) {
    LATCHKEY_TRY(raw, ecdsa_to_raw(algorithm_, signature));
    parts.signature = std::move(raw);
  }
  return write_envelope(parts);
}

Outcome<Bytes> stamped_by(ByteView envelope) {
  const auto read = agent::read_envelope(envelope);
  if (!read) return refuse(Status::kMalformed, "not a bundle's envelope");
  return copy_of(read->stamped);
}

Outcome<Bytes> stamp_envelope(ByteView envelope, ByteView token) {
  const auto read = agent::read_envelope(envelope);
  if (!read) return refuse(Status::kMalformed, "not a bundle's envelope");
  if (!read->token.empty()) return refuse(Status::kRefused, "the bundle has a timestamp already");
  if (token.empty()) return refuse(Status::kMalformed, "not a timestamp");
  Parts parts{copy_of(read->protected_header), {}, copy_of(token), copy_of(read->payload), copy_of(read->signature)};
  for (std::size_t i = 0; i < read->chain_size; ++i) parts.chain.push_back(copy_of(read->chain[i]));
  return write_envelope(parts);
}

Bytes join_bundle(ByteView envelope, ByteView image) {
  Bytes bundle = copy_of(envelope);
  bundle.reserve(bundle.size() + image.size() + 9);
  add_bytes(bundle, image);
  return bundle;
}

Outcome<BundleEvidence> read_whole_bundle(ByteView bundle) {
  const auto read = agent::read_bundle(bundle);
  if (!read) return refuse(read.error() == Status::kTooLarge ? Status::kTooLarge : Status::kMalformed, "not a bundle");
  const auto manifest = agent::read_manifest(read->envelope.payload);
  if (!manifest) return refuse(manifest.error(), "the bundle's manifest is damaged, or newer than what is known");
  if (read->image_size != bundle.size() - read->image_at) {
    return refuse(Status::kMalformed, "the bundle does not end where its image does");
  }
  LATCHKEY_TRY(evidence, evidence_of(read->envelope));
  const ByteView image = bundle.subview(static_cast<std::size_t>(read->image_at), bundle.size());
  evidence.content_matches =
      image.size() == manifest->size && manifest->sha256 == ByteView(digest_of(Hash::kSha256, image));
  return BundleEvidence{std::move(evidence), copy_of_manifest(*manifest)};
}

}  // namespace latchkey::hub::signing
