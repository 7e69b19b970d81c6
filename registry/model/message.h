// SPDX-License-Identifier: Apache-2.0
// Cloud-to-device messages: a queue for each device, kept until the device has acknowledged them or they expire.
//
// A message waits until a broker has it for a connection of its device. From then on it belongs to that connection,
// until it is known to be acknowledged (it goes), or may not have been (it waits again, in its old place). Source: the
// public articles on IoT Hub's cloud-to-device messages and quotas.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "registry/model/resources.h"

namespace latchkey::registry {

inline constexpr std::size_t kMaxWaitingMessages = 50;       // for one device
inline constexpr std::size_t kMaxSentMessages = 200;         // to one device, not known to be acknowledged, and kept
inline constexpr std::uint32_t kMaxMessageDeliveries = 10;   // then it is given up
inline constexpr std::int64_t kMessageLockMs = 60'000;       // who lives that long after it was sent, has had it
inline constexpr std::int64_t kUsualMessageMs = 3'600'000;   // to live, when nothing is said
inline constexpr std::int64_t kMostMessageMs = 172'800'000;  // to live: two days

struct Message {
  std::uint64_t number = 0;  // grows: the order of a device's messages
  Uuid device;
  std::string id;
  std::string bag;  // its properties, the id among them, as they end its topic
  Bytes payload;    // empty in lists
  std::uint64_t size = 0;
  UnixMs enqueued = 0;
  UnixMs expires = 0;
  std::uint32_t deliveries = 0;  // how often it was sent
  std::uint64_t connection = 0;  // that it was last sent over; 0: it waits
  bool kept = false;             // the broker keeps that connection's session: it will say what was acknowledged
  UnixMs sent = 0;
};

struct NewMessage {
  std::string id;
  std::string bag;
  Bytes payload;
  UnixMs expires = 0;
};

// A device as it was when its session began, on one connection.
struct MessageRecipient {
  Uuid device;
  std::uint64_t connection = 0;
  bool kept = false;  // as Message::kept
};

// What was learnt of messages that had been sent.
struct MessageNews {
  enum class What : std::uint8_t {
    kResumed,  // `connection` goes on with a kept session: of what went over others, only `unacknowledged` is not done
    kNewSession,  // `connection` goes on with nothing: what went over others is not known to be acknowledged
    kEnded,       // `connection` is over, and its session with it
  };
  What what = What::kNewSession;
  MessageRecipient recipient;
  std::vector<std::string> unacknowledged = {};  // bags, each as often as there are messages of it
};

}  // namespace latchkey::registry
