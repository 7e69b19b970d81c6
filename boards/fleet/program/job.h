// SPDX-License-Identifier: Apache-2.0
// What passes between the program and its workers, line by line. To a worker: its job, as JSON in one line, and later
// the word that ends it. From a worker: its counters once a second. No secrets: the group's key is read by each worker
// from its file.
//
//   down = job LF [ "end " why LF ]            ; the end of the stream counts as "end interrupted"
//   up   = *( counters LF ) / ( "problem " text LF )
#pragma once

#include <optional>
#include <string>

#include "boards/fleet/program/shards.h"
#include "boards/fleet/program/target.h"
#include "boards/fleet/scenario/scenario.h"
#include "boards/fleet/swarm/chronicle.h"

namespace latchkey::boards::fleet::program {

struct Job {
  std::string document;  // the scenario, and what the command line has changed of it
  scenario::Changes changes;
  std::string prefix;
  std::string out;  // the run's folder
  std::uint32_t worker = 1;
  std::uint32_t workers = 1;
  Shard shard;
  Target target;
  std::int64_t start_us = 0;    // time 0 by CLOCK_MONOTONIC
  std::int64_t started_ms = 0;  // and by the wall clock
  std::size_t handshakes = 0;   // of this worker, with each endpoint; 0: no limit
  std::uint32_t retry_max_ms = 60'000;
  std::uint32_t slow_retry_ms = 900'000;
};

std::string to_line(const Job& job);  // without LF
std::optional<Job> parse_job(const std::string& line);

std::string to_line(const swarm::Counters& counters);
std::optional<swarm::Counters> parse_counters(const std::string& line);

std::string to_line(history::Ending why);
std::optional<history::Ending> parse_ending(const std::string& line);

}  // namespace latchkey::boards::fleet::program
