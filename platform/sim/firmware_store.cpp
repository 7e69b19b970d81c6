// SPDX-License-Identifier: Apache-2.0
#include "platform/sim/firmware_store.h"

#include <algorithm>
#include <cstring>

namespace latchkey::sim {
namespace {

constexpr std::uint8_t kErased = 0xFF;

}  // namespace

SimFirmwareStore::SimFirmwareStore(std::size_t slot_size, ByteView factory) {
  for (auto& slot : slots_) slot.assign(slot_size, kErased);
  std::copy(factory.begin(), factory.end(), slots_[0].begin());
}

SimFirmwareStore::Change SimFirmwareStore::begin_change() {
  if (!power_) return Change::kRefused;
  if (++changes_ != cut_at_) return Change::kWhole;
  power_ = false;
  return how_ == Cut::kBefore ? Change::kLost : how_ == Cut::kTorn ? Change::kTorn : Change::kWhole;
}

Result<void> SimFirmwareStore::end_change(Change change) const {
  if (change == Change::kRefused || !power_) return fail(Status::kStorageFailed);
  return {};
}

Result<void> SimFirmwareStore::write_block(ports::FirmwareSlot slot, std::uint32_t block, ByteView bytes) {
  if (slot == boot_.running) return fail(Status::kRefused);
  auto& medium = slots_[static_cast<std::size_t>(slot)];
  const std::size_t at = std::size_t{block} * kBlockSize;
  if (bytes.size() > kBlockSize || at + kBlockSize > medium.size()) return fail(Status::kTooLarge);
  const Change change = begin_change();
  if (change == Change::kTorn || change == Change::kWhole) {
    std::fill_n(medium.begin() + static_cast<std::ptrdiff_t>(at), kBlockSize, kErased);
    const std::size_t written = change == Change::kWhole ? bytes.size() : bytes.size() / 2;
    std::copy_n(bytes.begin(), written, medium.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return end_change(change);
}

Result<void> SimFirmwareStore::read_block(ports::FirmwareSlot slot, std::uint32_t block, MutableBytes out) {
  const auto& medium = slots_[static_cast<std::size_t>(slot)];
  const std::size_t at = std::size_t{block} * kBlockSize;
  if (!power_) return fail(Status::kStorageFailed);
  if (out.size() > kBlockSize || at + out.size() > medium.size()) return fail(Status::kTooLarge);
  if (out.size() > 0) std::memcpy(out.data(), medium.data() + at, out.size());
  return {};
}

Result<void> SimFirmwareStore::try_next(ports::FirmwareSlot slot) {
  const Change change = begin_change();
  if (change == Change::kWhole) planned_ = slot;
  return end_change(change);
}

Result<void> SimFirmwareStore::confirm() {
  const Change change = begin_change();
  if (change == Change::kWhole) {
    chosen_ = boot_.running;
    boot_.trial = ports::FirmwareTrial::kNone;
  }
  return end_change(change);
}

Result<std::size_t> SimFirmwareStore::read_record(ports::FirmwareRecord record, MutableBytes out) {
  const auto& held = records_[static_cast<std::size_t>(record)];
  if (!power_) return fail(Status::kStorageFailed);
  if (!held) return fail(Status::kNotFound);
  if (held->size() > out.size()) return fail(Status::kTooLarge);
  if (!held->empty()) std::memcpy(out.data(), held->data(), held->size());
  return held->size();
}

Result<void> SimFirmwareStore::write_record(ports::FirmwareRecord record, ByteView bytes) {
  if (bytes.size() > kRecordMax) return fail(Status::kTooLarge);
  auto& held = records_[static_cast<std::size_t>(record)];
  const Change change = begin_change();
  if (change == Change::kWhole) held.emplace(bytes.begin(), bytes.end());
  if (change == Change::kTorn) {
    std::vector<std::uint8_t> mixed(bytes.size(), kErased);
    std::copy_n(bytes.begin(), bytes.size() / 2, mixed.begin());
    held = std::move(mixed);
  }
  return end_change(change);
}

void SimFirmwareStore::cut_power_at(unsigned change, Cut how) {
  cut_at_ = change;
  how_ = how;
}

void SimFirmwareStore::restart() {
  if (!power_) cut_at_ = 0;
  power_ = true;
  // A trial that was running and not confirmed has failed; a planned one runs now.
  const bool failed = boot_.trial == ports::FirmwareTrial::kRunning;
  boot_ = {chosen_, failed ? ports::FirmwareTrial::kFailed : ports::FirmwareTrial::kNone};
  if (planned_) boot_ = {*planned_, ports::FirmwareTrial::kRunning};
  planned_.reset();
}

}  // namespace latchkey::sim
