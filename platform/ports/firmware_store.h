// SPDX-License-Identifier: Apache-2.0
// Two slots for firmware images, which of them is run, and a few records about them. What the bytes mean is
// agent/update's business.
//
// The boot loader behind it keeps one promise: a slot that is to be tried is run once, and unless confirm() is called
// before the next start, the slot of before is run again, for good.
#pragma once

#include <cstddef>
#include <cstdint>

#include "platform/base/bytes.h"

namespace latchkey::ports {

enum class FirmwareSlot : std::uint8_t { kA = 0, kB = 1 };
inline FirmwareSlot other(FirmwareSlot slot) { return slot == FirmwareSlot::kA ? FirmwareSlot::kB : FirmwareSlot::kA; }

// Each kind of record has two places. Numbers are on flash: never renumber.
enum class FirmwareRecord : std::uint8_t {
  kState0 = 0,
  kState1 = 1,
  kPins0 = 2,
  kPins1 = 3,
  kRevocations0 = 4,
  kRevocations1 = 5,
};
inline constexpr std::size_t kFirmwareRecords = 6;

enum class FirmwareTrial : std::uint8_t {
  kNone,     // the running slot is the one that is run for good
  kRunning,  // the running slot is on trial: confirm() it, or lose it at the next start
  kFailed,   // at this start the boot loader went back from one that was not confirmed
};
// As the boot loader left it at this start.
struct FirmwareBoot {
  FirmwareSlot running = FirmwareSlot::kA;
  FirmwareTrial trial = FirmwareTrial::kNone;
};

class FirmwareStore {
 public:
  static constexpr std::size_t kBlockSize = 4096;
  static constexpr std::size_t kRecordMax = 4608;

  virtual ~FirmwareStore() = default;

  // Bytes of a slot, a multiple of kBlockSize.
  virtual std::uint64_t slot_size() const = 0;
  virtual FirmwareBoot boot() const = 0;

  // Replaces one block, up to kBlockSize bytes of it from its beginning. After a failure or a power cut that block
  // holds anything, and no other is touched. kRefused for the running slot, kTooLarge beyond the slot.
  virtual Result<void> write_block(FirmwareSlot slot, std::uint32_t block, ByteView bytes) = 0;
  // The first bytes of one block, as they lie there.
  virtual Result<void> read_block(FirmwareSlot slot, std::uint32_t block, MutableBytes out) = 0;

  // At the next start this slot is run on trial. Durable when it returns; after a failure or a cut either holds.
  virtual Result<void> try_next(FirmwareSlot slot) = 0;
  // The running slot is run from now on. The same.
  virtual Result<void> confirm() = 0;

  // Bytes read. kNotFound when nothing was ever written, kTooLarge when `out` is too small.
  virtual Result<std::size_t> read_record(FirmwareRecord record, MutableBytes out) = 0;
  // Replaces the record. After a failure or a cut it holds the old bytes, the new ones, or something that a checksum
  // gives away. kTooLarge over kRecordMax.
  virtual Result<void> write_record(FirmwareRecord record, ByteView bytes) = 0;
};

}  // namespace latchkey::ports
