// SPDX-License-Identifier: Apache-2.0
// Verifying the SAS token of a symmetric-key device. The shape of tokens: agent/protocol/sas.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "platform/base/ids.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::provisioning {

// Owns a symmetric key and wipes it.
struct DeviceKey {
  static constexpr std::size_t kSize = 32;
  std::array<std::uint8_t, kSize> bytes{};

  DeviceKey() = default;
  DeviceKey(const DeviceKey&) = delete;
  DeviceKey& operator=(const DeviceKey&) = delete;
  ~DeviceKey() { wipe(MutableBytes(bytes)); }
};

// HMAC-SHA256(group key, registration id as the device writes it); false when the group has no such key.
bool derive_device_key(ByteView group_key, std::string_view registration_id, DeviceKey& out);

// A token taken apart once, then tried against any number of keys.
class ShownToken {
 public:
  // kTokenInvalid when it cannot be read.
  static registry::Outcome<ShownToken> read(std::string_view password);

  // Compares in constant time. False for an empty key.
  bool signed_by(ByteView key) const;

  // It is expired from then on.
  UnixMs ends_at() const;

  // For a token whose signature was found good: is it for this resource, and not over? The resource is decoded once
  // and compared case-insensitively. kTokenInvalid, kTokenExpired.
  registry::Outcome<void> check(std::string_view id_scope, std::string_view registration_id, UnixMs now) const;

 private:
  std::string resource_;  // as written
  std::string signed_text_;
  std::array<std::uint8_t, 32> signature_{};
  std::uint64_t expiry_s_ = 0;
};

}  // namespace latchkey::hub::provisioning
