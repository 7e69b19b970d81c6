// SPDX-License-Identifier: Apache-2.0
// What the gate reads from a client's certificate at CONNECT. Views point into the certificate.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "hub/gate/tls_verdict.h"
#include "platform/base/bytes.h"
#include "platform/base/ids.h"

namespace latchkey::hub::gate {

struct Leaf {
  TlsVerdict* verdict = nullptr;               // null: the hook never saw this handshake
  std::string_view common_name;                // empty unless the subject has exactly one
  std::optional<DeviceIdentifier> identifier;  // exactly one extension of 32 bytes
  ByteView serial;
  Sha256 digest{};  // of the DER, when it was asked for
};

// The DPS endpoint tells leaves apart by their digest; for the hub endpoint it would be a third of the verdict's cost.
enum class LeafDigest : std::uint8_t { kNone, kWanted };

// Never fails: what cannot be read stays empty.
Leaf read_leaf(X509* certificate, LeafDigest digest = LeafDigest::kWanted);

}  // namespace latchkey::hub::gate
