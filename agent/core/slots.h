// SPDX-License-Identifier: Apache-2.0
// What the core remembers of the two credential slots, and the rules which one to show and which one to write.
// Values only; belongs to the core's thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/core/record.h"
#include "platform/base/ids.h"
#include "platform/ports/mqtt_link.h"
#include "platform/ports/storage.h"

namespace latchkey::agent {

enum class Slot : std::uint8_t { kA = 0, kB = 1 };

constexpr Slot other(Slot slot) { return slot == Slot::kA ? Slot::kB : Slot::kA; }
constexpr ports::Item item_of(Slot slot) { return slot == Slot::kA ? ports::Item::kSlotA : ports::Item::kSlotB; }
constexpr ports::LinkIdentity identity_of(Slot slot) {
  return slot == Slot::kA ? ports::LinkIdentity::kSlotA : ports::LinkIdentity::kSlotB;
}

// A short text in place; longer input is kTooLarge.
template <std::size_t N>
class FixedText {
 public:
  bool assign(std::string_view text) {
    if (text.size() > N) return false;
    for (std::size_t i = 0; i < text.size(); ++i) bytes_[i] = text[i];
    size_ = text.size();
    return true;
  }
  std::string_view view() const { return {bytes_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::array<char, N> bytes_{};
  std::size_t size_ = 0;
};

struct Credential {
  std::uint32_t generation = 0;
  RecordState state = RecordState::kStaged;
  FixedText<128> hub;  // host[:port]
  FixedText<128> device_id;
  FixedText<40> serial;  // lower-case hex
  UnixMs not_before = 0;
  UnixMs not_after = 0;
};

// What storage holds, judged: form, checksum, the key is the leaf's. kCorrupt for anything else. `room` is where the
// leaf is looked at, kMaxCertificate bytes: a small device has no such piece of stack.
Result<Credential> read_credential(ByteView record_text, MutableBytes room);

class Slots {
 public:
  void set(Slot slot, const Credential& credential) { at(slot) = credential; }
  void clear(Slot slot) { at(slot).reset(); }
  void mark(Slot slot, RecordState state) {
    if (at(slot)) at(slot)->state = state;
  }
  const Credential* get(Slot slot) const { return at(slot) ? &*at(slot) : nullptr; }

  // The newest one that was not refused and has not expired. `now` empty: the clock is not set, nothing expires.
  std::optional<Slot> newest_usable(std::optional<UnixMs> now) const;
  // Where the next credential goes: never onto the one that a session lives on; without a session never onto the
  // newest proven one.
  Slot slot_for_next(std::optional<Slot> in_use) const;
  std::uint32_t highest_generation() const;

 private:
  std::optional<Credential>& at(Slot slot) { return slots_[static_cast<std::size_t>(slot)]; }
  const std::optional<Credential>& at(Slot slot) const { return slots_[static_cast<std::size_t>(slot)]; }

  std::array<std::optional<Credential>, 2> slots_;
};

}  // namespace latchkey::agent
