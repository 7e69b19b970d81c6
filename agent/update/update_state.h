// SPDX-License-Identifier: Apache-2.0
// What a device remembers about its firmware: what lies in each slot and why it was believed, what is being fetched,
// and the floor below which nothing is taken. A stored format (docs/firmware-update.md).
#pragma once

#include "agent/update/evidence.h"
#include "agent/update/manifest.h"
#include "platform/ports/firmware_store.h"

namespace latchkey::agent {

using OfferId = std::array<std::uint8_t, 32>;  // names a bundle; who announces it chooses it

// What an image is, and what its bundle's signature showed.
struct ImageFacts {
  enum class Origin : std::uint8_t {
    kNone = 0,     // the slot holds nothing that may be run
    kFactory = 1,  // came with the device: there was no bundle to judge
    kBundle = 2,
  };
  Origin origin = Origin::kNone;
  Version version;
  Version minimum;  // the floor once it has been confirmed
  std::uint64_t size = 0;
  crypto::Sha256 sha256{};
  Evidence evidence;
};

struct UpdateState {
  enum class Phase : std::uint8_t {
    kIdle = 0,
    kFetching = 1,  // `candidate` was judged good; its first `blocks_done` blocks lie in `target`
    kTrying = 2,    // `target` is to be run on trial, or is
  };
  static constexpr std::size_t kRecordMax = 2304;

  std::uint32_t sequence = 0;  // of the record; 0: none was ever written
  Phase phase = Phase::kIdle;
  ports::FirmwareSlot target = ports::FirmwareSlot::kB;
  Version floor;
  OfferId offer{};
  std::uint64_t image_at = 0;  // where the image begins in the bundle
  std::uint32_t blocks_done = 0;
  ImageFacts candidate;
  std::array<ImageFacts, 2> slots;  // by FirmwareSlot

  ImageFacts& in(ports::FirmwareSlot slot) { return slots[static_cast<std::size_t>(slot)]; }
  const ImageFacts& in(ports::FirmwareSlot slot) const { return slots[static_cast<std::size_t>(slot)]; }
};

// `scratch` has kRecordMax bytes at least (kTooLarge): a record has no place on a small device's stack.

// The newest record that is whole; kNotFound when there is none, as on a device's first start.
Result<void> load_state(ports::FirmwareStore& medium, UpdateState& out, MutableBytes scratch);
// Raises the sequence and writes to the place of the older record. As FirmwareStore::write_record; after a failure the
// sequence is as it was, so that the next attempt goes to the same place.
Result<void> store_state(ports::FirmwareStore& medium, UpdateState& state, MutableBytes scratch);

}  // namespace latchkey::agent
