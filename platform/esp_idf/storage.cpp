// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/storage.h"

#include <cstring>

namespace latchkey::esp_idf {
namespace {

constexpr std::uint32_t kMagic = 0x314E4B4C;  // "LKN1"
constexpr const char* kKeys[3][2] = {{"slot-a.0", "slot-a.1"}, {"slot-b.0", "slot-b.1"}, {"pending.0", "pending.1"}};
constexpr std::size_t kChecked = 12;  // where the check stands

const char* key_of(ports::Item item, int bank) { return kKeys[static_cast<std::size_t>(item)][bank]; }

std::uint32_t get_u32(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
         static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

void put_u32(std::uint8_t* at, std::uint32_t number) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(number >> (8 * i));
}

// CRC-32 (ISO 3309), four bits at a time.
std::uint32_t crc32(std::uint32_t before, ByteView bytes) {
  constexpr std::uint32_t kTable[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
  std::uint32_t crc = ~before;
  for (const std::uint8_t byte : bytes) {
    crc = kTable[(crc ^ byte) & 15] ^ (crc >> 4);
    crc = kTable[(crc ^ (byte >> 4)) & 15] ^ (crc >> 4);
  }
  return ~crc;
}

std::uint32_t check_of(ByteView blob) {
  return crc32(crc32(0, blob.subview(0, kChecked)), blob.subview(NvsStorage::kHeaderSize, blob.size()));
}

// Wipes when the call that filled it is over.
class Wiper {
 public:
  explicit Wiper(MutableBytes bytes) : bytes_(bytes) {}
  ~Wiper() { wipe(bytes_); }
  Wiper(const Wiper&) = delete;
  Wiper& operator=(const Wiper&) = delete;

 private:
  MutableBytes bytes_;
};

}  // namespace

Result<NvsStorage::Header> NvsStorage::load(ports::Item item, int bank) {
  const auto size = space_.read(key_of(item, bank), blob_);
  if (!size) return fail(size.error() == Status::kTooLarge ? Status::kCorrupt : size.error());
  if (*size < kHeaderSize || get_u32(blob_.data()) != kMagic) return fail(Status::kCorrupt);
  const ByteView blob = ByteView(blob_).subview(0, *size);
  const Header header{get_u32(blob.data() + 4), get_u32(blob.data() + 8)};
  if (header.length != *size - kHeaderSize || get_u32(blob.data() + kChecked) != check_of(blob)) {
    return fail(Status::kCorrupt);
  }
  return header;
}

Result<NvsStorage::Newest> NvsStorage::find(ports::Item item) {
  Newest newest;
  for (int bank = 0; bank < 2; ++bank) {
    const auto header = load(item, bank);
    if (!header && header.error() == Status::kStorageFailed) return fail(Status::kStorageFailed);
    if (header && (newest.bank < 0 || header->sequence > newest.header.sequence)) newest = {bank, *header};
  }
  return newest;
}

Result<std::size_t> NvsStorage::read(ports::Item item, MutableBytes out) {
  const Wiper wiper(blob_);
  LATCHKEY_TRY(newest, find(item));
  if (newest.bank < 0) return fail(Status::kNotFound);
  if (newest.header.length > out.size()) return fail(Status::kTooLarge);
  if (newest.bank == 0) LATCHKEY_TRY_VOID(load(item, 0));  // the search left the other one in the buffer
  if (newest.header.length > 0) std::memcpy(out.data(), blob_.data() + kHeaderSize, newest.header.length);
  return static_cast<std::size_t>(newest.header.length);
}

Result<void> NvsStorage::write(ports::Item item, ByteView bytes) {
  if (bytes.size() > kMaxItem) return fail(Status::kTooLarge);
  const Wiper wiper(blob_);
  LATCHKEY_TRY(newest, find(item));
  const int target = newest.bank == 0 ? 1 : 0;
  const MutableBytes blob = MutableBytes(blob_).subview(0, kHeaderSize + bytes.size());
  if (!bytes.empty()) std::memcpy(blob.data() + kHeaderSize, bytes.data(), bytes.size());
  put_u32(blob.data(), kMagic);
  put_u32(blob.data() + 4, newest.header.sequence + 1);
  put_u32(blob.data() + 8, static_cast<std::uint32_t>(bytes.size()));
  put_u32(blob.data() + kChecked, check_of(blob));
  ++writes_;
  LATCHKEY_TRY_VOID(space_.write(key_of(item, target), blob));
  LATCHKEY_TRY(back, load(item, target));
  if (back.sequence != newest.header.sequence + 1) return fail(Status::kCorrupt);
  return newest.bank < 0 ? Result<void>() : space_.erase(key_of(item, newest.bank));
}

Result<void> NvsStorage::erase(ports::Item item) {
  const Wiper wiper(blob_);
  LATCHKEY_TRY(newest, find(item));
  // The older one first: a cut in between must not bring it back.
  const int first = newest.bank == 0 ? 1 : 0;
  LATCHKEY_TRY_VOID(space_.erase(key_of(item, first)));
  return space_.erase(key_of(item, 1 - first));
}

}  // namespace latchkey::esp_idf
