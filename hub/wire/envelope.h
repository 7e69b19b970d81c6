// SPDX-License-Identifier: Apache-2.0
// The envelope: connections, requests and replies between a gate and the hub process.
//
// Everything names a connection by its number, never by a device id: a reply to a connection that has ended is
// dropped, so nobody inherits another's answers. Numbers are unique over restarts of the broker (the upper 32 bits
// are random per broker process).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/wire/feed.h"

namespace latchkey::hub::wire {

using ConnectionId = std::uint64_t;

// A connection that the gate let in, or (DPS endpoint) an attempt to take the place of a verified session. The first
// ends with a Closed, an attempt is over when it is told. After a lost connection between hub and gate, everything that
// lives is told again with the first batch of the feed: what the hub knew before and is not told again has ended.
struct Opened {
  ConnectionId connection = 0;
  // true: the connection was closed without CONNACK because a verified session of that id stands. If the hub finds
  // its proof good it answers Attest{verified}, and the next attempt with the same proof displaces the session.
  bool attempt = false;
  bool resent = false;  // the hub process is new and is told what it missed
  std::string client_id;
  std::string username;
  std::string password;      // DPS endpoint only: the SAS token. Never logged.
  std::vector<Bytes> chain;  // DPS endpoint: what the client presented, leaf first; hub endpoint: empty
  std::string peer;          // address
  bool verified = false;     // DPS endpoint, with `resent`: an earlier Attest stands; its token is no longer kept
  std::optional<DeviceIdentifier> identifier;  // hub endpoint: what its certificate carries
  // Hub endpoint. What it has subscribed to by now: a session that was kept has its subscriptions without a word.
  std::vector<std::string> filters = {};
  bool kept = false;     // the broker will keep its session when the connection ends
  bool resumes = false;  // it goes on with a session that was kept: a Resumed follows
  // When it was let in, by a clock that all brokers of a machine share and that never goes back (CLOCK_BOOTTIME): says
  // which of two sessions of a device is the newer one, in whatever order they are told, and however often.
  std::uint64_t since_ms = 0;
};

// Several at a time: a policy's revoke ends ten thousand at once.
struct Closed {
  std::vector<ConnectionId> connections;
};

// A device at the hub endpoint subscribed: what waits for it may go out. `ended`: it has unsubscribed.
struct Subscribed {
  ConnectionId connection = 0;
  std::string filter;
  bool ended = false;
};

// A device at the hub endpoint went on with a session that was kept. The broker tells nobody of a PUBACK, but at this
// moment it goes through what it still holds: these topics of cloud-to-device messages, of all that were delivered on
// earlier connections, were not acknowledged. The gate took them back from the broker; whatever is not named here was.
struct Resumed {
  ConnectionId connection = 0;
  std::vector<std::string> unacknowledged;  // a topic as often as there are messages of it
};

// Hub to DPS gate: what became of the proof that `connection` showed.
struct Attest {
  ConnectionId connection = 0;
  bool verified = false;
};

// Hub to gate: publish to this one connection, if it lives and has subscribed to a matching filter. The QoS is capped
// by the granted one.
struct Deliver {
  ConnectionId connection = 0;
  std::string topic;
  Bytes payload;
  int qos = 1;
  std::uint64_t tag = 0;  // not 0: answered with a Delivered
};

// Hub to gate: that session is over; its device has a newer one at another broker, or was assigned elsewhere. As when a
// broker lets a newcomer take an id over, its will goes out. Says nothing about one that has ended by itself.
struct End {
  ConnectionId connection = 0;
};

// The broker has what was to be delivered under these tags. What has no answer did not get that far: the connection was
// gone, or about to be cut, or had not subscribed.
struct Delivered {
  ConnectionId connection = 0;
  std::vector<std::uint64_t> tags;
};

// A device's publish, its topic rewritten by the gate: kRequestPrefix, connection, "/", topic.
std::string request_topic(ConnectionId connection, std::string_view device_topic);
struct RequestTopic {
  ConnectionId connection = 0;
  std::string_view device_topic;  // into the parsed text
};
Result<RequestTopic> parse_request_topic(std::string_view topic);

Bytes encode(const Opened& opened);
Bytes encode(const Closed& closed);
Bytes encode(const Subscribed& subscribed);
Bytes encode(const Resumed& resumed);
Bytes encode(const Attest& attest);
Bytes encode(const Deliver& deliver);
Bytes encode(const End& end);
Bytes encode(const Delivered& delivered);
Result<Opened> decode_opened(ByteView bytes);
Result<Closed> decode_closed(ByteView bytes);
Result<Subscribed> decode_subscribed(ByteView bytes);
Result<Resumed> decode_resumed(ByteView bytes);
Result<Attest> decode_attest(ByteView bytes);
Result<Deliver> decode_deliver(ByteView bytes);
Result<End> decode_end(ByteView bytes);
Result<Delivered> decode_delivered(ByteView bytes);

}  // namespace latchkey::hub::wire
