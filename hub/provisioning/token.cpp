// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "agent/protocol/sas.h"

namespace latchkey::hub::provisioning {
namespace {

using registry::Reason;

bool hmac_sha256(ByteView key, ByteView text, std::array<std::uint8_t, 32>& out) {
  unsigned size = 0;
  return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), text.data(), text.size(), out.data(), &size) !=
             nullptr &&
         size == out.size();
}

}  // namespace

bool derive_device_key(ByteView group_key, std::string_view registration_id, DeviceKey& out) {
  return !group_key.empty() && hmac_sha256(group_key, ByteView(registration_id), out.bytes);
}

registry::Outcome<ShownToken> ShownToken::read(std::string_view password) {
  const auto token = agent::sas::parse(password);
  if (!token) return registry::refuse(Reason::kTokenInvalid, "the token cannot be read");
  ShownToken shown;
  shown.resource_ = token->resource;
  shown.signed_text_ = shown.resource_ + "\n" + std::string(token->expiry_text);
  shown.expiry_s_ = token->expiry_s;
  if (!agent::sas::decode_signature(token->signature, MutableBytes(shown.signature_))) {
    return registry::refuse(Reason::kTokenInvalid, "the token's signature cannot be read");
  }
  return shown;
}

bool ShownToken::signed_by(ByteView key) const {
  if (key.empty()) return false;
  std::array<std::uint8_t, 32> expected;
  const bool good = hmac_sha256(key, ByteView(signed_text_), expected) &&
                    constant_time_equal(ByteView(expected), ByteView(signature_));
  wipe(MutableBytes(expected));
  return good;
}

registry::Outcome<void> ShownToken::check(std::string_view id_scope, std::string_view registration_id,
                                          UnixMs now) const {
  std::string decoded(resource_.size(), '\0');
  const auto resource =
      agent::url_decode(resource_, MutableBytes(reinterpret_cast<std::uint8_t*>(decoded.data()), decoded.size()));
  const std::string wanted = std::string(id_scope) + "/registrations/" + std::string(registration_id);
  if (!resource || !agent::equal_ignoring_case(*resource, wanted)) {
    return registry::refuse(Reason::kTokenInvalid, "the token is for another resource");
  }
  const auto now_s = static_cast<std::uint64_t>(now < 0 ? 0 : now / 1000);
  if (expiry_s_ <= now_s) return registry::refuse(Reason::kTokenExpired, "the token has expired");
  return {};
}

}  // namespace latchkey::hub::provisioning
