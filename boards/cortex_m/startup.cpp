// SPDX-License-Identifier: Apache-2.0
// From power-on to main: vectors, memory, static constructors.
#include <cstddef>
#include <cstdint>

#include "boards/emulated/figures.h"
#include "platform/cortex_m/uart.h"
#include "platform/semihosting/semihosting.h"

extern "C" {
extern std::uint32_t __stack_bottom, __stack_top, __data_load, __data_start, __data_end, __bss_start, __bss_end;
extern void (*__init_start[])();
extern void (*__init_end[])();
[[noreturn]] void latchkey_main();
void latchkey_systick();
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
  latchkey::cortex_m::uart::write("halted: ");
  latchkey::cortex_m::uart::write(why);
  latchkey::cortex_m::uart::write("\n");
  latchkey::semihosting::exit(1);
}

void latchkey_fault() { latchkey_halt("processor fault"); }

using Vector = void (*)();
__attribute__((section(".vectors"), used)) const Vector latchkey_vectors[16] = {
    reinterpret_cast<Vector>(&__stack_top),
    latchkey_reset,
    latchkey_fault,
    latchkey_fault,
    latchkey_fault,
    latchkey_fault,
    latchkey_fault,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    latchkey_fault,
    latchkey_fault,
    nullptr,
    latchkey_fault,
    latchkey_systick,
};
}
