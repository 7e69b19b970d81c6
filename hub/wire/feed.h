// SPDX-License-Identifier: Apache-2.0
// The feed: how the registry's state reaches a gate, and how the gate says that it is in force.
//
// The hub publishes Batches to kFeedTopic at QoS 1. Batches of one generation are numbered 1, 2, 3, ...; the first
// opens a snapshot, the one with snapshot_end completes it, later ones are increments. The gate applies them in the
// broker's own thread and answers every batch with an Ack. A gap, an unknown generation or a broken batch makes it
// answer with need_snapshot instead (generation 0 when it could not read which), and the hub starts a new generation.
// While a snapshot comes in, `applied` counts its batches that are here and the state before it stays in force: what
// they say holds when the batch with snapshot_end is acknowledged.
// PUBACK proves nothing (the broker sends it with no plugin at all): only an Ack does.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/base/bytes.h"
#include "platform/base/ids.h"
#include "platform/base/status.h"

namespace latchkey::hub::wire {

using Bytes = std::vector<std::uint8_t>;

// Hub to gate.
inline constexpr std::string_view kFeedTopic = "$CONTROL/latchkey/v1/feed";
inline constexpr std::string_view kDeliverTopic = "$CONTROL/latchkey/v1/deliver";
inline constexpr std::string_view kAttestTopic = "$CONTROL/latchkey/v1/attest";
inline constexpr std::string_view kEndTopic = "$CONTROL/latchkey/v1/end";
// Gate to hub. The gate publishes these to the hub's client only; a device can neither send nor receive them.
inline constexpr std::string_view kAckTopic = "latchkey/v1/ack";
inline constexpr std::string_view kOpenedTopic = "latchkey/v1/opened";
inline constexpr std::string_view kClosedTopic = "latchkey/v1/closed";
inline constexpr std::string_view kSubscribedTopic = "latchkey/v1/subscribed";
inline constexpr std::string_view kResumedTopic = "latchkey/v1/resumed";
inline constexpr std::string_view kDeliveredTopic = "latchkey/v1/delivered";
inline constexpr std::string_view kDecisionsTopic = "latchkey/v1/decisions";
inline constexpr std::string_view kRequestPrefix =
    "latchkey/v1/request/";  // + conn as 16 hex digits + "/" + device topic
// What the hub subscribes to.
inline constexpr std::string_view kHubFilter = "latchkey/v1/#";

inline constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

struct DeviceRecord {
  std::string id;
  Uuid uuid;
  CredentialId credential_id;
  bool enabled = true;
  std::uint16_t policy = 0;
};
struct DeviceGone {
  std::string id;
};
struct AnchorAdded {
  Uuid ca;
  Bytes der;
};
struct AnchorGone {
  Uuid ca;
};
// The rehearsal's clock: now = since + (real - since) * rate + offset. Identity: offset 0, rate 1.
struct ClockSet {
  std::int64_t offset_ms = 0;
  std::int64_t since_ms = 0;  // real time; counts only when rate is not 1
  double rate = 1.0;
  UnixMs at(UnixMs real) const {
    return rate == 1.0 ? real + offset_ms
                       : since_ms + static_cast<UnixMs>(static_cast<double>(real - since_ms) * rate) + offset_ms;
  }
};
using FeedChange = std::variant<DeviceRecord, DeviceGone, AnchorAdded, AnchorGone, ClockSet>;

struct Batch {
  std::uint64_t generation = 0;  // random, new with each snapshot
  std::uint64_t number = 0;      // 1 opens the snapshot
  bool snapshot_end = false;     // the state is complete with this batch
  // The lease: when the gate's right to serve by what it holds ends, by CLOCK_BOOTTIME, which hub process and gate
  // share (one machine). An absolute end: a batch that was held up on its way lengthens nothing. 0 leaves it as it was,
  // which for a gate that never had one is ended.
  std::uint64_t lease_end_ms = kEndless;
  std::vector<FeedChange> changes;
};

struct Ack {
  std::uint64_t generation = 0;
  std::uint64_t applied = 0;  // table and trust store hold every batch up to this one
  std::uint64_t cut = 0;      // and every session that batches up to this one condemn is closed
  bool need_snapshot = false;
};

Bytes encode(const Batch& batch);
Bytes encode(const Ack& ack);
// kMalformed for anything that encode() would not write.
Result<Batch> decode_batch(ByteView bytes);
Result<Ack> decode_ack(ByteView bytes);

}  // namespace latchkey::hub::wire
