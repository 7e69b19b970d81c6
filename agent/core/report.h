// SPDX-License-Identifier: Apache-2.0
// What an agent tells whoever watches it: life-cycle events one by one, and a summary of where it stands.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/core/slots.h"
#include "agent/core/state.h"

namespace latchkey::agent {

enum class Occurrence : std::uint8_t {
  kStarted,             // text: slot in hand or empty; number: generation
  kRecordUnusable,      // text: which item
  kProvisioning,        // asks DPS
  kAssigned,            // text: hub; number: generation
  kChainRefused,        // text: why; what came was not for this device
  kProven,              // first accepted connection; number: generation
  kConnected,           // text: hub
  kConnectionFailed,    // number: LinkFailure; wait_ms: until the next try
  kIdentityRefused,     // text: where; number: CONNACK code or TLS alert
  kFellBack,            // to the older credential; number: its generation
  kDpsRefused,          // text: message; number: error code or status; wait_ms
  kDpsDisabled,         // wait_ms
  kDpsBusy,             // number: status; wait_ms
  kCertificateExpired,  // number: generation
  kRenewing,
  kRenewed,        // number: new generation
  kRenewalFailed,  // text: why; number: error code or status
  kStorageFailed,  // text: which item; number: Status
  kDevicebound,    // text: payload
  kClockDoubted,   // text: ahead or behind; number: by how many minutes at least
  kStopped,
};
std::string_view to_string(Occurrence what);

// Text may come from a peer: whoever prints it replaces what is not printable.
struct Report {
  Occurrence what = Occurrence::kStarted;
  std::uint32_t number = 0;
  std::string_view text;
  std::uint64_t wait_ms = 0;
};

enum class RefusedBy : std::uint8_t { kNobody, kHub, kDps, kOwnClock };
std::string_view to_string(RefusedBy who);

struct Refusal {
  RefusedBy who = RefusedBy::kNobody;
  std::uint32_t connack = 0;
  std::uint32_t tls_alert = 0;
  std::uint32_t dps_status = 0;
  std::uint32_t error_code = 0;
  FixedText<160> message;
};

// Stays valid as long as the core; read it between steps.
struct Summary {
  State state = State::kOff;
  const Credential* credential = nullptr;  // the one in hand
  Slot slot = Slot::kA;
  bool connected = false;  // a session with the hub
  UnixMs renewal_at = 0;   // of the credential in hand, by the wall clock
  std::uint64_t telemetry_sent = 0;
  std::uint64_t telemetry_acked = 0;
  std::uint64_t provisioned = 0;
  std::uint64_t renewed = 0;
  std::uint64_t devicebound = 0;
  std::uint64_t strays = 0;
  std::uint64_t broken_promises = 0;  // an impossible pair came up: a fault of ours, never of a peer
  Refusal last_refusal;
};

}  // namespace latchkey::agent
