// SPDX-License-Identifier: Apache-2.0
#include "platform/semihosting/file_flash.h"

#include <algorithm>

namespace latchkey::semihosting {
namespace {

constexpr std::size_t kPiece = 64;

}  // namespace

FileFlash::FileFlash(const char* name, std::size_t size) : file_(name, Mode::kReadWrite) {
  if (!file_) return;
  usable_ = file_.size() == size || (file_.size() == 0 && fill(0, size));
}

bool FileFlash::fill(std::size_t offset, std::size_t count) {
  std::array<std::uint8_t, kPiece> erased;
  erased.fill(0xFF);
  if (!file_.seek(offset)) return false;
  for (std::size_t at = 0; at < count; at += kPiece) {
    if (!file_.write(erased)) return false;
  }
  return true;
}

Result<void> FileFlash::read(std::size_t offset, MutableBytes out) {
  if (!file_.seek(offset) || file_.read(out) != out.size()) return fail(Status::kStorageFailed);
  return {};
}

Result<void> FileFlash::program(std::size_t offset, ByteView bytes) {
  std::array<std::uint8_t, kPiece> there;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const MutableBytes piece = MutableBytes(there).subview(0, std::min(kPiece, bytes.size() - at));
    LATCHKEY_TRY_VOID(read(offset + at, piece));
    for (const std::uint8_t byte : ByteView(piece)) {
      if (byte != 0xFF) return fail(Status::kStorageFailed);
    }
  }
  if (!file_.seek(offset) || !file_.write(bytes)) return fail(Status::kStorageFailed);
  return {};
}

Result<void> FileFlash::erase_sector(std::size_t offset) {
  if (!fill(offset, flash::kSectorSize)) return fail(Status::kStorageFailed);
  return {};
}

}  // namespace latchkey::semihosting
