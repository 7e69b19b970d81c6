// SPDX-License-Identifier: Apache-2.0
// What a fleet's run leaves behind: one record for everything that happened, at the time when it happened. All that is
// ever said about a run (reports, checks) is said from these records alone. README.md has the form in the file.
//
// Times are microseconds of the monotonic clock since the run began, the same beginning for all workers of a run.
// Devices are numbers from 0; device 0 of a run with prefix "fleet-" is "fleet-000001". No keys, tokens or payloads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "boards/fleet/history/histogram.h"

namespace latchkey::boards::fleet::history {

using TimeUs = std::int64_t;
using Device = std::uint32_t;
inline constexpr Device kNoDevice = 0xFFFFFFFF;  // a record about the whole fleet, or a worker's share of it
inline constexpr TimeUs kNever = -1;

enum class Service : std::uint8_t { kDps, kHub };

// First record of every file.
struct RunBegun {
  std::string scenario;
  std::string document;  // the scenario as it was run (JSON); the parent's file has it, a worker's need not
  std::uint64_t seed = 0;
  std::uint32_t devices = 0;  // of the whole run
  std::string prefix;
  std::int64_t started_ms = 0;  // wall clock at time 0, Unix milliseconds
  std::uint32_t worker = 0;     // 0: the parent, which writes operators' acts; workers count from 1
  std::uint32_t workers = 0;
  Device first = 0;  // this file's devices, none for the parent
  std::uint32_t count = 0;
  bool operator==(const RunBegun&) const = default;
};

enum class Cause : std::uint8_t {
  kArrival,  // it is to begin its life now
  kWake,     // it is to wake up now
};
// The device was meant to do this at `at`. The record may be late, as a busy machine is; `at` is what was planned.
// Waits are measured from here, so that a fleet that falls behind does not look fast ("coordinated omission").
struct Due {
  Cause cause = Cause::kArrival;
  TimeUs at = 0;
  bool operator==(const Due&) const = default;
};

// Switched off; its session, if any, ends of its own will (an Ended with kOwn may stand before or behind it).
struct Asleep {
  TimeUs until = kNever;  // when it is to wake
  bool operator==(const Asleep&) const = default;
};

// Opens a connection. `generation`: of the certificate that it shows, 0: none.
struct Connecting {
  Service service = Service::kDps;
  std::uint32_t generation = 0;
  bool operator==(const Connecting&) const = default;
};

// CONNACK 0.
struct Connected {
  Service service = Service::kDps;
  std::uint32_t generation = 0;
  bool operator==(const Connected&) const = default;
};

enum class RefusedBy : std::uint8_t {
  kConnack,  // code: the CONNACK's
  kTls,      // code: the alert's number
  kDps,      // an answer of DPS; code: its error code (401002), or its status when it names none
  kRenewal,  // the hub's answer to issueCertificate; code: its error code
};
// A service said no to who or what the device is. A connection that ends with it has an Ended as well.
struct Refused {
  Service service = Service::kDps;
  RefusedBy by = RefusedBy::kConnack;
  std::uint32_t code = 0;
  std::string message;  // as the service gave it, cut to 200 bytes; may be empty
  bool operator==(const Refused&) const = default;
};

enum class Why : std::uint8_t {
  kOwn,          // the device left
  kUnreachable,  // the rest as ports::LinkFailure
  kServerNotTrusted,
  kTlsAlert,
  kClosedWithoutConnack,
  kRefused,
  kLost,
  kLocal,
  kCut,  // the scenario took the network away
};
// Exactly one for each Connecting.
struct Ended {
  Service service = Service::kDps;
  bool was_connected = false;
  Why why = Why::kLost;
  std::int32_t detail = 0;  // CONNACK code or TLS alert
  bool operator==(const Ended&) const = default;
};

// A certificate is safe in a slot, for the first time.
struct Stored {
  std::uint32_t generation = 0;
  std::string serial;  // lower-case hex
  std::string issuer;  // the first 16 hex digits of the issuer's key identifier, or whatever tells issuers apart
  std::int64_t not_after_ms = 0;
  bool renewed = false;  // over the hub, not by DPS
  bool operator==(const Stored&) const = default;
};

// Of a worker's devices within about a second: since its Telemetry before this one.
struct Telemetry {
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  Histogram from_sent;  // publish to PUBACK
  Histogram from_due;   // from when the message was due; empty when the worker cannot tell
};

// Of a worker's process; now and then.
struct Load {
  std::uint64_t memory_kib = 0;  // PSS
  std::uint64_t cpu_ms = 0;      // user and system, since it began
  std::uint32_t connections = 0;
  bool operator==(const Load&) const = default;
};

// Of one process that takes part in the run, the hub's as well as the fleet's, now and then; in the parent's file.
struct Process {
  std::string name;              // "hub process", "hub broker", "dps broker", "fleet", "fleet worker 1"
  std::uint32_t pid = 0;         // another one: it was replaced
  std::uint64_t memory_kib = 0;  // resident
  std::uint64_t cpu_ms = 0;      // user and system, since it began
  bool operator==(const Process&) const = default;
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
// An operator's act is begun ...
struct ActBegun {
  std::uint32_t act = 0;  // its number in the scenario, from 0
  ActKind kind = ActKind::kRevokeDevices;
  std::string name;             // as the scenario calls it; may be empty
  std::string target;           // the policy, the hub, ...; may be empty
  std::vector<Device> devices;  // whom it is about; empty where it names nobody
  bool disable = false;         // kRevokeDevices: the same act disables them as well
  bool operator==(const ActBegun&) const = default;
};
// ... and answered. An act on many devices is answered when the last of them is.
struct ActAnswered {
  std::uint32_t act = 0;
  bool succeeded = false;
  std::string text;  // the refusal, in one line
  bool operator==(const ActAnswered&) const = default;
};

enum class FaultKind : std::uint8_t {
  kNetworkCut,              // of the share of devices that the scenario says; no device: begin and end of the cut
  kCrashBeforeCertificate,  // the device dies between writing its key and writing its certificate
  kCredentialLost,          // it can no longer prove itself to DPS
  kClockSkew,               // number: milliseconds that its clock is ahead
};
struct Fault {
  FaultKind kind = FaultKind::kNetworkCut;
  bool begins = true;       // false: it is over
  std::int64_t number = 0;  // kNetworkCut: which of the plan's cuts, from 0
  bool operator==(const Fault&) const = default;
};

enum class Ending : std::uint8_t {
  kTimeUp,
  kAllBack,      // the scenario's end condition
  kInterrupted,  // Ctrl-C
  kFailed,       // text says why
};
// Last record of a file, written when the run is over and before its devices are stopped: how they stop is no part of
// the run. A file without one belongs to a run, or a worker, that broke off.
struct RunEnded {
  Ending why = Ending::kTimeUp;
  std::string text;
  bool operator==(const RunEnded&) const = default;
};

using Body = std::variant<RunBegun, Due, Asleep, Connecting, Connected, Refused, Ended, Stored, Telemetry, Load,
                          Process, ActBegun, ActAnswered, Fault, RunEnded>;

struct Record {
  TimeUs time = 0;
  Device device = kNoDevice;
  Body body;
  std::uint32_t worker = 0;  // whose file it is from, as its RunBegun said; not written
  std::uint64_t line = 0;    // where it stands there, from 1, when a Reader gave it; not written
};

// The names that files and reports use; they never change their meaning.
std::string_view to_string(Service service);
std::string_view to_string(Cause cause);
std::string_view to_string(RefusedBy by);
std::string_view to_string(Why why);
std::string_view to_string(ActKind kind);
std::string_view to_string(FaultKind kind);
std::string_view to_string(Ending why);

// "fleet-000001" for device 0; six digits at the least.
std::string device_name(std::string_view prefix, Device device);

}  // namespace latchkey::boards::fleet::history
