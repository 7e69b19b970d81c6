// SPDX-License-Identifier: Apache-2.0
#include "agent/core/onboarding.h"

#include "agent/protocol/dps.h"
#include "agent/protocol/sas.h"
#include "platform/crypto/digest.h"

namespace latchkey::agent {

Result<void> derive_device_key(ByteView group_key, Config& config) {
  crypto::Sha256 derived;
  LATCHKEY_TRY_VOID(crypto::hmac_sha256(group_key, config.registration_id, derived));
  std::copy(derived.begin(), derived.end(), config.symmetric_key.begin());
  config.symmetric_key_size = derived.size();
  wipe(derived);
  return {};
}

Result<std::string_view> write_dps_token(const Config& config, std::uint64_t expiry_s, MutableBytes out) {
  std::array<std::uint8_t, 512> resource_buffer;
  std::array<std::uint8_t, 20> expiry_buffer;
  std::array<std::uint8_t, 544> text_buffer;
  LATCHKEY_TRY(resource, dps::write_resource(config.id_scope, config.registration_id, resource_buffer));
  LATCHKEY_TRY(expiry, TextWriter(expiry_buffer).put_decimal(expiry_s).finish());
  LATCHKEY_TRY(text, sas::write_text_to_sign(resource, expiry, text_buffer));
  crypto::Sha256 signature;
  const ByteView key(config.symmetric_key.data(), config.symmetric_key_size);
  LATCHKEY_TRY_VOID(crypto::hmac_sha256(key, text, signature));
  auto token = sas::write(resource, signature, "registration", expiry_s, out);
  wipe(signature);
  return token;
}

}  // namespace latchkey::agent
