// SPDX-License-Identifier: Apache-2.0
// Processor time of a hub and of a fleet against it, read again and again from outside. One thread.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boards/fleet/forecast/calibration.h"

namespace latchkey::boards::fleet::program {

struct Reading {
  std::int64_t at_ms = 0;                          // Unix time
  std::array<double, forecast::kParts> used_us{};  // since each process began
};

class Meter {
 public:
  struct Processes {
    pid_t dps_broker = 0;
    std::vector<pid_t> hub_brokers;
    pid_t hub_process = 0;
  };
  // `fleet`: `latchkey-fleet run` with one worker, which is looked for until it is there.
  Meter(Processes hub, pid_t fleet) : hub_(std::move(hub)), fleet_(fleet) {}

  // Nothing while there is no worker (any more), or when a process of the hub has gone.
  std::optional<Reading> read();

 private:
  const Processes hub_;
  const pid_t fleet_;
  pid_t worker_ = 0;
};

// The hub in that data folder, or `problem`.
std::optional<Meter::Processes> processes_of(const std::string& data, std::string& problem);

// The median of some writes of one page with fdatasync, in milliseconds; a file of its own in `folder`, gone
// afterwards.
std::optional<double> commit_ms(const std::string& folder);
std::string processor_name();

}  // namespace latchkey::boards::fleet::program
