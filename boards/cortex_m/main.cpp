// SPDX-License-Identifier: Apache-2.0
// The board, composed: ports, agent, loop. Everything lives in static storage; the loop never ends.
#include <algorithm>

#include "agent/core/driver.h"
#include "boards/cortex_m/figures.h"
#include "boards/cortex_m/narrator.h"
#include "boards/cortex_m/settings.h"
#include "platform/cortex_m/clock.h"
#include "platform/cortex_m/entropy.h"
#include "platform/cortex_m/file_flash.h"
#include "platform/cortex_m/network.h"
#include "platform/cortex_m/uart.h"
#include "platform/flash/storage.h"
#include "platform/tls/tls_link.h"

namespace latchkey::boards::cortex_m {
namespace {

using latchkey::cortex_m::BoardClock;

constexpr std::uint64_t kInstructionsPerTick = 40;  // with qemu -icount shift=0

[[noreturn]] void give_up(Narrator& narrator, std::string_view why) {
  narrator.say(why);
  latchkey::cortex_m::semihosting::exit(1);
}

// A link wants its listener, a driver wants its link: this one stands between.
class Relay final : public ports::MqttLinkEvents {
 public:
  void set(ports::MqttLinkEvents& to) { to_ = &to; }
  void on_connected(bool session_present) override { to_->on_connected(session_present); }
  void on_ended(ports::LinkFailure why, int detail) override { to_->on_ended(why, detail); }
  void on_subscribed(bool granted) override { to_->on_subscribed(granted); }
  void on_published() override { to_->on_published(); }
  void on_message(std::string_view topic, ByteView payload) override { to_->on_message(topic, payload); }

 private:
  ports::MqttLinkEvents* to_ = nullptr;
};

// Not a part of run(): its text would lie on the stack for ever.
__attribute__((noinline)) void say_figures(Narrator& narrator, const flash::FlashStorage& storage,
                                           const tls::TlsLink& link) {
  std::array<std::uint8_t, 256> room;
  agent::TextWriter out(room);
  const HeapFigures heap = heap_figures();
  out.put("figures handshake_instructions=")
      .put_decimal(link.figures().last_handshake_cycles * kInstructionsPerTick)
      .put(" handshakes=")
      .put_decimal(link.figures().handshakes)
      .put(" heap_peak=")
      .put_decimal(heap.peak)
      .put(" heap_blocks=")
      .put_decimal(heap.blocks)
      .put(" heap_now=")
      .put_decimal(heap.used)
      .put(" stack_peak=")
      .put_decimal(stack_peak())
      .put(" flash_writes=")
      .put_decimal(storage.writes())
      .put(" sectors_erased=")
      .put_decimal(storage.erased_sectors());
  if (const auto text = out.finish()) narrator.say(*text);
}

void wait_for_network(latchkey::cortex_m::Network& network, Narrator& narrator) {
  if (!network.start()) give_up(narrator, "no network controller");
  while (!network.has_address()) {
    if (!network.poll()) BoardClock::sleep();
  }
  narrator.say("network: address by DHCP");
}

[[noreturn]] void run() {
  latchkey::cortex_m::uart::start();
  static BoardClock clock;
  static Narrator narrator(clock);
  narrator.say("latchkey on Cortex-M4, mbedTLS, lwIP");
  start_heap();
  if (!crypto::init()) give_up(narrator, "no randomness: /dev/urandom cannot be read through semihosting");
  static Settings settings;
  if (const char* problem = settings.load()) give_up(narrator, problem);
  BoardClock::set_offset(settings.clock_offset_s());
  static latchkey::cortex_m::FileFlash flash("flash.bin", flash::FlashStorage::kRegionSize);
  if (!flash.usable()) give_up(narrator, "flash.bin has to be there, empty or of the right size");
  static flash::FlashStorage storage(flash);
  static latchkey::cortex_m::Network network;
  wait_for_network(network, narrator);

  static std::array<std::uint8_t, 8192> in;
  static std::array<std::uint8_t, 3072> out;
  static Relay relay;
  static latchkey::cortex_m::LwipStream stream(network);
  static tls::TlsLink link({settings.trust_anchor(), in, out, BoardClock::ticks}, stream, storage, clock, relay);
  static latchkey::cortex_m::BoardEntropy entropy;
  static agent::FreshKeyMaker keys;
  static agent::Workspace room;
  static agent::Driver driver(settings.config(), {link, storage, clock, entropy, keys, room}, narrator);
  settings.forget_key();
  relay.set(driver);

  driver.start();
  std::uint32_t told = 0;
  for (;;) {
    const bool busy = static_cast<int>(network.poll()) + static_cast<int>(link.poll()) > 0;
    if (driver.wake_at() <= clock.monotonic()) driver.on_timer();
    narrator.flush(driver.state());
    narrator.status(driver.summary(), settings.config().registration_id);
    if (driver.state() == agent::State::kLive && told != link.figures().handshakes) {
      told = link.figures().handshakes;
      say_figures(narrator, storage, link);
    }
    if (!busy) BoardClock::sleep();
  }
}

}  // namespace
}  // namespace latchkey::boards::cortex_m

// lwIP's ports and sequence numbers.
extern "C" unsigned latchkey_rand() { return latchkey::cortex_m::BoardEntropy().next(); }

// From startup.cpp.
extern "C" [[noreturn]] void latchkey_main() { latchkey::boards::cortex_m::run(); }
