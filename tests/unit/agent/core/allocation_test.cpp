// SPDX-License-Identifier: Apache-2.0
// The core promises to allocate nothing after start-up: operator new is counted during every step of a whole life.
// (mbedTLS has its own allocator for the certificates that it parses.)
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/unit/agent/core/bench.h"

namespace {
std::atomic<unsigned long> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace latchkey::test {
namespace {

using namespace agent;

unsigned long allocations_of(Core& core, const Event& event, const Now& now) {
  const unsigned long before = allocations;
  core.step(event, now);
  return allocations - before;
}

TEST(Allocation, the_counter_counts) {
  const unsigned long before = allocations;
  ::operator delete(::operator new(7));  // called by name: a new-expression may be optimised away
  EXPECT_EQ(allocations, before + 1);
}

TEST(Allocation, steps_allocate_nothing) {
  for (const State state : {State::kDpsRegistering, State::kDpsPolling, State::kHubConnecting, State::kLive,
                            State::kRenewAsking, State::kRenewAccepted}) {
    Bench bench;
    ASSERT_TRUE(bench.reach(state));
    const std::string assigned = bench.assigned();
    const std::string issued = bench.issued_chain_body();
    Core& core = *bench.core;
    SCOPED_TRACE(std::string(to_string(state)));
    EXPECT_EQ(allocations_of(core, Message{"$dps/registrations/res/200/?$rid=1", ByteView(assigned)}, bench.now), 0u);
    EXPECT_EQ(allocations_of(core, Message{"$dps/registrations/res/200/?$rid=2", ByteView(assigned)}, bench.now), 0u);
    EXPECT_EQ(allocations_of(core, Message{"$iothub/credentials/res/200/?$rid=a", ByteView(issued)}, bench.now), 0u);
    EXPECT_EQ(allocations_of(core, LinkUp{false}, bench.now), 0u);
    EXPECT_EQ(allocations_of(core, Subscribed{true}, bench.now), 0u);
    EXPECT_EQ(allocations_of(core, Subscribed{true}, bench.now), 0u);
    for (int i = 0; i < 50; ++i) {
      bench.pass(10'000);
      EXPECT_EQ(allocations_of(core, Timer{}, bench.now), 0u);
    }
    EXPECT_EQ(allocations_of(core, LinkEnded{ports::LinkFailure::kRefused, 5}, bench.now), 0u);
    EXPECT_EQ(allocations_of(core, Stop{}, bench.now), 0u);
  }
}

}  // namespace
}  // namespace latchkey::test
