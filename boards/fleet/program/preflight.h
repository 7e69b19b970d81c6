// SPDX-License-Identifier: Apache-2.0
// All that can be wrong with a run is looked for here, before anything starts: scenario, limits of the machine, the
// hub, its key, room for the histories. And the exit statuses of the program, which follow from it.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "boards/fleet/program/job.h"
#include "boards/fleet/program/options.h"

namespace latchkey::boards::fleet::program {

inline constexpr int kDone = 0;
inline constexpr int kBroken = 1;  // on the way
inline constexpr int kBadInput = 2;
inline constexpr int kNotFound = 3;
inline constexpr int kViolated = 4;  // a rule, says verify
inline constexpr int kNoHub = 5;

// The shipped scenario of that name, or the file. kNotFound: neither; `problem` says so.
Result<std::string> scenario_document(const std::string& scenario, std::string& problem);

struct Prepared {
  scenario::Scenario scenario;
  std::vector<Shard> shards;
  Job job;  // without shard and start
};
struct Refusal {
  int status;
  std::string problem;  // a sentence for the operator
};
// Makes the run's folder, and touches nothing else.
tl::expected<Prepared, Refusal> prepare(const RunOptions& options);

}  // namespace latchkey::boards::fleet::program
