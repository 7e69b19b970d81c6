// SPDX-License-Identifier: Apache-2.0
#include "agent/core/slots.h"

#include "agent/core/endpoint.h"
#include "platform/crypto/certificate.h"
#include "platform/crypto/pem.h"

namespace latchkey::agent {
namespace {

bool usable(const Credential* credential, std::optional<UnixMs> now) {
  if (credential == nullptr || credential->state == RecordState::kRefused) return false;
  return !now || *now <= credential->not_after;
}

// How much would be lost if this slot were written over: an empty one least, a proven one most.
int worth(const Credential* credential) {
  if (credential == nullptr) return 0;
  switch (credential->state) {
    case RecordState::kProven: return 3;
    case RecordState::kStaged: return 2;
    default: return 1;
  }
}

}  // namespace

Result<Credential> read_credential(ByteView record_text, MutableBytes room) {
  LATCHKEY_TRY(record, parse_record(record_text));
  if (record.state == RecordState::kPending || !parse_endpoint(record.hub)) return fail(Status::kCorrupt);
  crypto::DeviceKey key;
  LATCHKEY_TRY_VOID(read_key(record, key));
  const MutableBytes der = room.subview(0, kMaxCertificate);
  LATCHKEY_TRY(size, read_block(record, crypto::kPemCertificate, 0, der));
  auto leaf = crypto::inspect_leaf(ByteView(der).subview(0, size), &key);
  if (!leaf || !leaf->key_matches) return fail(Status::kCorrupt);
  Credential credential;
  credential.generation = record.generation;
  credential.state = record.state;
  credential.not_before = leaf->not_before;
  credential.not_after = leaf->not_after;
  std::array<std::uint8_t, hex_size(crypto::kMaxSerialSize)> serial;
  LATCHKEY_TRY(digits, hex_encode(leaf->serial(), serial));
  if (!credential.hub.assign(record.hub) || !credential.device_id.assign(record.device_id) ||
      !credential.serial.assign(ByteView(serial.data(), digits).text())) {
    return fail(Status::kCorrupt);
  }
  return credential;
}

std::optional<Slot> Slots::newest_usable(std::optional<UnixMs> now) const {
  const Credential* a = get(Slot::kA);
  const Credential* b = get(Slot::kB);
  const bool a_usable = usable(a, now);
  const bool b_usable = usable(b, now);
  if (a_usable && b_usable) return a->generation >= b->generation ? Slot::kA : Slot::kB;
  if (a_usable) return Slot::kA;
  if (b_usable) return Slot::kB;
  return std::nullopt;
}

Slot Slots::slot_for_next(std::optional<Slot> in_use) const {
  if (in_use) return other(*in_use);
  const Credential* a = get(Slot::kA);
  const Credential* b = get(Slot::kB);
  if (worth(a) != worth(b)) return worth(a) < worth(b) ? Slot::kA : Slot::kB;
  if (a == nullptr) return Slot::kA;
  return a->generation <= b->generation ? Slot::kA : Slot::kB;
}

std::uint32_t Slots::highest_generation() const {
  const std::uint32_t a = get(Slot::kA) != nullptr ? get(Slot::kA)->generation : 0;
  const std::uint32_t b = get(Slot::kB) != nullptr ? get(Slot::kB)->generation : 0;
  return a > b ? a : b;
}

}  // namespace latchkey::agent
