// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/shards.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace latchkey::boards::fleet::program {
namespace {

std::uint64_t wanted_by(std::uint64_t devices) { return devices * kDescriptorsPerDevice + kDescriptorsPerWorker; }

}  // namespace

Machine this_machine() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return {limit.rlim_max, std::max(1U, std::thread::hardware_concurrency())};
}

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<Shard> spread(std::uint32_t devices, std::optional<unsigned> processes, const Machine& machine,
                          std::string& problem) {
  if (machine.descriptors <= wanted_by(1)) {
    problem = "a process may open " + std::to_string(machine.descriptors) +
              " files here, too few for any worker: raise the limit (ulimit -Hn)";
    return {};
  }
  const std::uint64_t most = (machine.descriptors - kDescriptorsPerWorker) / kDescriptorsPerDevice;
  const auto needed = static_cast<unsigned>((devices + most - 1) / most);
  const unsigned usual = std::max({needed, machine.cores / 2, 1U});
  const unsigned workers = std::min(processes.value_or(usual), std::max(devices, 1U));
  if (workers < needed) {
    const std::uint64_t share = (devices + workers - 1) / workers;
    problem = std::to_string(share) + " devices in one process need " + std::to_string(wanted_by(share)) +
              " open files, and the limit is " + std::to_string(machine.descriptors) +
              " (ulimit -Hn): spread them with --processes " + std::to_string(needed) + ", or take fewer devices";
    return {};
  }
  std::vector<Shard> shards;
  for (std::uint32_t worker = 0, first = 0; worker < workers; ++worker) {
    const std::uint32_t count = devices / workers + (worker < devices % workers ? 1 : 0);
    shards.push_back({first, count});
    first += count;
  }
  return shards;
}

}  // namespace latchkey::boards::fleet::program
