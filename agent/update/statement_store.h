// SPDX-License-Identifier: Apache-2.0
// The newest statement of each kind, kept so that it holds offline, across restarts and power cuts.
//
// Each kind has two places; a new statement goes to the one that does not hold the newest, so a cut leaves the old one
// or the new. A version that does not rise is refused: what was revoked stays revoked.
//
//   record = "LKS1" length digest statement   ; length: 32 bits, little-endian; digest: SHA-256 of the statement
//
// A record that is damaged, or that the pinned key did not sign, counts as none. One thread.
#pragma once

#include "agent/update/statement.h"
#include "platform/ports/firmware_store.h"

namespace latchkey::agent {

class StatementStore {
 public:
  static constexpr std::size_t kHeadSize = 8 + crypto::kSha256Size;
  struct Room {
    std::array<std::uint8_t, Statement::kSizeMax> pins{};
    std::array<std::uint8_t, Statement::kSizeMax> revocations{};
    std::array<std::uint8_t, kHeadSize + Statement::kSizeMax> record{};  // scratch, between calls anybody's
  };

  // All of them outlive the store. `statement_key`: SubjectPublicKeyInfo, DER.
  StatementStore(ports::FirmwareStore& medium, ByteView statement_key, Room& room)
      : medium_(medium), key_(statement_key), room_(room) {}

  // Takes what is kept. A medium that fails is as one that holds nothing.
  void load();

  // A statement from the hub, whoever carried it. Its kind; one that is held already is a success without a write.
  // As read_statement; kRefused: its version does not rise; kStorageFailed, kStorageFull: it does not count.
  Result<StatementKind> offer(ByteView text);

  // 0 while there is none.
  std::uint64_t version(StatementKind kind) const { return held(kind).version; }
  // Empty while there is no such statement.
  const Pins& pins() const { return pins_; }
  // Null while there is none.
  const Revocations* revocations() const { return revocations_held_.version > 0 ? &revocations_ : nullptr; }

 private:
  struct Held {
    std::uint64_t version = 0;
    std::size_t size = 0;
    int place = 1;  // 0 or 1; the first write goes to the other
  };
  const Held& held(StatementKind kind) const { return kind == StatementKind::kPins ? pins_held_ : revocations_held_; }
  Held& held(StatementKind kind) { return kind == StatementKind::kPins ? pins_held_ : revocations_held_; }
  MutableBytes text_of(StatementKind kind);
  void load_place(StatementKind kind, int place);
  // Makes it the one that counts; `text` may not lie in the room of its kind.
  Result<void> adopt(const Statement& statement, ByteView text, int place);
  Result<void> write(StatementKind kind, int place, ByteView text);

  ports::FirmwareStore& medium_;
  ByteView key_;
  Room& room_;
  Held pins_held_;
  Held revocations_held_;
  Pins pins_;
  Revocations revocations_;
};

}  // namespace latchkey::agent
