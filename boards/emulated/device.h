// SPDX-License-Identifier: Apache-2.0
// The agent on an emulated board, whichever it is: settings, flash, randomness and time of day from the host, the agent
// over the board's network, its log and its figures. Everything lives in static storage; one thread.
#pragma once

#include "agent/story/narrator.h"
#include "boards/emulated/settings.h"
#include "platform/tls/byte_stream.h"

namespace latchkey::boards::emulated {

// What a board has of its own. All of it lives as long as the board has power.
struct Board {
  const ports::Clock& clock;
  tls::ByteStream& stream;
  std::uint64_t (*instructions)();  // since power-on
  bool (*poll_network)();           // true when something came
  void (*sleep)();                  // until the next interrupt, at most about a millisecond
};

// Says why, and ends the emulator.
[[noreturn]] void give_up(agent::Narrator& narrator, std::string_view why);

// Memory for mbedTLS, randomness, settings: what is needed before a network is. Once.
const Settings& prepare(agent::Narrator& narrator);

// From power-on to the plug.
[[noreturn]] void live(agent::Narrator& narrator, const Board& board);

}  // namespace latchkey::boards::emulated
