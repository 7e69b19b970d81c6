// SPDX-License-Identifier: Apache-2.0
// The rule about memory, over histories that are made up: what a soak rests on.
#include <gmock/gmock.h>

#include <functional>

#include "boards/fleet/verify/checker.h"

namespace latchkey::boards::fleet::verify {
namespace {

using history::TimeUs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr TimeUs kSecond = 1'000'000;
constexpr TimeUs kEnd = 1000 * kSecond;
constexpr Flat kFlat{3, 300 * kSecond};

// How much "hub process" holds at a second of the run, and as which process.
using Told = std::function<std::optional<history::Process>(int second)>;

// A run of 1,000 seconds without devices, a sample every five of them.
std::vector<std::string> violations_of(const Told& told, std::optional<Flat> flat = kFlat) {
  Checker checker(flat);
  checker.take({0, history::kNoDevice, history::RunBegun{}});
  for (int second = 0; second < 1000; second += 5) {
    if (const auto process = told(second)) checker.take({second * kSecond, history::kNoDevice, *process});
  }
  checker.take({kEnd, history::kNoDevice, history::RunEnded{}});
  const auto verdict = checker.finish();
  std::vector<std::string> texts;
  for (const auto& violation : verdict.violations) {
    EXPECT_EQ(violation.rule, Rule::kMemory);
    texts.push_back(violation.text);
  }
  EXPECT_EQ(verdict.violated(), texts.size());
  return texts;
}

history::Process holding(std::uint64_t kib, std::uint32_t pid = 7) { return {"hub process", pid, kib, 0}; }

TEST(Memory, process_that_stays_as_it_is_is_flat) {
  EXPECT_THAT(violations_of([](int) { return holding(50'000); }), IsEmpty());
}

TEST(Memory, growth_within_the_warm_up_is_none) {
  EXPECT_THAT(violations_of([](int second) { return holding(second < 300 ? 10'000 : 50'000); }), IsEmpty());
}

TEST(Memory, process_that_shrinks_is_flat) {
  EXPECT_THAT(violations_of([](int second) { return holding(90'000 - static_cast<unsigned>(second) * 50); }),
              IsEmpty());
}

TEST(Memory, peak_that_goes_again_is_no_leak) {
  EXPECT_THAT(violations_of([](int second) { return holding(second == 990 ? 500'000 : 50'000); }), IsEmpty());
}

TEST(Memory, slow_leak_is_found) {
  const auto leak = [](int second) { return holding(50'000 + static_cast<unsigned>(second) * 5); };
  EXPECT_THAT(violations_of(leak), ElementsAre(HasSubstr("hub process has grown by 5.")));
}

TEST(Memory, growth_just_within_the_limit_is_taken_and_just_beyond_it_not) {
  const auto step = [](std::uint64_t to) { return [to](int second) { return holding(second < 600 ? 100'000 : to); }; };
  EXPECT_THAT(violations_of(step(103'000)), IsEmpty());
  EXPECT_THAT(violations_of(step(103'010)), ElementsAre(HasSubstr("from 100000 to 103010 KiB")));
}

TEST(Memory, process_that_was_replaced_is_found_though_it_holds_less) {
  EXPECT_THAT(violations_of([](int second) { return holding(50'000, second < 700 ? 7 : 8); }),
              ElementsAre(HasSubstr("was replaced")));
}

TEST(Memory, replacement_within_the_warm_up_is_none_of_the_rules_business) {
  EXPECT_THAT(violations_of([](int second) { return holding(50'000, second < 100 ? 7 : 8); }), IsEmpty());
}

TEST(Memory, process_that_falls_silent_is_found) {
  const auto told = [](int second) { return second < 900 ? std::optional(holding(50'000)) : std::nullopt; };
  EXPECT_THAT(violations_of(told), ElementsAre(HasSubstr("nothing is told in the end")));
}

TEST(Memory, samples_that_were_taken_out_are_missed) {
  const auto told = [](int second) {
    return second % 200 == 0 || second > 990 ? std::optional(holding(1)) : std::nullopt;
  };
  EXPECT_THAT(violations_of(told), ElementsAre(HasSubstr("too little is told")));
}

TEST(Memory, history_without_any_sample_is_no_proof) {
  EXPECT_THAT(violations_of([](int) { return std::nullopt; }), ElementsAre(HasSubstr("nothing is told")));
}

TEST(Memory, is_not_judged_unless_it_is_asked_for) {
  EXPECT_THAT(violations_of([](int second) { return holding(1'000 + static_cast<unsigned>(second)); }, {}), IsEmpty());
}

}  // namespace
}  // namespace latchkey::boards::fleet::verify
