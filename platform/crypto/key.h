// SPDX-License-Identifier: Apache-2.0
// The device's private key, as the 121 or 167 bytes that are stored, and its making.
//
// One fixed RFC 5915 form (ECPrivateKey with named curve and public point) is what PSA exports are put into, what
// storage keeps, what the CSR writer reads and what OpenSSL loads. Nothing here allocates but mbedTLS itself.
// Call init() once before anything else of platform/crypto; after that any thread may call any function.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "platform/base/bytes.h"

namespace latchkey::crypto {

// Starts PSA. Cheap when repeated. kInternal when there is no entropy.
Result<void> init();

// Numbers are in stored records: never renumber.
enum class Curve : std::uint8_t { kP256 = 1, kP384 = 2 };

constexpr std::size_t kMaxKeySize = 167;
constexpr std::size_t kMaxPointSize = 97;
constexpr std::size_t key_size(Curve curve) { return curve == Curve::kP256 ? 121 : 167; }

// Invariant: size is 0 (no key) or key_size(curve), and then `bytes` starts with exactly that form. Not copyable, so
// that there is one place to wipe; a moved-from key is wiped and empty.
struct DeviceKey {
  std::array<std::uint8_t, kMaxKeySize> bytes{};
  std::size_t size = 0;
  Curve curve = Curve::kP256;

  DeviceKey() = default;
  DeviceKey(const DeviceKey&) = delete;
  DeviceKey& operator=(const DeviceKey&) = delete;
  DeviceKey(DeviceKey&& other) noexcept { *this = std::move(other); }
  DeviceKey& operator=(DeviceKey&& other) noexcept;
  ~DeviceKey() { clear(); }

  bool empty() const { return size == 0; }
  ByteView der() const { return {bytes.data(), size}; }
  // Uncompressed public point (SEC 1 section 2.3.3): 65 or 97 bytes, inside `bytes`. Empty for an empty key.
  ByteView point() const;
  // Wipes.
  void clear();
};

// A fresh key from PSA's own generator; `out` keeps nothing of what it held. kInternal when PSA fails.
Result<void> generate_key(Curve curve, DeviceKey& out);

// Reads back what storage kept. kMalformed unless `der` is exactly one of the two forms; kMismatch when its public
// point does not belong to its scalar. `out` is empty after a failure.
Result<void> load_key(ByteView der, DeviceKey& out);

}  // namespace latchkey::crypto
