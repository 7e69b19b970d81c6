// SPDX-License-Identifier: Apache-2.0
// What of the C++ runtime would otherwise bring a heap, exceptions or a C library's start with it.
#include <cstddef>
#include <ctime>

extern "C" {
[[noreturn]] void latchkey_halt(const char* why);  // the board's
void* __dso_handle = nullptr;

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
