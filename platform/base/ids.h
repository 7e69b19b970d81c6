// SPDX-License-Identifier: Apache-2.0
// The identities that certificates and registry share, as fixed-size values.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey {

// 128 bits; random ones are RFC 4122 version 4. `Tag` keeps apart what must not be mixed up.
template <class Tag>
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};

  bool is_zero() const { return *this == Id128{}; }
  friend bool operator==(const Id128& a, const Id128& b) { return a.bytes == b.bytes; }
  friend bool operator!=(const Id128& a, const Id128& b) { return a.bytes != b.bytes; }
  friend bool operator<(const Id128& a, const Id128& b) { return a.bytes < b.bytes; }
};

struct UuidTag;
struct CredentialIdTag;
using Uuid = Id128<UuidTag>;                  // lasting: a device, a policy, a CA
using CredentialId = Id128<CredentialIdTag>;  // the part that a revocation replaces

// 8-4-4-4-12 lower-case hex (RFC 4122 section 3).
inline constexpr std::size_t kUuidTextSize = 36;
std::array<char, kUuidTextSize> to_text(const Uuid& uuid);
inline std::string_view view(const std::array<char, kUuidTextSize>& text) { return {text.data(), text.size()}; }
// Accepts that form in either case; kMalformed otherwise.
Result<Uuid> parse_uuid(std::string_view text);

// What every issued leaf carries in a non-critical private extension: which device, and in which credential
// generation. 32 bytes: 16 device uuid, 16 credential id. Public values, no secrecy is claimed for them.
struct DeviceIdentifier {
  Uuid device;
  CredentialId credential;

  static constexpr std::size_t kSize = 32;
  std::array<std::uint8_t, kSize> encode() const;
  // kMalformed unless exactly 32 bytes.
  static Result<DeviceIdentifier> decode(ByteView bytes);
  friend bool operator==(const DeviceIdentifier& a, const DeviceIdentifier& b) {
    return a.device == b.device && a.credential == b.credential;
  }
};

// The extension's object identifier: 2.25.{decimal of the project's fixed UUID
// 7ab3c1f4-5d0e-4c52-9b1e-2f6a8d90c417} (ITU-T X.667, arc 2.25 needs no registration).
// Its value (extnValue) is the DER of an OCTET STRING of the 32 bytes: 04 20, then DeviceIdentifier::encode().
inline constexpr std::string_view kIdentifierOid = "2.25.163099170488962020191184446638292780055";
// The extension that the real service marks critical; agents have to accept it (Microsoft's 1.3.6.1.4.1.311.133.1.1.1).
inline constexpr std::string_view kAzureIdentifierOid = "1.3.6.1.4.1.311.133.1.1.1";

// A registration id: up to 128 letters, digits, `. _ - :`, no special character first or last (DPS).
bool valid_registration_id(std::string_view id);

// Milliseconds since 1970-01-01T00:00:00Z, by the clock of the rehearsal.
using UnixMs = std::int64_t;

}  // namespace latchkey
