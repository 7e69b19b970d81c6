// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/turnstile.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "platform/sim/clock.h"

namespace latchkey::boards::fleet::swarm {
namespace {

struct Guest final : Turnstile::Guest {
  void on_turn() override { inside = true; }
  bool inside = false;
};

// Many who want through, and a server that takes as long for each as it is told.
class Crowd {
 public:
  Crowd(std::size_t most, std::size_t guests) : turnstile_(loop_, most) {
    for (std::size_t i = 0; i < guests; ++i) {
      guests_.push_back(std::make_unique<Guest>());
      guests_.back()->inside = turnstile_.enter(*guests_.back());
    }
  }
  // All who are inside get through, so late.
  void serve(ports::MonotonicMs after) {
    clock_.advance(after);
    for (const auto& guest : guests_) {
      if (!std::exchange(guest->inside, false)) continue;
      turnstile_.leave(*guest);
      ++served_;
    }
    loop_.turn(0);
  }
  std::size_t served() const { return served_; }
  const Turnstile& turnstile() const { return turnstile_; }

 private:
  sim::SimClock clock_;
  EventLoop loop_{clock_};
  Turnstile turnstile_;
  std::vector<std::unique_ptr<Guest>> guests_;
  std::size_t served_ = 0;
};

TEST(TurnstileTest, quick_server_is_given_all_that_the_limit_allows) {
  Crowd crowd(10, 45);
  for (int round = 0; round < 5; ++round) {
    EXPECT_LE(crowd.turnstile().inside(), 10u);
    crowd.serve(20);
  }
  EXPECT_EQ(crowd.served(), 45u);
  EXPECT_EQ(crowd.turnstile().inside() + crowd.turnstile().waiting(), 0u);
}

TEST(TurnstileTest, slow_server_sees_fewer_at_a_time_but_never_nobody) {
  Crowd crowd(100, 2'000);
  crowd.serve(Turnstile::kSlowMs + 1);
  EXPECT_EQ(crowd.turnstile().allowed(), 75u);  // once for all who were inside together
  EXPECT_EQ(crowd.turnstile().inside(), 75u);
  for (int round = 0; round < 20; ++round) crowd.serve(Turnstile::kSlowMs + 1);
  EXPECT_EQ(crowd.turnstile().allowed(), Turnstile::kFewest);
  EXPECT_EQ(crowd.turnstile().inside(), Turnstile::kFewest);
}

TEST(TurnstileTest, server_that_has_become_quick_again_sees_more) {
  Crowd crowd(100, 5'000);
  for (int round = 0; round < 20; ++round) crowd.serve(Turnstile::kSlowMs + 1);
  for (int round = 0; round < 10; ++round) crowd.serve(20);
  EXPECT_EQ(crowd.turnstile().allowed(), 100u);
}

TEST(TurnstileTest, limit_below_the_fewest_is_kept) {
  Crowd crowd(2, 20);
  crowd.serve(Turnstile::kSlowMs + 1);
  EXPECT_EQ(crowd.turnstile().inside(), 2u);
}

TEST(TurnstileTest, without_a_limit_nobody_waits) {
  Crowd crowd(0, 500);
  EXPECT_EQ(crowd.turnstile().inside(), 500u);
  crowd.serve(Turnstile::kSlowMs + 1);
  EXPECT_EQ(crowd.served(), 500u);
}

}  // namespace
}  // namespace latchkey::boards::fleet::swarm
