// SPDX-License-Identifier: Apache-2.0
#include "platform/flash/firmware_store.h"

#include <array>

#include "platform/flash/sectors.h"

namespace latchkey::flash {
namespace {

static_assert(ports::FirmwareStore::kBlockSize == kSectorSize, "a block is a sector");
static_assert(ports::FirmwareStore::kRecordMax + FlashFirmwareStore::kHeaderSize <=
              FlashFirmwareStore::kRecordSectors * kSectorSize);

constexpr std::uint32_t kMagic = 0x52464B4C;  // "LKFR"

std::uint32_t check_of(std::uint32_t length) { return ~(kMagic ^ length); }

std::size_t place_of_record(ports::FirmwareRecord record) {
  return FlashFirmwareStore::kRecordsAt +
         static_cast<std::size_t>(record) * FlashFirmwareStore::kRecordSectors * kSectorSize;
}

}  // namespace

Result<void> FlashFirmwareStore::start() {
  LATCHKEY_TRY(boot, choice_.start());
  boot_ = boot;
  return {};
}

Result<std::size_t> FlashFirmwareStore::place_of(ports::FirmwareSlot slot, std::uint32_t block,
                                                 std::size_t size) const {
  if (size > kBlockSize || block >= slot_size_ / kBlockSize) return fail(Status::kTooLarge);
  return kSlotsAt + static_cast<std::size_t>(slot) * slot_size_ + std::size_t{block} * kBlockSize;
}

Result<void> FlashFirmwareStore::write_block(ports::FirmwareSlot slot, std::uint32_t block, ByteView bytes) {
  if (slot == boot_.running) return fail(Status::kRefused);
  LATCHKEY_TRY(at, place_of(slot, block, bytes.size()));
  LATCHKEY_TRY_VOID(make_blank(flash_, at, 1));
  ++writes_;
  return flash_.program(at, bytes);
}

Result<void> FlashFirmwareStore::read_block(ports::FirmwareSlot slot, std::uint32_t block, MutableBytes out) {
  LATCHKEY_TRY(at, place_of(slot, block, out.size()));
  return flash_.read(at, out);
}

Result<void> FlashFirmwareStore::confirm() {
  LATCHKEY_TRY_VOID(choice_.confirm(boot_.running));
  boot_.trial = ports::FirmwareTrial::kNone;
  return {};
}

Result<std::size_t> FlashFirmwareStore::read_record(ports::FirmwareRecord record, MutableBytes out) {
  const std::size_t at = place_of_record(record);
  std::array<std::uint8_t, kHeaderSize> header;
  LATCHKEY_TRY_VOID(flash_.read(at, header));
  const std::size_t length = get_u32(header.data() + 4);
  if (get_u32(header.data()) != kMagic || length > kRecordMax ||
      get_u32(header.data() + 8) != check_of(static_cast<std::uint32_t>(length))) {
    return fail(Status::kNotFound);
  }
  if (length > out.size()) return fail(Status::kTooLarge);
  LATCHKEY_TRY_VOID(flash_.read(at + kHeaderSize, out.subview(0, length)));
  return length;
}

Result<void> FlashFirmwareStore::write_record(ports::FirmwareRecord record, ByteView bytes) {
  if (bytes.size() > kRecordMax) return fail(Status::kTooLarge);
  const std::size_t at = place_of_record(record);
  LATCHKEY_TRY_VOID(make_blank(flash_, at, kRecordSectors));
  ++writes_;
  LATCHKEY_TRY_VOID(flash_.program(at + kHeaderSize, bytes));
  const auto length = static_cast<std::uint32_t>(bytes.size());
  std::array<std::uint8_t, kHeaderSize> header;
  put_u32(header.data(), kMagic);
  put_u32(header.data() + 4, length);
  put_u32(header.data() + 8, check_of(length));
  return flash_.program(at, header);
}

}  // namespace latchkey::flash
