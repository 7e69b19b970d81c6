// SPDX-License-Identifier: Apache-2.0
#include "agent/update/verifier.h"

#include <algorithm>
#include <cstring>

#include "agent/update/algorithm.h"
#include "agent/update/timestamp.h"
#include "platform/crypto/der.h"

namespace latchkey::agent {
namespace {

// Contents of object identifiers.
constexpr std::uint8_t kCodeSigning[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03};
constexpr std::uint8_t kLifetimeSigning[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0A, 0x03, 0x0D};
// Below it lie the durable EKUs of profiles for CI policies, which sign without the usage for code.
constexpr std::uint8_t kCiPolicyArc[] = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x61, 0x01, 0x04, 0x01};

template <std::size_t N>
ByteView view(const std::uint8_t (&bytes)[N]) {
  return {bytes, N};
}

// What the signing certificate's extended key usages allow.
struct Usages {
  bool code = false;
  bool lifetime = false;
  bool pinned = false;
};
Usages usages_of(ByteView list, const Pins& pins) {
  Usages usages;
  crypto::DerReader reader(list);
  while (!reader.at_end()) {
    const auto oid = reader.next(crypto::kDerOid);
    if (!oid) return usages;
    const ByteView content = oid->content;
    const bool for_policies =
        content.size() > sizeof kCiPolicyArc && content.subview(0, sizeof kCiPolicyArc) == view(kCiPolicyArc);
    usages.code = usages.code || for_policies || content == view(kCodeSigning);
    usages.lifetime = usages.lifetime || content == view(kLifetimeSigning);
    usages.pinned = usages.pinned || pins.has(content);
  }
  return usages;
}

Reason check_signature(const Envelope& envelope, ByteView spki) {
  const auto kind = signature_kind(envelope.algorithm);
  if (!kind) return Reason::kUnreadable;
  std::array<std::uint8_t, kSignedHeadMax> room;
  const auto head = signed_head(envelope, room);
  if (!head) return Reason::kUnreadable;
  const ByteView parts[] = {*head, envelope.payload};
  crypto::HashValue digest;
  if (!crypto::hash_of(kind->hash, parts, 2, digest)) return Reason::kUnreadable;
  const auto verified = crypto::verify_digest(spki, *kind, digest.view(), envelope.signature);
  if (verified) return Reason::kGood;
  return verified.error() == Status::kMismatch ? Reason::kSignatureWrong : Reason::kUnreadable;
}

// A timestamp that does not hold is none.
void read_timestamp(const Envelope& envelope, const UpdateTrust& trust, Evidence& evidence) {
  if (envelope.token.empty()) return;
  const auto stamp = read_stamp(envelope.token, envelope.stamped, trust.timestamp_roots, trust.timestamp_root_count);
  if (!stamp) return;
  evidence.stamped = true;
  evidence.stamped_at = stamp->at;
  evidence.stamped_latest = stamp->latest;
  evidence.stamp_path = stamp->path;
}

// Who signed, as far as that does not change with time.
Reason read_signer(const Envelope& envelope, const UpdateTrust& trust, Evidence& evidence) {
  const auto signer = crypto::inspect_signer(envelope.chain[0]);
  if (!signer) return Reason::kUnreadable;
  const Reason signature = check_signature(envelope, signer->spki);
  if (signature != Reason::kGood) return signature;
  const Usages usages = usages_of(signer->extended_key_usage, trust.pins);
  if (!usages.code || !signer->may_sign || signer->is_ca) return Reason::kWrongUsage;
  if (!usages.pinned) return Reason::kWrongProfile;
  evidence.not_before = signer->not_before;
  evidence.not_after = signer->not_after;
  evidence.lifetime_signing = usages.lifetime;
  const auto path =
      crypto::check_path(envelope.chain.data(), envelope.chain_size, trust.signing_roots, trust.signing_root_count);
  if (!path) return path.error() == Status::kMalformed ? Reason::kUnreadable : Reason::kUntrusted;
  evidence.path = PathIds{path->certificates, path->size};
  evidence.authorities_begin = path->authorities_begin;
  evidence.authorities_end = path->authorities_end;
  read_timestamp(envelope, trust, evidence);
  return Reason::kGood;
}

bool has_component(const DeviceFacts& device, const Dependency& wanted) {
  for (std::size_t i = 0; i < device.component_count; ++i) {
    const Dependency& own = device.components[i];
    if (own.component == wanted.component) return !(own.at_least < wanted.at_least);
  }
  return false;
}

Reason check_manifest(const Manifest& manifest, const DeviceFacts& device) {
  if (manifest.board != device.board) return Reason::kWrongBoard;
  if (manifest.version < device.floor) return Reason::kTooOld;
  for (std::size_t i = 0; i < manifest.dependency_count; ++i) {
    if (!has_component(device, manifest.dependencies[i])) return Reason::kMissingDependency;
  }
  return manifest.size > device.slot_size ? Reason::kTooLarge : Reason::kGood;
}

}  // namespace

