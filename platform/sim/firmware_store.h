// SPDX-License-Identifier: Apache-2.0
// Firmware slots in memory, with a boot loader and a power that can be cut, for power-cut sweeps; used as SimStorage is
// (storage.h). Not thread-safe.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "platform/ports/firmware_store.h"
#include "platform/sim/storage.h"

namespace latchkey::sim {

class SimFirmwareStore final : public ports::FirmwareStore {
 public:
  // Slot A holds `factory` and is run.
  SimFirmwareStore(std::size_t slot_size, ByteView factory);

  std::uint64_t slot_size() const override { return slots_[0].size(); }
  ports::FirmwareBoot boot() const override { return boot_; }
  Result<void> write_block(ports::FirmwareSlot slot, std::uint32_t block, ByteView bytes) override;
  Result<void> read_block(ports::FirmwareSlot slot, std::uint32_t block, MutableBytes out) override;
  Result<void> try_next(ports::FirmwareSlot slot) override;
  Result<void> confirm() override;
  Result<std::size_t> read_record(ports::FirmwareRecord record, MutableBytes out) override;
  Result<void> write_record(ports::FirmwareRecord record, ByteView bytes) override;

  // The power fails during change number `change`, counted since construction; from then on every call fails. A torn
  // change of the boot choice does not exist: it is one word. 0: never.
  void cut_power_at(unsigned change, Cut how);
  // The boot loader's work. Power is back; a cut that is planned and has not come yet stays planned.
  void restart();
  bool has_power() const { return power_; }

  unsigned changes() const { return changes_; }
  // What lies in a slot, for assertions and for damage.
  std::vector<std::uint8_t>& slot(ports::FirmwareSlot slot) { return slots_[static_cast<std::size_t>(slot)]; }
  std::optional<std::vector<std::uint8_t>>& record(ports::FirmwareRecord record) {
    return records_[static_cast<std::size_t>(record)];
  }

 private:
  enum class Change { kRefused, kLost, kTorn, kWhole };  // how much of it reaches the medium
  Change begin_change();
  Result<void> end_change(Change change) const;

  std::array<std::vector<std::uint8_t>, 2> slots_;
  std::array<std::optional<std::vector<std::uint8_t>>, ports::kFirmwareRecords> records_;
  ports::FirmwareSlot chosen_ = ports::FirmwareSlot::kA;
  std::optional<ports::FirmwareSlot> planned_;
  ports::FirmwareBoot boot_;
  unsigned changes_ = 0;
  unsigned cut_at_ = 0;
  Cut how_ = Cut::kBefore;
  bool power_ = true;
};

}  // namespace latchkey::sim
