// SPDX-License-Identifier: Apache-2.0
// The board, composed: its clock and its wire; the log goes to the emulator's console.
#include "boards/emulated/device.h"
#include "platform/riscv/clock.h"
#include "platform/riscv/serial_stream.h"
#include "platform/semihosting/semihosting.h"

namespace latchkey::boards::riscv {
namespace {

using latchkey::riscv::BoardClock;

void write_line(std::string_view line) {
  semihosting::write_console(line);
  semihosting::write_console("\n");
}

[[noreturn]] void run() {
  latchkey::riscv::uart::start();
  static BoardClock clock;
  static agent::Narrator narrator(clock, write_line);
  narrator.say("latchkey on RV32IMC, mbedTLS, a serial wire");
  const agent::Endpoint& wire = emulated::prepare(narrator).wire();
  static latchkey::riscv::SerialStream stream(wire.host, wire.port);
  // It never sleeps: while QEMU 7.2 counts instructions it may leave a hart in wfi for ever.
  emulated::live(narrator, {clock, stream, BoardClock::instructions, [] { return false; }, [] {}});
}

}  // namespace
}  // namespace latchkey::boards::riscv

// From startup.cpp.
extern "C" [[noreturn]] void latchkey_main() { latchkey::boards::riscv::run(); }
