// SPDX-License-Identifier: Apache-2.0
#include "boards/emulated/device.h"

#include "agent/core/driver.h"
#include "boards/emulated/figures.h"
#include "boards/emulated/firmware.h"
#include "platform/flash/storage.h"
#include "platform/semihosting/entropy.h"
#include "platform/semihosting/file_flash.h"
#include "platform/semihosting/semihosting.h"
#include "platform/semihosting/wall_clock.h"
#include "platform/tls/tls_link.h"

namespace latchkey::boards::emulated {
namespace {

Settings& settings() {
  static Settings held;
  return held;
}

// A link wants its listener, a driver wants its link: this one stands between. And it looks at the heap while nothing
// of a session is in it.
class Relay final : public ports::MqttLinkEvents {
 public:
  void set(ports::MqttLinkEvents& to) { to_ = &to; }
  const HeapFigures& between_sessions() const { return between_sessions_; }
  void on_connected(bool session_present) override { to_->on_connected(session_present); }
  void on_ended(ports::LinkFailure why, int detail) override {
    between_sessions_ = heap_figures();
    to_->on_ended(why, detail);
  }
  void on_subscribed(bool granted) override { to_->on_subscribed(granted); }
  void on_published() override { to_->on_published(); }
  void on_message(std::string_view topic, ByteView payload) override { to_->on_message(topic, payload); }

 private:
  ports::MqttLinkEvents* to_ = nullptr;
  HeapFigures between_sessions_;
};

// Not a part of live(): its text would lie on the stack for ever.
__attribute__((noinline)) void say_figures(agent::Narrator& narrator, const flash::FlashStorage& storage,
                                           const tls::TlsLink& link, const Relay& relay) {
  std::array<std::uint8_t, 320> room;
  agent::TextWriter out(room);
  const HeapFigures heap = heap_figures();
  const struct {
    std::string_view name;
    std::uint64_t number;
  } figures[] = {
      {"handshake_instructions", link.figures().last_handshake_cycles},
      {"handshakes", link.figures().handshakes},
      {"heap_peak", heap.peak},
      {"heap_blocks", heap.most_blocks},
      {"heap_now", heap.used},
      {"heap_between_sessions", relay.between_sessions().used},
      {"stack_peak", stack_peak()},
      {"flash_writes", storage.writes()},
      {"sectors_erased", storage.erased_sectors()},
  };
  out.put("figures");
  for (const auto& figure : figures) out.put(' ').put(figure.name).put('=').put_decimal(figure.number);
  if (const auto text = out.finish()) narrator.say(*text);
}

// Ends the session first; called until that is done.
void restart(agent::Narrator& narrator, agent::Driver& driver) {
  if (driver.state() == agent::State::kStopped) {
    narrator.say("firmware: restarting");
    semihosting::exit(0);
  }
  if (driver.state() != agent::State::kLeaving) driver.stop();
}

}  // namespace

void give_up(agent::Narrator& narrator, std::string_view why) {
  narrator.say(why);
  semihosting::exit(1);
}

const Settings& prepare(agent::Narrator& narrator) {
  start_heap();
  if (!crypto::init()) give_up(narrator, "no randomness: /dev/urandom cannot be read through semihosting");
  if (const char* problem = settings().load()) give_up(narrator, problem);
  semihosting::set_wall_clock_offset(settings().clock_offset_s());
  return settings();
}

void live(agent::Narrator& narrator, const Board& board) {
  static semihosting::FileFlash flash("flash.bin", flash::FlashStorage::kRegionSize);
  if (!flash.usable()) give_up(narrator, "flash.bin has to be there, empty or of the right size");
  static flash::FlashStorage storage(flash);
  static std::array<std::uint8_t, 8192> in;
  static std::array<std::uint8_t, 3072> out;
  static Relay relay;
  static tls::TlsLink link({settings().trust_anchor(), in, out, board.instructions}, board.stream, storage, board.clock,
                           relay);
  static semihosting::HostEntropy entropy;
  static agent::FreshKeyMaker keys;
  static agent::Workspace room;
  ports::MqttLink& shared = shared_link(narrator, {link, board.clock, entropy, board.instructions});
  static agent::Driver driver(settings().config(), {shared, storage, board.clock, entropy, keys, room}, narrator);
  settings().forget_key();
  relay.set(heard_before(driver));
  driver.start();
  std::uint32_t told = 0;
  for (;;) {
    bool busy = board.poll_network();
    busy = link.poll() || busy;
    poll_firmware();
    if (driver.wake_at() <= board.clock.monotonic()) driver.on_timer();
    narrator.flush(driver.state(), driver.summary(), settings().config().registration_id);
    if (driver.state() == agent::State::kLive && told != link.figures().handshakes) {
      told = link.figures().handshakes;
      say_figures(narrator, storage, link, relay);
    }
    if (firmware_wants_restart()) restart(narrator, driver);
    if (!busy) board.sleep();
  }
}

}  // namespace latchkey::boards::emulated
