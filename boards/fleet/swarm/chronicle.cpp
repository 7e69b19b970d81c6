// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/chronicle.h"

#include <sys/resource.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>

namespace latchkey::boards::fleet::swarm {
namespace {

constexpr unsigned kLoadEverySeconds = 5;  // reading it takes the kernel some milliseconds in a large process

// The process's share of memory (PSS); 0 when the kernel does not tell.
std::uint64_t memory_kib() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "Pss: %llu", &kib) == 1) return kib;
  }
  return 0;
}

std::uint64_t cpu_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) { return time.tv_sec * 1000 + time.tv_usec / 1000; };
  return static_cast<std::uint64_t>(ms(usage.ru_utime) + ms(usage.ru_stime));
}

}  // namespace

history::TimeUs monotonic_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000LL + time.tv_nsec / 1000;
}

history::TimeUs Chronicle::now() const { return monotonic_us() - start_us_; }

void Chronicle::telemetry_acknowledged(history::TimeUs sent, history::TimeUs due) {
  const auto current = now();
  ++telemetry_.acknowledged;
  ++counters.acknowledged;
  telemetry_.from_sent.add(current - sent);
  telemetry_.from_due.add(current - due);
}

void Chronicle::each_second() {
  if (telemetry_.sent + telemetry_.acknowledged > 0) {
    tell(telemetry_);
    counters.sent += telemetry_.sent;
    telemetry_ = {};
  }
  if (seconds_++ % kLoadEverySeconds == 0) {
    tell(history::Load{memory_kib(), cpu_ms(), counters.connected});
  }
  writer_.flush();
}

void Chronicle::close(const history::RunEnded& ending) {
  each_second();
  tell(ending);
  writer_.flush();
  closed_ = true;
}

}  // namespace latchkey::boards::fleet::swarm
