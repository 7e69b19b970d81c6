// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/end_signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace latchkey::hub::app {
namespace {

TEST(EndSignals, each_of_them_asks_for_the_end) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    EndSignals signals;
    const auto end = signals.token();
    EXPECT_FALSE(end.stop_requested());
    ASSERT_EQ(::kill(::getpid(), number), 0);
    signals.wait();
    EXPECT_TRUE(end.stop_requested()) << number;
    signals.wait();  // it has come: returns at once
  }
}

TEST(EndSignals, nobody_has_to_ask) {
  std::stop_token end;
  {
    EndSignals signals;
    end = signals.token();
    EXPECT_FALSE(end.stop_requested());
  }
  EXPECT_TRUE(end.stop_requested()) << "who still looks is told to end";
}

}  // namespace
}  // namespace latchkey::hub::app
