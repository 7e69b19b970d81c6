// SPDX-License-Identifier: Apache-2.0
// What the TLS hook found out about a client's certificate during one handshake. It hangs on the leaf's X509 object,
// which the broker hands out again when the client sends CONNECT.
//
// The flags are sticky: the verification goes on after an error (so that TLS can finish and the refusal be said inside
// MQTT), and what comes later looks like success.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hub/wire/feed.h"
#include "platform/base/ids.h"

namespace latchkey::hub::gate {

using Sha256 = std::array<std::uint8_t, 32>;

// A trusted certificate: its name in the registry, and which certificate that was. A name may get another one.
struct AnchorRef {
  Uuid ca;  // zero: none
  Sha256 digest{};
  bool none() const { return ca.is_zero(); }
};

struct TlsVerdict {
  bool complete = false;   // the verification came to its end
  bool used = false;       // a CONNECT has been judged by it: a second one came over a resumed session
  bool untrusted = false;  // no chain to an anchor
  bool malformed = false;  // signature, constraints, unknown critical extension, not a device's (trust.h), ...
  bool expired = false;
  bool not_yet_valid = false;
  const void* store = nullptr;     // the anchors it was made with: TrustSet::is_current
  AnchorRef anchor;                // in which the chain ended, if it was trusted then
  std::vector<wire::Bytes> chain;  // DPS endpoint: what the client presented, leaf first
};

}  // namespace latchkey::hub::gate
