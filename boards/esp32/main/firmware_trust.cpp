// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/firmware_trust.h"

#include <sdkconfig.h>

#include "agent/update/statement.h"
#include "platform/crypto/der.h"

namespace latchkey::boards::esp32 {
template <std::size_t Bytes>
bool FirmwareTrust::Blob<Bytes>::read(const esp_idf::NvsSpace& onboarding, const char* key) {
  const auto read = onboarding.read(key, MutableBytes(bytes.data(), bytes.size()));
  size = read.value_or(0);
  return size != 0;
}

bool FirmwareTrust::Roots::read(const esp_idf::NvsSpace& onboarding, const char* key) {
  if (!blob.read(onboarding, key)) return false;
  count = 0;
  crypto::DerReader reader(blob.view());
  for (; !reader.at_end(); ++count) {
    const auto certificate = reader.next(crypto::kDerSequence);
    if (!certificate || count == kMaxRoots) return false;
    each[count] = certificate->whole;
  }
  return true;
}

bool FirmwareTrust::read_pins(const esp_idf::NvsSpace& onboarding) {
  if (!pins_.read(onboarding, "firmware-pins")) return false;
  crypto::DerReader reader(pins_.view());
  while (!reader.at_end()) {
    const auto pin = reader.next(crypto::kDerOid);
    if (!pin || pin->content.empty() || !config_.pins.add(pin->content)) return false;
  }
  return true;
}

const char* FirmwareTrust::load(const esp_idf::NvsSpace& onboarding) {
  const auto board =
      onboarding.read_text("firmware-board", {reinterpret_cast<std::uint8_t*>(board_.data()), board_.size()});
  if (!board) {
    return board.error() == Status::kNotFound ? nullptr : "onboarding image: firmware-board is too long or damaged";
  }
  const auto factory = agent::parse_version(CONFIG_LATCHKEY_FACTORY_VERSION);
  if (!agent::valid_component_name(*board)) return "onboarding image: firmware-board is no such name";
  if (!factory) return "menuconfig: the version of this firmware is three numbers, as in 1.0.0";
  if (!signing_.read(onboarding, "firmware-roots")) return "onboarding image: firmware-roots are 1 to 4 certificates";
  if (!timestamp_.read(onboarding, "firmware-stamps"))
    return "onboarding image: firmware-stamps are 1 to 4 certificates";
  if (!statement_key_.read(onboarding, "firmware-key") || !agent::valid_statement_key(statement_key_.view())) {
    return "onboarding image: firmware-key is one P-256 public key";
  }
  if (!read_pins(onboarding)) return "onboarding image: firmware-pins are 1 to 4 object identifiers";
  config_.factory_version = *factory;
  config_.signing_roots = signing_.each.data();
  config_.signing_root_count = signing_.count;
  config_.timestamp_roots = timestamp_.each.data();
  config_.timestamp_root_count = timestamp_.count;
  config_.statement_key = statement_key_.view();
  config_.board = *board;
  return nullptr;
}

}  // namespace latchkey::boards::esp32
