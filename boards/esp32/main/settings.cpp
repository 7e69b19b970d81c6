// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/settings.h"

#include <nvs_flash.h>
#include <sdkconfig.h>

#include <cstring>

#include "platform/base/ids.h"
#include "platform/esp_idf/nvs_space.h"

namespace latchkey::boards::esp32 {
namespace {

template <std::size_t N>
MutableBytes bytes_of(std::array<char, N>& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), N};
}

template <std::size_t N>
std::string_view view_of(const std::array<char, N>& text) {
  return {text.data(), strnlen(text.data(), N)};
}

// What the factory wrote, else what the build says. False when it does not fit.
template <std::size_t N>
bool take(const esp_idf::NvsSpace& space, const char* key, std::array<char, N>& out, std::string_view otherwise = "") {
  const auto text = space.read_text(key, bytes_of(out));
  if (text) return true;
  if (text.error() != Status::kNotFound || otherwise.size() >= N) return false;
  std::memcpy(out.data(), otherwise.data(), otherwise.size());
  out[otherwise.size()] = '\0';
  return true;
}

}  // namespace

const char* Settings::load() {
  if (nvs_flash_init_partition(kPartition) != ESP_OK) return "the partition `onboarding` cannot be read";
  esp_idf::NvsSpace space;
  const auto opened = space.open_to_read(kPartition, kNamespace);
  if (!opened) return "there is no onboarding image: see boards/esp32/README.md";
  Line key{};
  const bool fits = take(space, "registration-id", registration_id_) &&
                    take(space, "id-scope", id_scope_, CONFIG_LATCHKEY_ID_SCOPE) &&
                    take(space, "dps", dps_, CONFIG_LATCHKEY_DPS) && take(space, "trust", trust_) &&
                    take(space, "key", key) && take(space, "certificate", certificate_) &&
                    take(space, "certificate-key", certificate_key_) &&
                    take(space, "wifi-name", wifi_name_, CONFIG_LATCHKEY_WIFI_SSID) &&
                    take(space, "wifi-password", wifi_password_, CONFIG_LATCHKEY_WIFI_PASSWORD);
  const char* problem = fits ? load_key(view_of(key)) : "an entry of the onboarding image is too long or damaged";
  wipe(bytes_of(key));
  if (problem == nullptr) problem = check();
  return problem != nullptr ? problem : firmware_.load(space);
}

const char* Settings::load_key(std::string_view text) {
  if (text.empty()) {
    config_.onboarding = agent::Onboarding::kCertificate;
    return nullptr;
  }
  const auto size = base64_decode(text, config_.symmetric_key);
  if (!size || *size < 16) return "onboarding image: key is base64 of 16 to 64 bytes";
  config_.symmetric_key_size = *size;
  return nullptr;
}

const char* Settings::check() {
  if (!valid_registration_id(view_of(registration_id_))) return "onboarding image: registration-id is no such id";
  if (view_of(id_scope_).empty()) return "id-scope is set neither in the onboarding image nor in menuconfig";
  const auto dps = agent::parse_endpoint(view_of(dps_));
  if (!dps) return "dps is HOST or HOST:PORT";
  if (trust_[0] == '\0') return "onboarding image: trust, the CAs of the servers, is missing";
  const bool has_key = config_.symmetric_key_size != 0;
  const bool has_certificate = certificate() != nullptr && certificate_key() != nullptr;
  if (has_key == has_certificate) return "onboarding image: a key, or a certificate with its key";
  config_.registration_id = view_of(registration_id_);
  config_.id_scope = view_of(id_scope_);
  config_.dps = *dps;
  config_.no_time_before_s = agent::kWrittenAt;
  config_.telemetry_interval_ms = CONFIG_LATCHKEY_TELEMETRY_INTERVAL_S * 1000U;
  return nullptr;
}

}  // namespace latchkey::boards::esp32
