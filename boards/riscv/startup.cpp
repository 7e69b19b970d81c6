// SPDX-License-Identifier: Apache-2.0
// From power-on to main: stack, memory, static constructors. A trap of any kind is a fault: no interrupt is taken.
#include <cstdint>

#include "boards/emulated/figures.h"
#include "platform/semihosting/semihosting.h"

asm(R"(
  .pushsection .start, "ax", @progbits
  .option push
  .option arch, +zicsr
  .globl latchkey_start
latchkey_start:
  la sp, __stack_top
  la tp, __thread
  la t0, latchkey_fault
  csrw mtvec, t0
  j latchkey_reset
  .option pop
  .popsection)");

extern "C" {
extern std::uint32_t __stack_bottom, __stack_top, __data_load, __data_start, __data_end, __bss_start, __bss_end;
extern void (*__init_start[])();
extern void (*__init_end[])();
[[noreturn]] void latchkey_main();
[[noreturn]] void latchkey_halt(const char* why);

void latchkey_reset() {
  // Paint the stack below us, so that its deepest use can be seen.
  for (std::uint32_t* word = &__stack_bottom; word < reinterpret_cast<std::uint32_t*>(__builtin_frame_address(0)) - 16;
       ++word) {
    *word = latchkey::boards::emulated::kPaint;
  }
  const std::uint32_t* from = &__data_load;
  for (std::uint32_t* to = &__data_start; to < &__data_end;) *to++ = *from++;
  for (std::uint32_t* to = &__bss_start; to < &__bss_end;) *to++ = 0;
  for (auto constructor = __init_start; constructor < __init_end; ++constructor) (*constructor)();
  latchkey_main();
}

void latchkey_halt(const char* why) {
  latchkey::semihosting::write_console("halted: ");
  latchkey::semihosting::write_console(why);
  latchkey::semihosting::write_console("\n");
  latchkey::semihosting::exit(1);
}

__attribute__((aligned(4))) void latchkey_fault() { latchkey_halt("processor fault"); }
}
