// SPDX-License-Identifier: Apache-2.0
// Whose firmware the board takes: entries of the onboarding image, as boards/esp32/make_onboarding_image.py writes them
// (boards/esp32/README.md). Without `firmware-board` it takes nobody's.
#pragma once

#include <array>

#include "agent/update/updater.h"
#include "platform/esp_idf/nvs_space.h"

namespace latchkey::boards::esp32 {

class FirmwareTrust {
 public:
  static constexpr std::size_t kMaxRoots = 4;     // of each kind
  static constexpr std::size_t kMaxBytes = 4096;  // of the roots of a kind

  FirmwareTrust() = default;
  FirmwareTrust(const FirmwareTrust&) = delete;
  FirmwareTrust& operator=(const FirmwareTrust&) = delete;

  // Null when all is well, else one sentence.
  const char* load(const esp_idf::NvsSpace& onboarding);
  // Views live as long as this object.
  bool wanted() const { return !config_.board.empty(); }
  const agent::UpdateConfig& config() const { return config_; }

 private:
  // Values of DER behind each other in one blob, as it was read.
  template <std::size_t Bytes>
  struct Blob {
    std::array<std::uint8_t, Bytes> bytes;
    std::size_t size = 0;
    ByteView view() const { return ByteView(bytes).subview(0, size); }
    bool read(const esp_idf::NvsSpace& onboarding, const char* key);
  };
  struct Roots {
    Blob<kMaxBytes> blob;
    std::array<ByteView, kMaxRoots> each{};
    std::size_t count = 0;
    bool read(const esp_idf::NvsSpace& onboarding, const char* key);
  };
  bool read_pins(const esp_idf::NvsSpace& onboarding);

  std::array<char, 65> board_{};
  Roots signing_, timestamp_;
  Blob<128> statement_key_;
  Blob<160> pins_;
  agent::UpdateConfig config_;
};

}  // namespace latchkey::boards::esp32
