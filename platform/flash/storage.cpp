// SPDX-License-Identifier: Apache-2.0
#include "platform/flash/storage.h"

#include "platform/flash/sectors.h"

namespace latchkey::flash {
namespace {

constexpr std::uint32_t kMagic = 0x31464B4C;  // "LKF1"

std::size_t bank_at(ports::Item item, int bank) {
  return (static_cast<std::size_t>(item) * 2 + static_cast<std::size_t>(bank)) * FlashStorage::kBankSize;
}

std::uint32_t check_of(std::uint32_t sequence, std::uint32_t length) { return ~(kMagic ^ sequence ^ length); }

}  // namespace

Result<FlashStorage::Header> FlashStorage::read_header(std::size_t at) {
  std::array<std::uint8_t, kHeaderSize> bytes{};
  LATCHKEY_TRY_VOID(flash_.read(at, bytes));
  Header header;
  header.sequence = get_u32(bytes.data() + 4);
  header.length = get_u32(bytes.data() + 8);
  header.valid = get_u32(bytes.data()) == kMagic && header.length <= kMaxItem &&
                 get_u32(bytes.data() + 12) == check_of(header.sequence, header.length);
  return header;
}

Result<FlashStorage::Newest> FlashStorage::find(ports::Item item) {
  Newest newest;
  for (int bank = 0; bank < 2; ++bank) {
    LATCHKEY_TRY(header, read_header(bank_at(item, bank)));
    if (!header.valid) continue;
    if (newest.bank < 0 || header.sequence > newest.header.sequence) newest = {bank, header};
  }
  return newest;
}

Result<void> FlashStorage::erase_bank(std::size_t at) {
  LATCHKEY_TRY(erased, make_blank(flash_, at, kBankSectors));
  erased_sectors_ += erased;
  return {};
}

Result<std::size_t> FlashStorage::read(ports::Item item, MutableBytes out) {
  LATCHKEY_TRY(newest, find(item));
  if (newest.bank < 0) return fail(Status::kNotFound);
  if (newest.header.length > out.size()) return fail(Status::kTooLarge);
  LATCHKEY_TRY_VOID(flash_.read(bank_at(item, newest.bank) + kHeaderSize, out.subview(0, newest.header.length)));
  return newest.header.length;
}

Result<void> FlashStorage::write(ports::Item item, ByteView bytes) {
  if (bytes.size() > kMaxItem) return fail(Status::kTooLarge);
  LATCHKEY_TRY(newest, find(item));
  const int target = newest.bank == 0 ? 1 : 0;
  const std::size_t at = bank_at(item, target);
  const auto length = static_cast<std::uint32_t>(bytes.size());
  const std::uint32_t sequence = newest.bank < 0 ? 1 : newest.header.sequence + 1;
  LATCHKEY_TRY_VOID(erase_bank(at));
  ++writes_;
  LATCHKEY_TRY_VOID(flash_.program(at + kHeaderSize, bytes));
  std::array<std::uint8_t, kHeaderSize> header;
  put_u32(header.data(), kMagic);
  put_u32(header.data() + 4, sequence);
  put_u32(header.data() + 8, length);
  put_u32(header.data() + 12, check_of(sequence, length));
  LATCHKEY_TRY_VOID(flash_.program(at, header));
  return newest.bank < 0 ? Result<void>() : erase_bank(bank_at(item, newest.bank));
}

Result<void> FlashStorage::erase(ports::Item item) {
  LATCHKEY_TRY(newest, find(item));
  // The older one first: a cut in between must not bring it back.
  const int first = newest.bank == 0 ? 1 : 0;
  LATCHKEY_TRY_VOID(erase_bank(bank_at(item, first)));
  return erase_bank(bank_at(item, 1 - first));
}

}  // namespace latchkey::flash
