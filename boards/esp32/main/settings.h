// SPDX-License-Identifier: Apache-2.0
// What the factory put on the board, and what the build says where the factory says nothing: the partition
// `onboarding`, as boards/esp32/make_onboarding_image.py writes it, over Kconfig. boards/esp32/README.md lists the
// entries.
#pragma once

#include <array>

#include "agent/core/config.h"
#include "boards/esp32/main/firmware_trust.h"

namespace latchkey::boards::esp32 {

class Settings {
 public:
  static constexpr const char* kPartition = "onboarding";
  static constexpr const char* kNamespace = "latchkey";
  static constexpr std::size_t kMaxPem = 4000;  // the most that NVS takes for a text
  static constexpr std::size_t kMaxLine = 160;

  Settings() = default;
  ~Settings() { forget_key(); }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  // Null when all is well, else one sentence without secrets. Texts live as long as this object.
  const char* load();
  const agent::Config& config() const { return config_; }
  const char* trust() const { return trust_.data(); }
  // Both null with a symmetric key.
  const char* certificate() const { return pem_or_null(certificate_); }
  const char* certificate_key() const { return pem_or_null(certificate_key_); }
  const char* wifi_name() const { return wifi_name_.data(); }
  const char* wifi_password() const { return wifi_password_.data(); }
  // Null when the board takes nobody's firmware.
  const agent::UpdateConfig* firmware() const { return firmware_.wanted() ? &firmware_.config() : nullptr; }
  // The symmetric key is the core's from now on.
  void forget_key() { wipe(config_.symmetric_key); }

 private:
  using Line = std::array<char, kMaxLine>;
  using Pem = std::array<char, kMaxPem>;
  static const char* pem_or_null(const Pem& pem) { return pem[0] == '\0' ? nullptr : pem.data(); }
  const char* load_key(std::string_view text);
  const char* check();

  agent::Config config_;
  Line registration_id_{}, id_scope_{}, dps_{}, wifi_name_{}, wifi_password_{};
  Pem trust_{}, certificate_{}, certificate_key_{};
  FirmwareTrust firmware_;
};

}  // namespace latchkey::boards::esp32
