// SPDX-License-Identifier: Apache-2.0
// What the hub says to its devices about firmware, signed by its statement key, which a device was given when it was
// onboarded: which profiles' firmware it may run (pins), and which signing certificates are revoked from when on
// (docs/firmware-update.md). Each kind has versions of its own that only rise.
//
// A statement is COSE_Sign1 (RFC 9052) by ES256. Reading allocates nothing; views point into the text.
#pragma once

#include <array>

#include "platform/crypto/certificate_path.h"

namespace latchkey::agent {

enum class StatementKind : std::uint8_t { kPins = 1, kRevocations = 2 };

struct Statement {
  static constexpr std::size_t kSizeMax = 4096;

  StatementKind kind = StatementKind::kPins;
  std::uint64_t version = 0;  // from 1 on
  ByteView body;              // read by Pins or Revocations
};

// `statement_key`: SubjectPublicKeyInfo (DER) of the P-256 key that is pinned.
// kTooLarge; kMalformed: not a statement in its one encoding; kUnsupported: another format or kind; kNotTrusted: not
// signed by that key.
Result<Statement> read_statement(ByteView text, ByteView statement_key);

// Whether it is a SubjectPublicKeyInfo of a P-256 key with a whole point (RFC 5480), as a statement key is.
bool valid_statement_key(ByteView der);

// The durable EKUs that firmware may be signed under.
class Pins {
 public:
  static constexpr std::size_t kMax = 4;
  Pins() = default;
  // kMalformed.
  static Result<Pins> read(const Statement& statement);

  std::size_t size() const { return size_; }
  // The content octets of an object identifier.
  ByteView operator[](std::size_t i) const { return ekus_[i]; }
  bool has(ByteView oid) const;
  // For pins that come with the device: false when there is no room.
  bool add(ByteView oid);

 private:
  std::array<ByteView, kMax> ekus_{};
  std::size_t size_ = 0;
};

class Revocations {
 public:
  static constexpr std::size_t kAuthoritiesMax = 32;

  // Checks all of it, so that ask() cannot meet damage later. kMalformed.
  static Result<Revocations> read(const Statement& statement);

  enum class Standing : std::uint8_t { kUnknown, kGood, kRevoked };  // unknown: the statement is silent on the issuer
  struct Answer {
    Standing standing = Standing::kUnknown;
    UnixMs effective_at = 0;        // when revoked
    bool keeps_old_stamps = false;  // the reason is one for which a timestamper's tokens from before stay good
  };
  Answer ask(const crypto::CertificateId& certificate) const;

 private:
  ByteView body_;
};

}  // namespace latchkey::agent
