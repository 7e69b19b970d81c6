// SPDX-License-Identifier: Apache-2.0
// What the factory put on the board: who it is, where provisioning is, its onboarding key and the hub's root. Two files
// that the emulator's user writes; a real board has a page of flash instead. boards/emulated/README.md lists the lines.
#pragma once

#include <array>

#include "agent/core/config.h"

namespace latchkey::boards::emulated {

class Settings {
 public:
  Settings();  // not a constant: 2 KB of zeros would lie in flash

  // Reads both files. Null when all is well, else one sentence without secrets. The texts of config() and the bytes of
  // trust_anchor() live as long as this object.
  const char* load();
  const agent::Config& config() const { return config_; }
  std::uint32_t clock_offset_s() const { return clock_offset_s_; }
  // Where the board's one wire leads, for a board that has nothing but a wire; an empty host: nowhere.
  const agent::Endpoint& wire() const { return wire_; }
  ByteView trust_anchor() const { return ByteView(trust_).subview(0, trust_size_); }
  // The onboarding key is the core's from now on.
  void forget_key() { wipe(config_.symmetric_key); }

 private:
  const char* load_trust();
  const char* load_lines();
  const char* take(std::string_view key, std::string_view value);

  agent::Config config_;
  agent::Endpoint wire_;
  std::array<std::uint8_t, 1024> text_{};
  std::array<std::uint8_t, 1024> trust_{};
  std::size_t trust_size_ = 0;
  std::uint32_t clock_offset_s_ = 0;
};

}  // namespace latchkey::boards::emulated
