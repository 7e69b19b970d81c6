// SPDX-License-Identifier: Apache-2.0
// What the registry remembers of firmware: campaigns, what devices said of themselves, and the statements that were
// made. Plain values; bundles and signatures are hub/firmware's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model/resources.h"

namespace latchkey::registry::firmware {

// The numbers stand in rows: never renumber.
enum class CampaignState : std::uint8_t { kActive = 1, kWithdrawn = 2 };
std::string_view to_string(CampaignState state);  // "active", "withdrawn"

// One bundle for some devices of a namespace; the bundle's SHA-256 is the campaign's id.
struct Campaign {
  static constexpr std::size_t kIdSize = 32;
  static constexpr std::size_t kDevicesMax = 1000;

  Uuid namespace_uuid;
  Bytes bundle;
  std::uint64_t number = 0;  // from 1 on, in the order of publishing
  std::uint64_t size = 0;    // of the bundle, bytes
  std::string board;
  std::string version;  // "1.2.3"
  Bytes image;          // SHA-256 of the image in it
  // Whom it is for: the devices of a policy, or else those that are named.
  std::optional<Uuid> policy;
  std::string policy_name;
  std::vector<std::string> devices;
  int percent = 100;  // of them, 1 to 100
  CampaignState state = CampaignState::kActive;
  UnixMs created = 0;
  UnixMs updated = 0;
};

// 0 to 99, of a device in a campaign: the same for ever, and in each campaign another one.
int place_in(const Campaign& campaign, std::string_view device_id);
// Whether the campaign is for that device at all; and whether its percentage has come as far as to it.
bool is_for(const Campaign& campaign, const Device& device);
bool reaches(const Campaign& campaign, const Device& device);

// What a device reports (docs/firmware-update.md). The numbers stand in rows: never renumber.
enum class Event : std::uint8_t {
  kHello = 1,
  kFetching = 2,
  kRefused = 3,
  kReady = 4,
  kConfirmed = 5,
  kReverted = 6,
  kRevoked = 7,
  kGoingBack = 8,
  kNoWayBack = 9,
  kWithdrawn = 10,
  kUpToDate = 11,
};
inline constexpr int kEventLimit = 12;    // every Event is below
std::string_view to_string(Event event);  // "hello", "upToDate", as devices spell them
std::optional<Event> parse_event(std::string_view text);

struct Report {
  Event event = Event::kHello;
  std::string reason;   // empty: none was given
  std::string version;  // that runs
  std::string board;
  Bytes image;             // SHA-256 of the image that runs; empty: not said
  std::uint64_t pins = 0;  // versions of the statements that the device holds; 0: none
  std::uint64_t revocations = 0;
  UnixMs at = 0;
};

// The last thing that a device said of a campaign's bundle.
struct Progress {
  std::string device;
  Report report;
  bool runs = false;  // by its last report of all, it runs the campaign's image
};

// How far a campaign has come.
struct Tally {
  std::uint64_t targeted = 0;                         // devices that it is for and that are there
  std::uint64_t reached = 0;                          // of those, that the percentage has come to
  std::uint64_t running = 0;                          // have reported on it, and run its image
  std::vector<std::pair<Event, std::uint64_t>> last;  // how many devices reported that last; only what is not zero
};

// The numbers stand in rows: never renumber.
enum class StatementKind : std::uint8_t { kPins = 1, kRevocations = 2 };

struct Statement {
  StatementKind kind = StatementKind::kPins;
  std::uint64_t version = 0;  // from 1 on, of each kind
  std::string content;        // pins: durable EKUs, dotted, a line each; revocations: a digest of what is revoked
  Bytes body;                 // COSE_Sign1
  UnixMs made = 0;
};

}  // namespace latchkey::registry::firmware
