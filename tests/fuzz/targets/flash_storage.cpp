// SPDX-License-Identifier: Apache-2.0
// Storage on a flash that holds anything. Input: for each of the six banks a mark (0: blank), a header and a filler.
#include "platform/flash/storage.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using flash::FlashStorage;
using flash::kSectorSize;

class Image final : public flash::Flash {
 public:
  explicit Image(ByteView input) : bytes_(FlashStorage::kRegionSize, 0xFF) {
    Input parts(input);
    for (std::size_t at = 0; at < bytes_.size(); at += FlashStorage::kBankSize) {
      if (parts.byte() == 0) continue;
      for (std::size_t i = 0; i < FlashStorage::kHeaderSize; ++i) bytes_[at + i] = parts.byte();
      const std::uint8_t filler = parts.byte();
      std::memset(bytes_.data() + at + FlashStorage::kHeaderSize, filler, 300);
    }
  }
  Result<void> read(std::size_t offset, MutableBytes out) override {
    if (!holds(offset, out.size())) return fail(Status::kStorageFailed);
    if (out.size() != 0) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  Result<void> program(std::size_t offset, ByteView bytes) override {
    if (!holds(offset, bytes.size())) return fail(Status::kStorageFailed);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      blank_only_ = blank_only_ && bytes_[offset + i] == 0xFF;
      bytes_[offset + i] &= bytes[i];
    }
    return {};
  }
  Result<void> erase_sector(std::size_t offset) override {
    if (offset % kSectorSize != 0 || !holds(offset, kSectorSize)) return fail(Status::kStorageFailed);
    std::memset(bytes_.data() + offset, 0xFF, kSectorSize);
    return {};
  }
  bool programmed_blank_only() const { return blank_only_; }
  bool asked_beyond() const { return beyond_; }

 private:
  bool holds(std::size_t offset, std::size_t size) {
    const bool inside = offset <= bytes_.size() && size <= bytes_.size() - offset;
    beyond_ = beyond_ || !inside;
    return inside;
  }
  std::vector<std::uint8_t> bytes_;
  bool blank_only_ = true;
  bool beyond_ = false;
};

}  // namespace

LATCHKEY_FUZZ_TARGET(flash_storage) {
  Image image(input);
  FlashStorage storage(image);
  std::vector<std::uint8_t> room(FlashStorage::kMaxItem);
  const MutableBytes out(room.data(), room.size());
  int found = 0;
  for (const auto item : {ports::Item::kSlotA, ports::Item::kSlotB, ports::Item::kPendingKey}) {
    const auto before = storage.read(item, out);
    require(before || before.error() == Status::kNotFound, "an item is there or not");
    found += before ? 1 : 0;
    const ByteView payload = input.subview(0, 200);
    require(storage.write(item, payload).has_value(), "what fits is written");
    const auto size = storage.read(item, out);
    require(size && ByteView(room).subview(0, *size) == payload, "what is written reads back");
    require(storage.erase(item).has_value(), "an item can be erased");
    require(!storage.read(item, out), "and is gone then");
  }
  require(image.programmed_blank_only(), "only erased bytes are programmed");
  require(!image.asked_beyond(), "nothing lies outside the region");
  if (found > 1) note_good();
}

}  // namespace latchkey::fuzz
