// SPDX-License-Identifier: Apache-2.0
// From power-on to main: vectors, memory, static constructors. And what of the C++ runtime would otherwise bring a
// heap, exceptions or a C library's start with it.
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "boards/cortex_m/figures.h"
#include "platform/cortex_m/semihosting.h"
#include "platform/cortex_m/uart.h"

extern "C" {
extern std::uint32_t __stack_bottom, __stack_top, __data_load, __data_start, __data_end, __bss_start, __bss_end;
extern void (*__init_start[])();
extern void (*__init_end[])();
[[noreturn]] void latchkey_main();
void latchkey_systick();
[[noreturn]] void latchkey_halt(const char* why);
void* __dso_handle = nullptr;

void latchkey_reset() {
  // Paint the stack below us, so that its deepest use can be seen.
  for (std::uint32_t* word = &__stack_bottom; word < reinterpret_cast<std::uint32_t*>(__builtin_frame_address(0)) - 16;
       ++word) {
    *word = latchkey::boards::cortex_m::kPaint;
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
  latchkey::cortex_m::semihosting::exit(1);
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

[[noreturn]] void abort() { latchkey_halt("abort"); }
// Static objects live as long as the board has power.
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
int atexit(void (*)()) { return 0; }
[[noreturn]] void __cxa_pure_virtual() { latchkey_halt("pure virtual call"); }

tm* mbedtls_platform_gmtime_r(const time_t* time, tm* out) { return gmtime_r(time, out); }
}

// Nothing is ever deleted; virtual destructors name these all the same.
void operator delete(void*) noexcept { latchkey_halt("delete"); }
void operator delete(void*, std::size_t) noexcept { latchkey_halt("delete"); }

// What libstdc++'s headers call where a check of theirs fails; its own would bring exceptions with it.
namespace std {
[[noreturn]] void __throw_out_of_range_fmt(const char*, ...) { latchkey_halt("out of range"); }
[[noreturn]] void __throw_length_error(const char*) { latchkey_halt("length"); }
[[noreturn]] void __throw_logic_error(const char*) { latchkey_halt("logic"); }
[[noreturn]] void __throw_bad_function_call() { latchkey_halt("bad function call"); }
}  // namespace std
