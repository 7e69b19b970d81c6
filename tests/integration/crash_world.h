// SPDX-License-Identifier: Apache-2.0
// A hub that is killed in the middle of acts, and what must hold of its data folder afterwards whatever it was doing.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/crash_prober.h"
#include "tests/integration/hub_cohort.h"
#include "tests/support/hub.h"

namespace latchkey::tests {

class CrashWorld : public testing::Test {
 protected:
  using Pids = std::pair<int, int>;  // of the DPS and the hub broker
  static constexpr int kMoments = 10;

  void SetUp() override;
  void TearDown() override;

  Pids broker_pids();
  // Runs `act` and kills the hub process after `delay_us`, or (nothing given) as soon as the act was acknowledged.
  // True when it was acknowledged. `gone` tells the act that nobody will answer any more.
  bool act_and_kill(const std::function<bool()>& act, std::optional<long> delay_us, std::atomic<bool>* gone = nullptr);
  static constexpr int kMeasurements = 5;
  // How long the act takes undisturbed, in microseconds: the median.
  static long measure(const std::function<void(int)>& act);
  // The next hub process: same brokers, a sound registry, keys and lists that agree with it.
  void restart_and_check();
  void check_keys();
  void check_lists();

  std::string sql(const std::string& statement);  // one value; several rows: a line each
  bool command(std::vector<std::string> arguments) { return hub_.cli(std::move(arguments)).exit_status == 0; }
  Seen seen(const std::string& id, const Identity& identity);
  void expect_no_faults();

  Hub hub_;
  Pids pids_;
  Identity bystander_;
  std::unique_ptr<CrashProber> prober_;
};

}  // namespace latchkey::tests
