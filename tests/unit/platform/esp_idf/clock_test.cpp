// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/clock.h"

#include <gtest/gtest.h>

#include <set>

#include "platform/esp_idf/entropy.h"

namespace latchkey::esp_idf {
namespace {

TEST(EspClock, is_set_when_the_machine_has_the_time) {
  const EspClock clock;
  EXPECT_EQ(clock.is_set(), clock.now() >= 1'767'225'600'000);
  EXPECT_GT(clock.now(), 0);
}

TEST(EspClock, monotonic_time_does_not_go_back) {
  const EspClock clock;
  const auto first = clock.monotonic();
  EXPECT_LE(first, clock.monotonic());
}

TEST(EspEntropy, gives_different_numbers) {
  EspEntropy entropy;
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 16; ++i) seen.insert(entropy.next());
  EXPECT_GT(seen.size(), 1u);
}

}  // namespace
}  // namespace latchkey::esp_idf
