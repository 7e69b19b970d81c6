// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/history/histogram.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace latchkey::boards::fleet::history {
namespace {

TEST(Histogram, small_values_are_exact) {
  for (std::int64_t value = 0; value < 128; ++value) {
    EXPECT_EQ(Histogram::highest_of(Histogram::bucket_of(value)), value);
  }
}

TEST(Histogram, buckets_cover_all_values_without_gaps) {
  std::int64_t expected = 0;  // the first value of each bucket is the one behind the last of the bucket before
  for (std::uint32_t bucket = 0; bucket < Histogram::buckets(); ++bucket) {
    EXPECT_EQ(Histogram::bucket_of(expected), bucket);
    EXPECT_EQ(Histogram::bucket_of(Histogram::highest_of(bucket)), bucket);
    expected = Histogram::highest_of(bucket) + 1;
  }
  EXPECT_EQ(expected, Histogram::kMost + 1);
}

TEST(Histogram, is_never_below_the_truth_and_at_most_a_64th_above) {
  std::mt19937_64 dice(4711);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<std::int64_t>(dice() >> (22 + dice() % 42));
    const auto told = Histogram::highest_of(Histogram::bucket_of(value));
    ASSERT_GE(told, value);
    ASSERT_LE(told - value, value / 64) << value;
  }
}

TEST(Histogram, percentiles_are_those_of_the_sorted_values) {
  Histogram histogram;
  for (std::int64_t value = 100; value >= 1; --value) histogram.add(value);
  EXPECT_EQ(histogram.percentile(0.5), 50);
  EXPECT_EQ(histogram.percentile(0.9), 90);
  EXPECT_EQ(histogram.percentile(0.99), 99);
  EXPECT_EQ(histogram.percentile(0.991), 100);
  EXPECT_EQ(histogram.percentile(0), 1);
  EXPECT_EQ(histogram.percentile(1), 100);
  EXPECT_EQ(histogram.max(), 100);
}

TEST(Histogram, agrees_with_a_sorted_list) {
  std::mt19937_64 dice(99);
  std::lognormal_distribution<double> durations(10, 2);
  std::vector<std::int64_t> all;
  Histogram histogram;
  for (int i = 0; i < 10'000; ++i) {
    all.push_back(static_cast<std::int64_t>(durations(dice)));
    histogram.add(all.back());
  }
  std::sort(all.begin(), all.end());
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto truth = all[static_cast<std::size_t>(std::ceil(share * 10'000)) - 1];
    ASSERT_TRUE(histogram.percentile(share).has_value());
    EXPECT_GE(*histogram.percentile(share), truth);
    EXPECT_LE(*histogram.percentile(share), truth + truth / 64);
  }
}

TEST(Histogram, an_empty_one_has_no_percentiles) {
  EXPECT_EQ(Histogram{}.percentile(0.5), std::nullopt);
  EXPECT_EQ(Histogram{}.max(), 0);
}

TEST(Histogram, the_maximum_is_not_rounded) {
  Histogram histogram;
  histogram.add(1'000'001);
  EXPECT_EQ(histogram.max(), 1'000'001);
  EXPECT_EQ(histogram.percentile(0.5), 1'000'001);
}

TEST(Histogram, those_that_have_not_ended_lie_beyond_all_others) {
  Histogram histogram;
  histogram.add(10, 90);
  EXPECT_EQ(histogram.percentile(0.9, 10), 10);
  EXPECT_EQ(histogram.percentile(0.91, 10), std::nullopt);
  EXPECT_EQ(Histogram{}.percentile(0.5, 3), std::nullopt);
}

TEST(Histogram, values_out_of_range_count_at_its_ends) {
  Histogram histogram;
  histogram.add(-5);
  EXPECT_EQ(histogram.percentile(1), 0);
  histogram.add(Histogram::kMost + 1000);
  EXPECT_EQ(histogram.max(), Histogram::kMost);
  EXPECT_EQ(histogram.count(), 2);
}

TEST(Histogram, a_sum_counts_what_its_parts_counted) {
  Histogram a;
  Histogram b;
  a.add(5, 3);
  b.add(500'000, 2);
  a.add(b);
  EXPECT_EQ(a.count(), 5);
  EXPECT_EQ(a.max(), 500'000);
  EXPECT_EQ(a.percentile(0.6), 5);
  EXPECT_THAT(a.used(), testing::ElementsAre(testing::Pair(5, 3), testing::Pair(Histogram::bucket_of(500'000), 2)));
  a.clear();
  EXPECT_TRUE(a.empty());
  EXPECT_THAT(a.used(), testing::IsEmpty());
}

}  // namespace
}  // namespace latchkey::boards::fleet::history
