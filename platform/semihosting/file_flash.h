// SPDX-License-Identifier: Apache-2.0
// Flash whose content is a file of the host, so that it survives the end of QEMU. It keeps flash's rules: what is to be
// programmed has to be erased.
#pragma once

#include "platform/flash/flash.h"
#include "platform/semihosting/semihosting.h"

namespace latchkey::semihosting {

class FileFlash final : public flash::Flash {
 public:
  // The file has to be there; an empty one becomes `size` erased bytes. Test before use.
  FileFlash(const char* name, std::size_t size);
  bool usable() const { return usable_; }

  Result<void> read(std::size_t offset, MutableBytes out) override;
  Result<void> program(std::size_t offset, ByteView bytes) override;
  Result<void> erase_sector(std::size_t offset) override;

 private:
  bool fill(std::size_t offset, std::size_t count);

  File file_;
  bool usable_ = false;
};

}  // namespace latchkey::semihosting
