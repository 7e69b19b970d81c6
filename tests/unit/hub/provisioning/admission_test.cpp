// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/admission.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>

namespace latchkey::hub::provisioning {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

// Jobs that do nothing until they are let go.
class Gatekeeper {
 public:
  std::function<void()> job(const std::string& name = {}) {
    return [this, name] {
      std::unique_lock lock(mutex_);
      ++begun_;
      order_ += name;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_ || allowed_ > 0; });
      if (!open_) --allowed_;
      ++ended_;
      changed_.notify_all();
    };
  }
  bool wait_begun(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return begun_ >= count; });
  }
  bool wait_ended(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return ended_ >= count; });
  }
  void let_go(int count) {
    const std::lock_guard lock(mutex_);
    allowed_ += count;
    changed_.notify_all();
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int begun() {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  std::string order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int begun_ = 0;
  int ended_ = 0;
  int allowed_ = 0;
  bool open_ = false;
  std::string order_;
};

class AdmissionTest : public testing::Test {
 protected:
  // Jobs that are held up would hold up the end, too.
  ~AdmissionTest() override { keeper.open(); }
  Admission& made(Admission::Options options) {
    admission_ = std::make_unique<Admission>(std::move(options));
    return *admission_;
  }
  Admission::Options options(std::size_t servers, std::size_t waiting) {
    Admission::Options chosen;
    chosen.servers = servers;
    chosen.most_waiting = waiting;
    chosen.monotonic_ms = [this] { return now.load(); };
    return chosen;
  }
  Gatekeeper keeper;
  std::atomic<std::uint64_t> now{1'000'000};
  std::atomic<bool> live{false};

 private:
  std::unique_ptr<Admission> admission_;  // goes first
};

TEST_F(AdmissionTest, calm_hub_takes_everything_at_once_and_asks_nobody_to_wait) {
  Admission& admission = made(options(4, 100));
  keeper.open();
  for (int i = 1; i <= 200; ++i) {
    ASSERT_EQ(admission.admit("a", 100, keeper.job()), std::nullopt);
    ASSERT_TRUE(keeper.wait_ended(i));
  }
  const auto figures = admission.figures();
  EXPECT_EQ(figures.admitted, 200U);
  EXPECT_EQ(figures.turned_away, 0U);
  EXPECT_EQ(figures.retry_after_s, 0U);
  EXPECT_EQ(figures.waiting, 0U);
}

TEST_F(AdmissionTest, what_does_not_fit_is_refused_at_once_and_never_run) {
  Admission& admission = made(options(1, 20));
  ASSERT_EQ(admission.admit("a", 1, keeper.job()), std::nullopt);
  ASSERT_TRUE(keeper.wait_begun(1));
  std::atomic<int> ran{0};
  int admitted = 0;
  int refused = 0;
  for (int i = 0; i < 1'000; ++i) {
    const auto away = admission.admit("a", 1, [&ran] { ++ran; });
    away ? ++refused : ++admitted;
    if (away) {
      EXPECT_GE(*away, 1U);
    }
  }
  EXPECT_EQ(admitted, 10) << "half of the room for one group";
  EXPECT_EQ(admission.figures().waiting, 10U);
  EXPECT_EQ(admission.figures().turned_away, 990U);
  EXPECT_GT(admission.figures().retry_after_s, 1U);
  std::promise<void> last;
  ASSERT_EQ(admission.admit("z", 1, [&last] { last.set_value(); }), std::nullopt);
  keeper.open();
  ASSERT_EQ(last.get_future().wait_for(kPatience), std::future_status::ready);
  ASSERT_EQ(admission.admit("z", 1, keeper.job()), std::nullopt) << "there is room again";
  ASSERT_TRUE(keeper.wait_ended(2));
  while (admission.figures().waiting != 0 || admission.figures().running != 0) std::this_thread::yield();
  EXPECT_EQ(ran, 10);
}

TEST_F(AdmissionTest, bytes_are_bounded_too) {
  auto bounded = options(1, 1'000);
  bounded.most_bytes = 1'000;
  Admission& admission = made(bounded);
  ASSERT_EQ(admission.admit("a", 1, keeper.job()), std::nullopt);
  ASSERT_TRUE(keeper.wait_begun(1));
  for (int i = 0; i < 5; ++i) ASSERT_EQ(admission.admit("a", 100, keeper.job()), std::nullopt) << i;
  EXPECT_NE(admission.admit("a", 100, keeper.job()), std::nullopt);
  EXPECT_EQ(admission.admit("b", 100, keeper.job()), std::nullopt);
}

TEST_F(AdmissionTest, wave_of_one_policy_does_not_hold_up_another) {
  Admission& admission = made(options(1, 100));
  ASSERT_EQ(admission.admit("wave", 1, keeper.job("w")), std::nullopt);
  ASSERT_TRUE(keeper.wait_begun(1));
  while (!admission.admit("wave", 1, keeper.job("w"))) continue;
  for (int i = 0; i < 3; ++i) ASSERT_EQ(admission.admit("other", 1, keeper.job("o")), std::nullopt);
  keeper.let_go(7);
  ASSERT_TRUE(keeper.wait_begun(7));
  EXPECT_EQ(keeper.order().substr(0, 7), "wwowowo");
}

TEST_F(AdmissionTest, those_turned_away_come_back_over_a_time_and_not_at_once) {
  Admission& admission = made(options(1, 4));
  ASSERT_EQ(admission.admit("a", 1, keeper.job()), std::nullopt);
  ASSERT_TRUE(keeper.wait_begun(1));
  std::map<std::uint32_t, int> told;
  for (int i = 0; i < 2'000; ++i) {
    if (const auto away = admission.admit("a", 1, keeper.job())) ++told[*away];
  }
  EXPECT_GT(told.size(), 10U);
  for (const auto& [second, count] : told) EXPECT_LT(count, 200) << second;
}

TEST_F(AdmissionTest, slow_service_makes_the_queue_short) {
  auto slow = options(1, 1'000);
  slow.most_wait_s = 1;
  Admission& admission = made(slow);
  // One that takes a tenth of a second: ten in a second, of which one group may have a part.
  std::promise<void> done;
  ASSERT_EQ(admission.admit("a", 1,
                            [&done] {
                              std::this_thread::sleep_for(std::chrono::milliseconds(100));
                              done.set_value();
                            }),
            std::nullopt);
  ASSERT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
  while (admission.figures().per_second == 0) std::this_thread::yield();
  ASSERT_LE(admission.figures().per_second, 10.0);
  ASSERT_EQ(admission.admit("a", 1, keeper.job()), std::nullopt);
  ASSERT_TRUE(keeper.wait_begun(1));
  int admitted = 0;
  while (!admission.admit("a", 1, keeper.job())) ++admitted;
  EXPECT_LE(admitted, 5);
  EXPECT_GE(admitted, 1);
}

TEST_F(AdmissionTest, crowd_is_told_before_anybody_is_turned_away) {
  std::atomic<int> crowded{0};
  auto told = options(1, 40);
  told.crowded = [&crowded] { ++crowded; };
  Admission& admission = made(told);
  ASSERT_EQ(admission.admit("a", 1, keeper.job()), std::nullopt);
  ASSERT_TRUE(keeper.wait_begun(1));
  EXPECT_EQ(crowded, 0);
  int before = 0;
  while (crowded == 0) {
    ASSERT_EQ(admission.admit("a", 1, keeper.job()), std::nullopt);
    ++before;
  }
  EXPECT_GT(before, 10);
  EXPECT_EQ(admission.figures().turned_away, 0U);
}

TEST_F(AdmissionTest, live_sessions_go_first_and_yet_it_goes_on) {
  live = true;
  auto beside = options(8, 100);
  beside.live_waits = [this] { return live.load(); };
  Admission& admission = made(beside);
  for (int i = 0; i < 8; ++i) ASSERT_EQ(admission.admit("a", 1, keeper.job()), std::nullopt);
  ASSERT_TRUE(keeper.wait_begun(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // enough for any other to begin, if it would
  EXPECT_EQ(keeper.begun(), 2) << "one server in four";
  keeper.let_go(1);
  ASSERT_TRUE(keeper.wait_begun(3));
  live = false;
  ASSERT_TRUE(keeper.wait_begun(8));
}

TEST_F(AdmissionTest, stop_ends_what_runs_and_drops_what_waits) {
  Admission& admission = made(options(1, 100));
  std::atomic<int> ran{0};
  ASSERT_EQ(admission.admit("a", 1, keeper.job()), std::nullopt);
  ASSERT_TRUE(keeper.wait_begun(1));
  for (int i = 0; i < 10; ++i) ASSERT_EQ(admission.admit("a", 1, [&ran] { ++ran; }), std::nullopt);
  std::thread stopping([&] { admission.stop(); });
  while (admission.figures().waiting != 0) std::this_thread::yield();
  keeper.open();
  stopping.join();
  EXPECT_EQ(ran, 0);
  EXPECT_NE(admission.admit("a", 1, [&ran] { ++ran; }), std::nullopt) << "nobody would run it";
  EXPECT_EQ(ran, 0);
}

}  // namespace
}  // namespace latchkey::hub::provisioning
