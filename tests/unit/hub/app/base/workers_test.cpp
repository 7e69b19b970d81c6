// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/workers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>

namespace latchkey::hub::app {
namespace {

TEST(Workers, jobs_of_one_key_run_in_the_order_in_which_they_were_posted) {
  constexpr std::uint64_t kKeys = 50;
  constexpr int kJobs = 200;
  std::map<std::uint64_t, std::vector<int>> seen;
  for (std::uint64_t key = 0; key < kKeys; ++key) seen[key] = {};
  {
    Workers workers(4);
    for (int job = 0; job < kJobs; ++job) {
      for (std::uint64_t key = 0; key < kKeys; ++key)
        workers.post(key, [&seen, key, job] { seen[key].push_back(job); });
    }
    workers.stop();
  }
  for (const auto& [key, jobs] : seen) {
    ASSERT_EQ(jobs.size(), static_cast<std::size_t>(kJobs));
    EXPECT_TRUE(std::is_sorted(jobs.begin(), jobs.end())) << key;
  }
}

TEST(Workers, a_blocked_job_does_not_hold_up_other_lanes) {
  Workers workers(8);
  std::promise<void> release;
  auto released = release.get_future().share();
  workers.post(0, [released] { released.wait(); });
  std::atomic<int> others{0};
  std::promise<void> many;
  // some of these keys share the blocked lane, most do not
  for (std::uint64_t key = 1; key <= 64; ++key) {
    workers.post(key, [&] {
      if (++others == 32) many.set_value();
    });
  }
  EXPECT_EQ(many.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  release.set_value();
  workers.stop();
  EXPECT_EQ(others, 64);
}

TEST(Workers, stop_runs_what_is_queued_and_drops_what_comes_later) {
  Workers workers(2);
  std::atomic<int> ran{0};
  for (std::uint64_t key = 0; key < 100; ++key) workers.post(key, [&] { ++ran; });
  workers.stop();
  EXPECT_EQ(ran, 100);
  workers.post(1, [&] { ++ran; });
  workers.stop();
  EXPECT_EQ(ran, 100);
}

}  // namespace
}  // namespace latchkey::hub::app
