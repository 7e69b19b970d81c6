// SPDX-License-Identifier: Apache-2.0
// bench_lookup [--sizes 1000000,10000000] [--rounds 41] [--operations 200000]
//
// The lookup table against boost::unordered_flat_map and absl::flat_hash_map: hits, misses, updates, churn, bytes per
// device. All contenders stand in memory at once; every round runs each of them, in turning order, on the same keys; a
// ratio is taken within a round, and the median of the rounds counts. A dependent hit stands beside one dependent
// access to as much memory without a table, with the same keys computed for it.
//
// Huge pages: our table asks the system for them itself, which is a part of what it is; the peers use std::allocator,
// as their users do, and have them only where the machine gives them to everybody. How much of its memory each table
// has in huge pages is a column. GLIBC_TUNABLES=glibc.malloc.hugetlb=1 gives them to the peers too.
#include <absl/base/config.h>
#include <unistd.h>

#include <algorithm>
#include <boost/version.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/lookup_contenders.h"
#include "tests/bench/lookup_loops.h"
#include "tests/bench/report.h"

namespace latchkey::bench {
namespace {

struct Options {
  std::vector<std::uint64_t> sizes = {1'000'000, 10'000'000};
  int rounds = 41;
  std::uint64_t operations = 200'000;
};

enum Work { kHit, kHitDependent, kMiss, kMissOneByOne, kHitBatched, kUpdate, kChurn, kWorks };
constexpr const char* kWorkNames[kWorks] = {
    "hit", "hit, dependent", "miss", "miss, one by one", "hit, batches of 64", "update", "erase, insert"};

// Resident memory of the process: what the system really gave, with every allocator's overhead and gaps.
std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

// Memory of the process that is in huge pages.
std::size_t huge_bytes() {
  std::FILE* file = std::fopen("/proc/self/smaps_rollup", "r");
  if (file == nullptr) return 0;
  char line[128];
  unsigned long kilobytes = 0;
  while (std::fgets(line, sizeof line, file) != nullptr && std::sscanf(line, "AnonHugePages: %lu", &kilobytes) != 1) {
  }
  std::fclose(file);
  return kilobytes * std::size_t{1024};
}

// Whether the system gives huge pages to all, to those who ask, or to nobody: "always [madvise] never".
std::string huge_page_switch() {
  std::FILE* file = std::fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
  if (file == nullptr) return "";
  char line[64] = "";
  if (std::fgets(line, sizeof line, file) == nullptr) line[0] = 0;
  std::fclose(file);
  std::string text = line;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// What filling a table cost.
struct Filling {
  double ns_per_insert = 0;
  double longest_pause_ms = 0;  // of sixteen inserts
  double resident = 0;          // bytes per device
  double huge = 0;              // of these in huge pages
};

struct Contender {
  std::string name;
  std::function<Filling(std::uint64_t devices)> fill;
  std::function<Timed(Work, std::uint64_t seed, std::uint64_t devices, std::uint64_t operations)> run;
};

template <class Map>
Filling fill(Map& map, std::uint64_t devices) {
  const std::size_t resident_before = resident_bytes();
  const std::size_t huge_before = huge_bytes();
  const double start = cpu_ns();
  double last = start;
  double longest = 0;
  for (std::uint64_t device = 0; device < devices;) {
    for (int i = 0; i < 16 && device < devices; ++i, ++device) map.put(key_of(device), value_of(device));
    const double now = cpu_ns();
    longest = std::max(longest, now - last);
    last = now;
  }
  const auto count = static_cast<double>(devices);
  return {(last - start) / count, longest / 1e6, static_cast<double>(resident_bytes() - resident_before) / count,
          static_cast<double>(huge_bytes() - huge_before) / count};
}

template <class Map>
Contender contender() {
  auto map = std::make_shared<Map>();
  return {Map::kName, [map](std::uint64_t devices) { return fill(*map, devices); },
          [map](Work work, std::uint64_t seed, std::uint64_t devices, std::uint64_t operations) {
            const Draw known(seed, 0, devices);
            const Draw unknown(seed, devices, 1'000'000'000);
            switch (work) {
              case kHit: return independent(*map, known, operations);
              case kHitDependent: return dependent(*map, known, operations);
              case kMiss: return independent(*map, unknown, operations);
              case kMissOneByOne: return one_by_one(*map, unknown, operations);
              case kHitBatched: return batched(*map, known, operations);
              case kUpdate: return update(*map, known, operations);
              case kChurn: return churn(*map, known, operations);
              case kWorks: break;
            }
            std::abort();
          }};
}

// ns_per_operation[contender][round]
using Rounds = std::vector<std::vector<double>>;

Rounds measure(const std::vector<Contender>& contenders, Work work, std::uint64_t devices, const Options& options) {
  Rounds times(contenders.size());
  for (int round = 0; round < options.rounds; ++round) {
    const std::uint64_t seed = mix(static_cast<std::uint64_t>(round) * kWorks + work + 1);
    std::uint64_t sum = 0;
    for (std::size_t turn = 0; turn < contenders.size(); ++turn) {
      const std::size_t who = (turn + static_cast<std::size_t>(round)) % contenders.size();
      const Timed result = contenders[who].run(work, seed, devices, options.operations);
      times[who].push_back(result.ns_per_operation);
      if (turn != 0 && result.sum != sum) {
        std::fprintf(stderr, "%s found something else than the others\n", contenders[who].name.c_str());
        std::abort();
      }
      sum = result.sum;
    }
  }
  return times;
}

// Ours over the peer's, round by round, the median.
double ratio(const std::vector<double>& ours, const std::vector<double>& peer) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / peer[i]);
  return median(ratios);
}

// A dependent hit of ours, and a dependent access to memory, in turn.
void against_memory(const Contender& ours, std::uint64_t devices, std::size_t bytes, const Options& options,
                    Report& report) {
  const Memory memory(bytes);
  std::vector<double> hits, accesses;
  for (int round = 0; round < options.rounds; ++round) {
    const std::uint64_t seed = mix(static_cast<std::uint64_t>(round) + 1);
    hits.push_back(ours.run(kHitDependent, seed, devices, options.operations).ns_per_operation);
    accesses.push_back(dependent(memory, Draw(seed, 0, devices), options.operations).ns_per_operation);
  }
  const std::string size = std::to_string(devices);
  report.row({{"devices", size},
              {"work", std::string("one dependent access to as much memory")},
              {"ns", median(accesses)},
              {"latchkey's dependent hit ns", median(hits)}});
  report.check("hit, dependent, " + size + ", over one dependent access to memory", ratio(hits, accesses), "ratio",
               Goal::kAtMost, 1.15);
}

void run_size(std::uint64_t devices, const Options& options, Report& report) {
  const std::string size = std::to_string(devices);
  std::vector<Contender> contenders;  // ours is the first
  contenders.push_back(contender<Ours>());
  contenders.push_back(contender<Boost>());
  contenders.push_back(contender<Abseil>());

  std::size_t bytes = 0;  // that ours takes
  for (const Contender& who : contenders) {
    const Filling cost = who.fill(devices);
    report.row({{"devices", size},
                {"table", who.name},
                {"bytes per device, resident", cost.resident},
                {"in huge pages", cost.huge},
                {"fill ns/insert", cost.ns_per_insert},
                {"longest pause ms", cost.longest_pause_ms}});
    if (&who == &contenders.front()) {
      bytes = static_cast<std::size_t>(cost.resident * static_cast<double>(devices));
      report.check("bytes per device, " + size, cost.resident, "B", Goal::kBelow, 48);
    }
  }
  against_memory(contenders.front(), devices, bytes, options, report);
  for (int work = 0; work < kWorks; ++work) {  // churn comes last: it changes how full the peers' tables are
    const Rounds times = measure(contenders, static_cast<Work>(work), devices, options);
    const double to_boost = ratio(times[0], times[1]);
    const double to_abseil = ratio(times[0], times[2]);
    report.row({{"devices", size},
                {"work", kWorkNames[work]},
                {"latchkey ns", median(times[0])},
                {"boost ns", median(times[1])},
                {"abseil ns", median(times[2])},
                {"latchkey/boost", to_boost},
                {"latchkey/abseil", to_abseil}});
    if (work == kHitBatched) {  // the peers have none, and are asked for one key after the other
      report.check("hits of the faster peer over ours in batches of 64, " + size, 1 / std::max(to_boost, to_abseil),
                   "ratio", Goal::kAtLeast, 2);
      continue;
    }
    const bool promised = work <= kMissOneByOne;
    report.check(std::string(kWorkNames[work]) + ", " + size + ", over the faster peer", std::max(to_boost, to_abseil),
                 "ratio", promised ? Goal::kAtMost : Goal::kNone, 1);
  }
}

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--sizes") {
      options.sizes.clear();
      for (const char* at = argv[i + 1]; at != nullptr; at = std::strchr(at, ',')) {
        if (*at == ',') ++at;
        options.sizes.push_back(number(at));
      }
    } else if (name == "--rounds") {
      options.rounds = static_cast<int>(number(argv[i + 1]));
    } else if (name == "--operations") {
      options.operations = (number(argv[i + 1]) + 63) / 64 * 64;
    } else {
      return false;
    }
  }
  for (const std::uint64_t size : options.sizes) {
    if (size == 0) return false;
  }
  return argc % 2 == 1 && options.rounds > 0 && options.operations > 0;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  using namespace latchkey::bench;
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr, "usage: bench_lookup [--sizes N,N...] [--rounds N] [--operations N]\n");
    return 2;
  }
  Report report("lookup", "none");
  report.version("boost", BOOST_LIB_VERSION);
  report.version("abseil",
                 std::to_string(ABSL_LTS_RELEASE_VERSION) + "." + std::to_string(ABSL_LTS_RELEASE_PATCH_LEVEL));
  const char* tunables = std::getenv("GLIBC_TUNABLES");
  report.version("glibc tunables", tunables == nullptr ? "" : tunables);
  report.version("transparent huge pages", huge_page_switch());
  for (const std::uint64_t devices : options.sizes) run_size(devices, options, report);
  return report.finish() ? 0 : 1;
}
