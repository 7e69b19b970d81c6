// SPDX-License-Identifier: Apache-2.0
// May this firmware run on this device? A bundle goes in piece by piece, cut anywhere; out come the image's bytes, to
// be put into a slot, once everything before them has been found good, and at the end the verdict.
//
//   Verifier verifier(room);
//   verifier.begin(trust, device, now);
//   while (... next bytes ...) {
//     auto piece = verifier.take(bytes);           // the reason when it is refused: then that is all
//     ... store piece->image at piece->at, read it back ...
//     verifier.absorb(what was read back);
//   }
//   Reason reason = verifier.finish();
//
// What is held against the manifest's digest is what absorb() is given: what lies in the slot, not what came in.
// The parts of the judgement, in this order: the envelope's form, the signature, the certificate's usage, its profile,
// the path to a root, what is revoked and when, and then what the manifest asks for: board, floor, dependencies, room.
// Only then does a byte of the image leave. One thread.
#pragma once

#include "agent/update/envelope.h"
#include "agent/update/evidence.h"
#include "agent/update/manifest.h"
#include "platform/crypto/digest.h"

namespace latchkey::agent {

// What is believed before a bundle is looked at. Everything outlives the verifier's use of it.
struct UpdateTrust {
  const ByteView* signing_roots = nullptr;  // DER
  std::size_t signing_root_count = 0;
  const ByteView* timestamp_roots = nullptr;
  std::size_t timestamp_root_count = 0;
  Pins pins;                                 // none: nobody's firmware is taken
  const Revocations* revocations = nullptr;  // null: nothing is known
  UnknownRevocation unknown = UnknownRevocation::kRefuse;
};

// What the device is. Everything outlives the verifier's use of it.
struct DeviceFacts {
  std::string_view board;
  Version floor;  // nothing older is taken
  const Dependency* components = nullptr;
  std::size_t component_count = 0;
  std::uint64_t slot_size = 0;  // bytes
};

// The judgement of an envelope alone; `manifest` and `evidence` are filled as far as it was read, and point into it.
Reason judge_envelope(const Envelope& envelope, const UpdateTrust& trust, const DeviceFacts& device,
                      std::optional<UnixMs> now, Manifest& manifest, Evidence& evidence);

struct VerifierRoom {
  // The envelope and the head of the image's byte string.
  std::array<std::uint8_t, Envelope::kSizeMax + 16> text{};
};

class Verifier {
 public:
  // The room outlives the verifier.
  explicit Verifier(VerifierRoom& room) : room_(room) {}

  void begin(const UpdateTrust& trust, const DeviceFacts& device, std::optional<UnixMs> now);

  // What became known since begin(); counts as long as the envelope has not been judged.
  void know(const UpdateTrust& trust, std::optional<UnixMs> now);
  // Goes on with a bundle that was judged before a restart: `size` and `sha256` as its manifest had them. The image's
  // bytes that are stored already go to absorb() alone, then take() expects what follows. `sha256` outlives the use.
  void resume(std::uint64_t size, ByteView sha256);

  struct Piece {
    ByteView image;        // of the bytes that were given; may be empty
    std::uint64_t at = 0;  // where in the image it belongs
  };
  Result<Piece, Reason> take(ByteView bytes);
  void absorb(ByteView stored);
  // take() and absorb(), for who stores nothing.
  void verify(ByteView bytes);
  // The verdict; kUnreadable when bytes are missing.
  Reason finish();

  // Since the envelope was judged good, until begin().
  bool judged() const { return judged_; }
  const Manifest& manifest() const { return manifest_; }
  const Evidence& evidence() const { return evidence_; }
  std::uint64_t image_at() const { return image_at_; }

 private:
  Result<Piece, Reason> take_envelope(ByteView bytes);
  Result<Piece, Reason> take_image(ByteView bytes);
  tl::unexpected<Reason> refuse(Reason reason);
  Reason judge_bundle(const Bundle& bundle);

  VerifierRoom& room_;
  UpdateTrust trust_;
  DeviceFacts device_;
  std::optional<UnixMs> now_;
  std::size_t held_ = 0;  // bytes in the room
  bool judged_ = false;
  Reason reason_ = Reason::kGood;  // or why it was refused
  Manifest manifest_;
  Evidence evidence_;
  std::uint64_t image_at_ = 0;
  std::uint64_t taken_ = 0;     // of the image
  std::uint64_t absorbed_ = 0;  // of it
  crypto::HashStream hash_;
};

}  // namespace latchkey::agent
