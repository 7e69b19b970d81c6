// SPDX-License-Identifier: Apache-2.0
// Calls to whoever debugs the processor, here QEMU (Arm semihosting, version 2.0; RISC-V semihosting, 0.4, is the same
// with another instruction): files, time and console of the host. A real board has a random number generator, flash and
// a network's time in their place; nothing above this folder knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::semihosting {

enum class Mode : std::uint32_t { kRead = 1, kReadWrite = 3 };  // binary

// A file of the host in the folder that QEMU was started in; closed when it goes.
class File {
 public:
  File(const char* name, Mode mode);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  explicit operator bool() const { return handle_ >= 0; }
  // Bytes read, up to the end of the file.
  std::size_t read(MutableBytes out);
  bool write(ByteView bytes);
  bool seek(std::size_t offset);
  std::size_t size();

 private:
  std::int32_t handle_ = -1;
};

// To the standard error of QEMU.
void write_console(std::string_view text);
// Seconds since 1970 by the host's clock.
std::uint32_t host_time();
// Ends QEMU. 0 stands for success.
[[noreturn]] void exit(int status);

}  // namespace latchkey::semihosting
