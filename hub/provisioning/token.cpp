// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/token.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <limits>

#include "agent/protocol/sas.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::provisioning {
namespace {

using registry::Reason;

// Made once, and never freed: to look for algorithms costs more than to use them. Each use is a copy of its own, which
// is wiped when it goes.
EVP_MAC_CTX* hmac_sha256_form() {
  static EVP_MAC_CTX* const form = []() -> EVP_MAC_CTX* {
    EVP_MAC_CTX* made = EVP_MAC_CTX_new(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    char digest[] = "SHA2-256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    const std::array<std::uint8_t, DeviceKey::kSize> nobodys{};  // what was never begun cannot be copied
    if (made == nullptr || EVP_MAC_init(made, nobodys.data(), nobodys.size(), parameters) != 1) return nullptr;
    return made;
  }();
  return form;
}

bool hmac_sha256(ByteView key, ByteView text, std::array<std::uint8_t, 32>& out) {
  if (hmac_sha256_form() == nullptr) return false;
  const openssl::Owner<EVP_MAC_CTX, EVP_MAC_CTX_free> mac(EVP_MAC_CTX_dup(hmac_sha256_form()));
  std::size_t size = 0;
  return mac && EVP_MAC_init(mac.get(), key.data(), key.size(), nullptr) == 1 &&
         EVP_MAC_update(mac.get(), text.data(), text.size()) == 1 &&
         EVP_MAC_final(mac.get(), out.data(), &size, out.size()) == 1 && size == out.size();
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

UnixMs ShownToken::ends_at() const {
  constexpr std::uint64_t kMost = std::numeric_limits<UnixMs>::max() / 1000;
  return static_cast<UnixMs>(expiry_s_ < kMost ? expiry_s_ : kMost) * 1000;
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
