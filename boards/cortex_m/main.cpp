// SPDX-License-Identifier: Apache-2.0
// The board, composed: its clock, its serial line for the log, its network.
#include "boards/emulated/device.h"
#include "platform/cortex_m/clock.h"
#include "platform/cortex_m/network.h"
#include "platform/cortex_m/uart.h"
#include "platform/semihosting/entropy.h"

namespace latchkey::boards::cortex_m {
namespace {

using latchkey::cortex_m::BoardClock;
using latchkey::cortex_m::Network;

constexpr std::uint64_t kInstructionsPerTick = 40;  // with qemu -icount shift=0

Network& network() {
  static Network one;
  return one;
}

void write_line(std::string_view line) {
  latchkey::cortex_m::uart::write(line);
  latchkey::cortex_m::uart::write("\n");
}

void wait_for_network(agent::Narrator& narrator) {
  if (!network().start()) emulated::give_up(narrator, "no network controller");
  while (!network().has_address()) {
    if (!network().poll()) BoardClock::sleep();
  }
  narrator.say("network: address by DHCP");
}

[[noreturn]] void run() {
  latchkey::cortex_m::uart::start();
  static BoardClock clock;
  static agent::Narrator narrator(clock, write_line);
  narrator.say("latchkey on Cortex-M4, mbedTLS, lwIP");
  emulated::prepare(narrator);
  wait_for_network(narrator);
  static latchkey::cortex_m::LwipStream stream(network());
  emulated::live(narrator, {clock, stream, [] { return BoardClock::ticks() * kInstructionsPerTick; },
                            [] { return network().poll(); }, BoardClock::sleep});
}

}  // namespace
}  // namespace latchkey::boards::cortex_m

// lwIP's ports and sequence numbers.
extern "C" unsigned latchkey_rand() { return latchkey::semihosting::HostEntropy().next(); }

// From startup.cpp.
extern "C" [[noreturn]] void latchkey_main() { latchkey::boards::cortex_m::run(); }
