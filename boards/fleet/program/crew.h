// SPDX-License-Identifier: Apache-2.0
// The workers of a run: this program again, one process for each shard. One thread.
#pragma once

#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "boards/fleet/program/child.h"
#include "boards/fleet/program/job.h"
#include "boards/fleet/program/processes.h"

namespace latchkey::boards::fleet::program {

class Crew {
 public:
  // All of them, or none: `problem` then says why.
  static std::optional<Crew> start(const std::vector<Job>& jobs, std::string& problem);

  // Appends what is to be waited for; nothing for workers that have ended.
  void add_to(std::vector<pollfd>& waits) const;
  // Takes up what they have said.
  void hear();
  swarm::Counters total() const;
  bool any_at_work() const;
  // "fleet worker 1" and so on, those at work.
  std::vector<Named> processes() const;
  // What a worker complained of, or that one has ended unasked. Empty: nothing.
  const std::string& problem() const { return problem_; }

  // Asks all of them to end in order; they are gone when any_at_work() is false.
  void end(history::Ending why);
  void kill();

 private:
  struct Worker {
    Child child;
    std::string heard;  // without LF yet
    swarm::Counters counters;
    bool at_work = true;
  };
  explicit Crew(std::vector<Worker> workers) : workers_(std::move(workers)) {}
  void take(Worker& worker, const std::string& line);
  void has_ended(Worker& worker, std::size_t number);

  std::vector<Worker> workers_;
  std::string problem_;
  bool ending_ = false;
};

}  // namespace latchkey::boards::fleet::program
