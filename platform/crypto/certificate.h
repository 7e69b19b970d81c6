// SPDX-License-Identifier: Apache-2.0
// What a device wants to know of the certificates that it was given: are they for my key and my name, does each one
// certify the one before, from when to when, and which credential generation is in them.
//
// It does not decide trust: the root of a device's own chain is known to the hub, not to the device. It does not look
// at the clock either: the caller compares `not_before` and `not_after` with the time it has.
//
// Unknown critical extensions make a certificate unusable (RFC 5280 section 4.2), with two exceptions: our own
// identifier and the one that the real service marks critical (kIdentifierOid, kAzureIdentifierOid).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/base/ids.h"
#include "platform/crypto/key.h"

namespace latchkey::crypto {

constexpr std::size_t kMaxCommonNameSize = 128;
constexpr std::size_t kMaxSerialSize = 20;  // RFC 5280 section 4.1.2.2
constexpr std::size_t kMaxChain = 4;        // leaf included

struct LeafInfo {
  UnixMs not_before = 0;
  UnixMs not_after = 0;  // the last second that counts, included
  std::array<char, kMaxCommonNameSize> common_name_bytes{};
  std::size_t common_name_size = 0;
  std::array<std::uint8_t, kMaxSerialSize> serial_bytes{};
  std::size_t serial_size = 0;
  std::optional<DeviceIdentifier> identifier;  // from our extension; its 32 bytes bare or in an OCTET STRING
  bool has_azure_identifier = false;           // the real service's extension was there; it is not interpreted
  bool key_matches = false;                    // certifies the public half of the key that was given

  std::string_view common_name() const { return {common_name_bytes.data(), common_name_size}; }
  ByteView serial() const { return {serial_bytes.data(), serial_size}; }
};

// Reads one DER certificate. With a `key`, also compares its public half (`key_matches`). No signature is checked.
// kMalformed: not a certificate, trailing bytes, an unknown critical extension, our extension of another size or
// twice, not exactly one CN, a CN over 128 or a serial over 20 bytes.
Result<LeafInfo> inspect_leaf(ByteView der, const DeviceKey* key = nullptr);

// Judges a chain as a device receives it: DER, leaf first, `count` from 1 to kMaxChain.
//   kInvalidArgument  `count` out of range or an empty key
//   kMalformed        one of them does not parse (as inspect_leaf)
//   kMismatch         the leaf is for another key, or its CN is not `expected_cn`
//   kNotTrusted       one is not certified by the next: name, CA flag, key usage or signature is wrong
// in this order. Validity periods are not judged. The last certificate's own signature is not checked.
Result<LeafInfo> check_chain(const ByteView* ders, std::size_t count, const DeviceKey& key,
                             std::string_view expected_cn);

// Does `issuer` certify `subject`: name, CA flag, key usage, signature. Dates are not looked at. Both are whole DER
// certificates that check_chain has parsed already.
using IssuanceCheck = bool (*)(ByteView subject, ByteView issuer);

// From now on check_chain asks this instead of mbedTLS, which takes 2 ms of a PC for each certificate: for a host that
// lives thousands of devices (platform/openssl/issuance.h). For the whole process, before other threads begin; null:
// mbedTLS again. All that check_chain promises still holds.
void use_issuance_check(IssuanceCheck check);

}  // namespace latchkey::crypto
