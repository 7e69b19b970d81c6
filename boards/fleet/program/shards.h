// SPDX-License-Identifier: Apache-2.0
// How a fleet is spread over worker processes: as many as its descriptors need, at the least. Pure but for the two
// functions that ask the system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace latchkey::boards::fleet::program {

// What libmosquitto holds open for a connected client (measured), and what a worker needs besides.
inline constexpr std::uint64_t kDescriptorsPerDevice = 3;
inline constexpr std::uint64_t kDescriptorsPerWorker = 64;

struct Shard {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

struct Machine {
  std::uint64_t descriptors = 1024;  // that a process may open
  unsigned cores = 1;
};
Machine this_machine();
// Raises this process's own limit as far as it may go.
void raise_descriptor_limit();

// Equal shares for `processes` workers; without that for as many as descriptors need, and at least half as many as
// there are cores, since the hub wants the other half. Empty when it cannot be done: `problem` says the limit and what
// to do.
std::vector<Shard> spread(std::uint32_t devices, std::optional<unsigned> processes, const Machine& machine,
                          std::string& problem);

}  // namespace latchkey::boards::fleet::program
