// SPDX-License-Identifier: Apache-2.0
// One device against a scripted DPS and hub, for the scenarios of its life.
#pragma once

#include <gtest/gtest.h>

#include "tests/unit/agent/core/device.h"

namespace latchkey::test {

struct Life : testing::Test {
  World world;
  Device device{world};

  void TearDown() override { EXPECT_EQ(device.summary().broken_promises, 0u); }
  const sim::ScriptedLink::Connect& last_connect() { return device.link.connects.back(); }
};

}  // namespace latchkey::test
