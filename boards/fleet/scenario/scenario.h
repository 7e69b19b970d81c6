// SPDX-License-Identifier: Apache-2.0
// A scenario: what befalls a fleet in one run, as one JSON document says it (docs/schemas/fleet-scenario.schema.json,
// README.md). Read strictly: unknown members, impossible times and shares are refused, all of them at once.
//
// Documents give times in seconds, decimals allowed, counted from the run's start unless their name says otherwise;
// here they are microseconds. Shares are from 0 to 1. Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace latchkey::boards::fleet::scenario {

using TimeUs = std::int64_t;

inline constexpr std::uint32_t kMostDevices = 1'000'000;
inline constexpr TimeUs kLongestRun = TimeUs{7} * 86'400 * 1'000'000;

enum class Curve : std::uint8_t {
  kAtOnce,  // "at-once": everybody at time 0
  kEven,    // "even": one after the other at the same distance
  kRamp,    // "ramp": more and more, twice the mean rate at the end
  kBell,    // "bell": few, many, few
};
struct Arrival {
  Curve curve = Curve::kAtOnce;
  TimeUs over = 0;
};

struct Telemetry {
  TimeUs every = 60'000'000;  // of each device; 0: none
  std::uint32_t bytes = 64;   // of a message
};

// Devices that are up for a while and off for a while, again and again.
struct Sleep {
  double share = 0;
  TimeUs awake = 0;
  TimeUs asleep = 0;
  double jitter = 0;      // each moment is moved by up to half of this, in parts of the shorter of the two
  bool together = false;  // all in step; otherwise spread over one period
};

// Devices that lie in a box for once.
struct Shelf {
  double share = 0;
  TimeUs from = 0;
  TimeUs until = 0;
  TimeUs over = 0;  // they are switched on one after the other during this, from `until` on
};

struct ClockSkew {
  double share = 0;
  TimeUs most = 0;  // as far ahead or behind
};

// A device that has renewed before the run: it brings a certificate of that generation along.
struct EarlierGeneration {
  std::uint32_t generation = 2;  // 2 to 5
  double share = 0;
};

struct NetworkCut {
  TimeUs from = 0;
  TimeUs until = 0;
  double share = 1;  // of the devices; each cut hits others
};

enum class ActKind : std::uint8_t {
  kRevokeDevices,
  kRevokePolicy,
  kDisableDevices,
  kEnableDevices,
  kDeleteDevices,
  kSync,
  kSetFaults,
  kClearFaults,
  kAdvanceClock,
};
// "revokeDevices" ...: the name in documents and histories.
std::string_view to_string(ActKind kind);

// Which devices an act is about.
struct Choice {
  std::uint32_t count = 0;      // so many, or
  std::optional<double> share;  // that share of all, at least one, or
  std::string as;               // those of the earlier act of that name
};

struct Act {
  TimeUs at = 0;
  ActKind kind = ActKind::kRevokeDevices;
  std::string name;      // how later acts and reports call it; may be empty
  Choice devices;        // of acts on devices
  bool disable = false;  // kRevokeDevices: the same act disables them as well, so that they cannot come back
  std::string policy;    // kRevokePolicy; empty: the default one
  std::string faults;    // kSetFaults: the document (docs/rehearsal.md) as JSON
  TimeUs advance = 0;    // kAdvanceClock: how far
};

struct Scenario {
  std::string name;  // letters, digits, '-'
  std::string title;
  std::string about;
  std::uint32_t devices = 100;
  std::uint64_t seed = 1;
  TimeUs duration = 0;
  bool ends_when_all_back = false;  // after the last act; `duration` is then the longest that it may take
  TimeUs linger = 0;                // and goes on for so long after that
  Arrival arrival;
  Telemetry telemetry;
  Sleep sleep;
  Shelf shelf;
  ClockSkew skew;
  double crash_share = 0;            // die once between writing their key and writing the certificate
  double credential_lost_share = 0;  // lose what they prove themselves to DPS with ...
  TimeUs credential_lost_at = 0;     // ... at that time
  std::vector<EarlierGeneration> generations;
  std::vector<NetworkCut> cuts;  // by rising time; repetitions written out
  std::vector<Act> acts;         // as in the document, which may not go back in time
  std::string document;          // what was read

  // Only a hub whose data folder was made with --rehearsal can do this.
  bool needs_rehearsal() const;
};

struct Fault {
  std::string pointer;  // RFC 6901; empty: the document as a whole
  std::string rule;     // "is greater than durationSeconds"
};
// "/acts/0/atSeconds: is greater than durationSeconds", a line for each.
std::string to_text(const std::vector<Fault>& faults);

// Everything that is wrong with it, by the JSON pointer; one fault only when it is not JSON.
tl::expected<Scenario, std::vector<Fault>> read_scenario(std::string_view document);

// What a command line replaces. It is checked as if it stood in the document: acts on 500 devices need as many.
struct Changes {
  std::optional<std::uint32_t> devices;
  std::optional<std::uint64_t> seed;
  std::optional<TimeUs> duration;
};
tl::expected<Scenario, std::vector<Fault>> read_scenario(std::string_view document, const Changes& changes);

}  // namespace latchkey::boards::fleet::scenario
