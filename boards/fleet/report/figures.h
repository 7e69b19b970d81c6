// SPDX-License-Identifier: Apache-2.0
// What is said about a run: plain numbers, made from histories alone by tally.h, shown by json.h and page.h.
//
// Times are microseconds since the run's start, durations microseconds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "boards/fleet/history/histogram.h"
#include "boards/fleet/history/reader.h"
#include "boards/fleet/history/record.h"
#include "boards/fleet/report/timeline.h"

namespace latchkey::boards::fleet::report {

using history::Device;
using history::Histogram;
using history::TimeUs;

// How long something took those whom it happened to, and how many wait for it still: these are slower than all that
// were counted, and percentiles that lie among them have no value.
struct Waits {
  Histogram ended;
  std::uint64_t waiting = 0;

  std::optional<TimeUs> percentile(double share) const { return ended.percentile(share, waiting); }
  std::uint64_t all() const { return ended.count() + waiting; }
};

// A latency told twice. From when the work was begun: what a service took. From when it was due: what a device had to
// wait, with all attempts that failed, the back-off between them, and a load generator that came late.
struct Latency {
  Waits from_begun;
  Waits from_due;
};

struct Absent {
  Device device = 0;
  std::string why;
};

// A condemning act, or one that lets devices in again, and what came of it.
struct ActFigures {
  history::ActBegun act;
  TimeUs begun = 0;
  std::optional<TimeUs> answered;
  bool succeeded = false;
  std::string text;

  std::uint64_t affected = 0;  // devices
  std::uint64_t live = 0;      // of them, with a session when it began
  bool expects_return = false;
  // Since it began; a device counts once in each.
  Waits cut;      // of those that were live: the end of the session
  Waits refused;  // the first refusal; who does not try is not waited for
  Waits back;     // connected to the hub again, with a newer certificate if the old one is gone
  // Connected, by an attempt that began after the act was answered, with what the act had condemned.
  std::uint64_t let_in = 0;
  std::vector<Absent> absent;  // expected and not back, by device
};

struct CutFigures {
  TimeUs from = 0;
  std::optional<TimeUs> until;
};

struct Figures {
  history::RunBegun run;
  std::optional<history::RunEnded> end;  // of the parent; nothing: the run broke off
  TimeUs length = 0;
  std::uint32_t files = 0;
  std::uint32_t files_without_end = 0;
  std::vector<history::Damage> damages;
  std::uint64_t records = 0;

  Timeline timeline;

  // In the end
  std::uint64_t connected = 0;
  std::uint64_t asleep = 0;
  std::uint64_t disabled = 0;
  std::uint64_t not_begun = 0;
  std::vector<Absent> absent;  // awake, not disabled, and not connected

  // In all
  std::uint64_t connects = 0;  // accepted by the hub
  std::uint64_t certificates = 0;
  std::uint64_t renewals = 0;                     // of the certificates
  std::map<std::string, std::uint64_t> refusals;  // by reason
  std::map<std::string, std::uint64_t> failures;  // attempts that ended otherwise, and sessions that were lost
  std::uint64_t telemetry_sent = 0;
  std::uint64_t telemetry_acknowledged = 0;
  std::uint64_t crashes = 0;
  std::uint64_t most_memory_kib = 0;  // of all workers together
  std::uint64_t cpu_ms = 0;

  Latency connect;       // begun: TCP to CONNACK, of attempts that succeeded; due: until it is connected to the hub
  Latency provisioning;  // until the certificate is safe; begun: from the connection to DPS that brought it
  Latency telemetry;     // until PUBACK; begun: from publish

  std::vector<ActFigures> acts;
  std::vector<CutFigures> cuts;
};

}  // namespace latchkey::boards::fleet::report
