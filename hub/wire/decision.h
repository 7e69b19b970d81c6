// SPDX-License-Identifier: Apache-2.0
// A decision: what the gate made of one CONNECT, with the outcome of every check, so that "why was this device
// refused?" has an answer.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/wire/feed.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::wire {

// In the order in which the gate makes them.
enum class Check : std::uint8_t {
  kReady = 0,   // the gate has a complete state within its lease
  kProtocol,    // MQTT 3.1.1
  kClientId,    // the registration pattern
  kCredential,  // a certificate (or, at the DPS endpoint, a token) was shown
  kVerdict,     // a TLS verdict of this very handshake is there
  kChain,       // signatures and constraints
  kIssuer,      // ends in an issuing CA that this hub trusts now
  kValidity,    // not before, not after
  kIdentifier,  // exactly one identifier extension of 32 bytes
  kNames,       // client id = certificate CN = device id in the username
  kDevice,      // known to the registry
  kEnabled,
  kCurrent,  // the identifier is the device's current one
  kPlace,    // caps, and the session that holds this id
};
inline constexpr int kCheckCount = 14;
std::string_view to_string(Check check);

enum class CheckOutcome : std::uint8_t { kSkipped = 0, kPassed = 1, kFailed = 2 };

struct Decision {
  std::uint64_t number = 0;  // counts all decisions of this broker process
  UnixMs at = 0;             // by the rehearsal's clock
  registry::Reason reason = registry::Reason::kNone;
  std::array<CheckOutcome, kCheckCount> checks{};
  std::string client_id;
  std::string peer;
  Bytes serial;  // of the leaf, if there was one
  Uuid issuer;   // the anchor its chain ended in, if any
};

// A piece of the gate's ring, sent when something new is in it. `counts` are totals since the broker started,
// indexed by Reason.
struct Decisions {
  std::uint64_t dropped = 0;      // fell out of the ring before they were sent
  std::uint64_t connections = 0;  // live device sessions now
  std::uint64_t messages = 0;     // device publishes let through since the start
  std::array<std::uint64_t, registry::kReasonLimit> counts{};
  std::vector<Decision> decisions;
};

Bytes encode(const Decisions& decisions);
Result<Decisions> decode_decisions(ByteView bytes);

}  // namespace latchkey::hub::wire
