// SPDX-License-Identifier: Apache-2.0
// The timed loops of bench_lookup. Keys are computed from a number, not read from an array, so that nothing but the
// table is in the caches; that costs the same for all.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>

#include "tests/bench/lookup_contenders.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace latchkey::bench {

inline std::uint64_t mix(std::uint64_t x) {  // splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
inline TableKey key_of(std::uint64_t device) {
  return {mix(device + 0x9e3779b97f4a7c15ULL), mix(device ^ 0xd1b54a32d192ed03ULL)};
}
inline TableValue value_of(std::uint64_t device) { return {{}, static_cast<std::uint16_t>(mix(device)), 1, 0}; }

// The next look-up starts only when this one has ended.
inline void wait_for_all_loads() {
#if defined(__x86_64__)
  _mm_lfence();
#elif defined(__aarch64__)
  asm volatile("dsb ld\nisb" ::: "memory");
#endif
}

// Device numbers, evenly spread over `count` (below 2^32) from `first` on. `fold` feeds a result back into the
// sequence.
class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t first, std::uint64_t count) : state_(seed), first_(first), count_(count) {}
  std::uint64_t next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return first_ + (((state_ >> 32) * count_) >> 32);
  }
  void fold(std::uint64_t result) { state_ += result; }

 private:
  std::uint64_t state_;
  std::uint64_t first_;
  std::uint64_t count_;
};

struct Timed {
  double ns_per_operation;
  std::uint64_t sum;  // of what was found: the same for every contender
};

// Processor time of this thread: what other programs take meanwhile does not count.
inline double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Body>
Timed timed(std::uint64_t operations, Body body) {
  const double start = cpu_ns();
  const std::uint64_t sum = body();
  return {(cpu_ns() - start) / static_cast<double>(operations), sum};
}

inline std::uint64_t policy_of(const TableValue* value) { return value == nullptr ? 0 : value->policy; }

template <class Map>
[[gnu::noinline]] Timed independent(const Map& map, Draw draw, std::uint64_t operations) {
  return timed(operations, [&map, draw, operations]() mutable {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < operations; ++i) sum += policy_of(map.find(key_of(draw.next())));
    return sum;
  });
}

// Which key comes next depends on the record that was found.
template <class Map>
[[gnu::noinline]] Timed dependent(const Map& map, Draw draw, std::uint64_t operations) {
  return timed(operations, [&map, draw, operations]() mutable {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < operations; ++i) {
      const std::uint64_t policy = policy_of(map.find(key_of(draw.next())));
      draw.fold(policy);
      sum += policy;
    }
    return sum;
  });
}

// A miss gives nothing that the next key could depend on: processors guess "missed" and go on. So here they are held.
template <class Map>
[[gnu::noinline]] Timed one_by_one(const Map& map, Draw draw, std::uint64_t operations) {
  return timed(operations, [&map, draw, operations]() mutable {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < operations; ++i) {
      sum += policy_of(map.find(key_of(draw.next())));
      wait_for_all_loads();
    }
    return sum;
  });
}

template <class Map>
[[gnu::noinline]] Timed batched(const Map& map, Draw draw, std::uint64_t operations) {
  constexpr std::uint64_t kBatch = 64;
  return timed(operations, [&map, draw, operations]() mutable {
    std::array<TableKey, kBatch> keys;
    std::array<const TableValue*, kBatch> values;
    std::uint64_t sum = 0;
    for (std::uint64_t done = 0; done < operations; done += kBatch) {
      for (TableKey& key : keys) key = key_of(draw.next());
      map.find_many(keys.data(), kBatch, values.data());
      for (const TableValue* value : values) sum += policy_of(value);
    }
    return sum;
  });
}

// Overwrites records of devices that are there.
template <class Map>
[[gnu::noinline]] Timed update(Map& map, Draw draw, std::uint64_t operations) {
  return timed(operations, [&map, draw, operations]() mutable {
    for (std::uint64_t i = 0; i < operations; ++i) {
      const std::uint64_t device = draw.next();
      map.put(key_of(device), value_of(device));
    }
    return std::uint64_t{0};
  });
}

// Takes a device out and puts it back; that is two operations.
template <class Map>
[[gnu::noinline]] Timed churn(Map& map, Draw draw, std::uint64_t operations) {
  return timed(operations, [&map, draw, operations]() mutable {
    for (std::uint64_t i = 0; i < operations; i += 2) {
      const std::uint64_t device = draw.next();
      map.erase(key_of(device));
      map.put(key_of(device), value_of(device));
    }
    return std::uint64_t{0};
  });
}

}  // namespace latchkey::bench
