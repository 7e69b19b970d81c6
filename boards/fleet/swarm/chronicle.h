// SPDX-License-Identifier: Apache-2.0
// What a worker's devices do, as it is written to the worker's history and counted for whoever looks on meanwhile. One
// thread.
#pragma once

#include <cstdint>

#include "boards/fleet/history/writer.h"

namespace latchkey::boards::fleet::swarm {

// Since the run began, but for the last three: now.
struct Counters {
  std::uint64_t provisioned = 0;  // certificates stored that DPS brought
  std::uint64_t renewed = 0;
  std::uint64_t hub_connects = 0;  // accepted by the hub
  std::uint64_t refused = 0;       // by either service
  std::uint64_t failed = 0;        // attempts that ended otherwise without a connection
  std::uint64_t sent = 0;          // telemetry
  std::uint64_t acknowledged = 0;
  std::uint32_t connected = 0;  // to the hub
  std::uint32_t back = 0;    // of those that the plan wants back in the end: connected, or asleep since such a session
  std::uint32_t broken = 0;  // promises of a core that it did not keep: a fault of ours
};

class Chronicle {
 public:
  // `start_us`: the run's start by CLOCK_MONOTONIC, the same for all workers.
  Chronicle(history::Writer writer, history::TimeUs start_us) : writer_(std::move(writer)), start_us_(start_us) {}

  history::TimeUs now() const;
  void tell(history::Device device, const history::Body& body) {
    if (!closed_) writer_.write(now(), device, body);
  }
  void tell(const history::Body& body) { tell(history::kNoDevice, body); }

  void telemetry_sent() { ++telemetry_.sent; }
  void telemetry_acknowledged(history::TimeUs sent, history::TimeUs due);
  // Writes what is told by the second, and hands it all to the system.
  void each_second();
  // The last record; what is told after it is not kept.
  void close(const history::RunEnded& ending);
  Status status() const { return writer_.status(); }

  Counters counters;

 private:
  history::Writer writer_;
  const history::TimeUs start_us_;
  history::Telemetry telemetry_;
  unsigned seconds_ = 0;
  bool closed_ = false;
};

// CLOCK_MONOTONIC in microseconds.
history::TimeUs monotonic_us();

}  // namespace latchkey::boards::fleet::swarm
