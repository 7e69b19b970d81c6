// SPDX-License-Identifier: Apache-2.0
#include "platform/semihosting/semihosting.h"

#include <cstring>

#if defined(__riscv)
extern "C" std::int32_t latchkey_semihosting_call(std::uint32_t operation, const void* arguments);
// The two around the ebreak tell it from one of a debugger's; none of them compressed, all on one page.
asm(R"(
  .pushsection .text.latchkey_semihosting_call, "ax", @progbits
  .option push
  .option norvc
  .balign 16
  .globl latchkey_semihosting_call
  .type latchkey_semihosting_call, @function
latchkey_semihosting_call:
  slli x0, x0, 0x1f
  ebreak
  srai x0, x0, 7
  ret
  .option pop
  .popsection)");
#endif

namespace latchkey::semihosting {
namespace {

enum Operation : std::uint32_t {
  kOpen = 0x01,
  kClose = 0x02,
  kWriteCharacter = 0x03,
  kWrite = 0x05,
  kRead = 0x06,
  kSeek = 0x0A,
  kLength = 0x0C,
  kTime = 0x11,
  kExitExtended = 0x20,
};
constexpr std::uint32_t kApplicationExit = 0x20026;

#if defined(__arm__)
std::int32_t call(Operation operation, const void* arguments) {
  register std::uint32_t r0 asm("r0") = operation;
  register const void* r1 asm("r1") = arguments;
  asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return static_cast<std::int32_t>(r0);
}
#elif defined(__riscv)
std::int32_t call(Operation operation, const void* arguments) {
  return latchkey_semihosting_call(operation, arguments);
}
#endif

std::uint32_t word(const void* pointer) { return reinterpret_cast<std::uint32_t>(pointer); }
std::uint32_t word(std::int32_t number) { return static_cast<std::uint32_t>(number); }

}  // namespace

File::File(const char* name, Mode mode) {
  const std::uint32_t arguments[] = {word(name), static_cast<std::uint32_t>(mode), std::strlen(name)};
  handle_ = call(kOpen, arguments);
}

File::~File() {
  const std::uint32_t arguments[] = {word(handle_)};
  if (handle_ >= 0) call(kClose, arguments);
}

std::size_t File::read(MutableBytes out) {
  const std::uint32_t arguments[] = {word(handle_), word(out.data()), out.size()};
  const std::int32_t missing = call(kRead, arguments);
  return missing < 0 || word(missing) > out.size() ? 0 : out.size() - word(missing);
}

bool File::write(ByteView bytes) {
  const std::uint32_t arguments[] = {word(handle_), word(bytes.data()), bytes.size()};
  return call(kWrite, arguments) == 0;
}

bool File::seek(std::size_t offset) {
  const std::uint32_t arguments[] = {word(handle_), offset};
  return call(kSeek, arguments) == 0;
}

std::size_t File::size() {
  const std::uint32_t arguments[] = {word(handle_)};
  const std::int32_t size = call(kLength, arguments);
  return size < 0 ? 0 : word(size);
}

void write_console(std::string_view text) {
  for (const char character : text) call(kWriteCharacter, &character);
}

std::uint32_t host_time() { return word(call(kTime, nullptr)); }

void exit(int status) {
  const std::uint32_t arguments[] = {kApplicationExit, word(static_cast<std::int32_t>(status))};
  for (;;) call(kExitExtended, arguments);
}

}  // namespace latchkey::semihosting