Reason judge_envelope(const Envelope& envelope, const UpdateTrust& trust, const DeviceFacts& device,
                      std::optional<UnixMs> now, Manifest& manifest, Evidence& evidence) {
  const auto read = read_manifest(envelope.payload);
  if (!read) return Reason::kUnreadable;
  manifest = *read;
  evidence = Evidence();
  const Reason signer = read_signer(envelope, trust, evidence);
  if (signer != Reason::kGood) return signer;
  const Reason judged = judge(evidence, trust.revocations, trust.unknown, now);
  return judged != Reason::kGood ? judged : check_manifest(manifest, device);
}

void Verifier::begin(const UpdateTrust& trust, const DeviceFacts& device, std::optional<UnixMs> now) {
  trust_ = trust;
  device_ = device;
  now_ = now;
  held_ = 0;
  judged_ = false;
  reason_ = Reason::kGood;
  manifest_ = Manifest();
  evidence_ = Evidence();
  image_at_ = taken_ = absorbed_ = 0;
}

void Verifier::know(const UpdateTrust& trust, std::optional<UnixMs> now) {
  trust_ = trust;
  now_ = now;
}

void Verifier::resume(std::uint64_t size, ByteView sha256) {
  begin(UpdateTrust(), DeviceFacts(), std::nullopt);
  manifest_.size = size;
  manifest_.sha256 = sha256;
  judged_ = true;
  if (!hash_.start(crypto::Hash::kSha256)) reason_ = Reason::kUnreadable;
}

tl::unexpected<Reason> Verifier::refuse(Reason reason) {
  reason_ = reason;
  judged_ = false;
  return fail(reason);
}

Reason Verifier::judge_bundle(const Bundle& bundle) {
  const Reason reason = judge_envelope(bundle.envelope, trust_, device_, now_, manifest_, evidence_);
  if (reason != Reason::kGood) return reason;
  if (bundle.image_size != manifest_.size) return Reason::kContentChanged;
  image_at_ = bundle.image_at;
  return hash_.start(crypto::Hash::kSha256) ? Reason::kGood : Reason::kUnreadable;
}

Result<Verifier::Piece, Reason> Verifier::take(ByteView bytes) {
  if (reason_ != Reason::kGood) return fail(reason_);
  return judged_ ? take_image(bytes) : take_envelope(bytes);
}

Result<Verifier::Piece, Reason> Verifier::take_envelope(ByteView bytes) {
  const std::size_t before = held_;
  const std::size_t kept = std::min(bytes.size(), room_.text.size() - held_);
  if (kept > 0) std::memcpy(room_.text.data() + held_, bytes.data(), kept);
  held_ += kept;
  const auto bundle = read_bundle(ByteView(room_.text.data(), held_));
  if (!bundle && bundle.error() == Status::kNotReady) return Piece{};
  if (!bundle) return refuse(Reason::kUnreadable);
  const Reason reason = judge_bundle(*bundle);
  if (reason != Reason::kGood) return refuse(reason);
  judged_ = true;
  // Fewer bytes could not be read: what follows the head is in these.
  const auto envelope_part = static_cast<std::size_t>(image_at_ - before);
  return take_image(bytes.subview(envelope_part, bytes.size()));
}

Result<Verifier::Piece, Reason> Verifier::take_image(ByteView bytes) {
  if (bytes.size() > manifest_.size - taken_) return refuse(Reason::kUnreadable);  // something lies behind it
  const Piece piece{bytes, taken_};
  taken_ += bytes.size();
  return piece;
}

void Verifier::absorb(ByteView stored) {
  if (reason_ != Reason::kGood) return;
  absorbed_ += stored.size();
  taken_ = std::max(taken_, absorbed_);  // after resume() they were taken before
  if (!hash_.add(stored)) reason_ = Reason::kUnreadable;
}

void Verifier::verify(ByteView bytes) {
  const auto piece = take(bytes);
  if (piece) absorb(piece->image);
}

Reason Verifier::finish() {
  if (reason_ != Reason::kGood) return reason_;
  if (!judged_ || taken_ != manifest_.size || absorbed_ != manifest_.size) return Reason::kUnreadable;
  crypto::HashValue digest;
  reason_ = hash_.finish(digest) && digest.view() == manifest_.sha256 ? Reason::kGood : Reason::kContentChanged;
  return reason_;
}

}  // namespace latchkey::agent
