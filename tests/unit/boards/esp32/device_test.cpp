// SPDX-License-Identifier: Apache-2.0
// The composed board over the fakes; its life against a real hub is tests/integration/esp32_test.cpp.
#include "boards/esp32/main/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/esp_idf/nvs.h"

namespace latchkey::boards::esp32 {
namespace {

using test::esp::Nvs;
using testing::Contains;
using testing::HasSubstr;

std::vector<std::string> g_log;
void write_down(std::string_view line) { g_log.emplace_back(line); }

TEST(Device, without_a_way_to_provisioning_it_says_so_and_tries_again) {
  g_log.clear();
  Nvs::the().reset();
  const auto put = [](const char* key, const char* text) {
    Nvs::the().put_text(Settings::kPartition, Settings::kNamespace, key, text);
  };
  put("registration-id", "pump-17");
  put("id-scope", "0ne00ABCDEF");
  put("dps", "127.0.0.1:1");
  put("trust", "no certificate");
  put("key", "c2l4dGVlbiBieXRlcyAhISE=");
  auto settings = std::make_unique<Settings>();
  ASSERT_EQ(settings->load(), nullptr);
  auto device = std::make_unique<Device>(*settings, write_down);
  ASSERT_EQ(device->start(), nullptr);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (device->state() != agent::State::kDpsWait && std::chrono::steady_clock::now() < deadline) device->turn();
  EXPECT_EQ(device->state(), agent::State::kDpsWait);
  EXPECT_THAT(g_log, Contains(HasSubstr("off -> making-key")));
  EXPECT_THAT(g_log, Contains(HasSubstr("-> dps-wait")));
  device->stop();
  while (device->state() != agent::State::kStopped && std::chrono::steady_clock::now() < deadline) device->turn();
  device->turn();
  EXPECT_THAT(g_log, Contains(HasSubstr("status {\"state\":\"stopped\"")));
  for (const auto& line : g_log) EXPECT_EQ(line.find("c2l4dGVl"), std::string::npos) << line;
}

TEST(Device, storage_that_cannot_be_opened_is_told) {
  Nvs::the().reset();
  Settings settings;
  Device device(settings, write_down);
  Nvs::the().cut_power_at(1, test::esp::NvsCut::kBefore);
  esp_idf::NvsSpace space;
  ASSERT_TRUE(space.open("x"));
  EXPECT_FALSE(space.write_number("x", 1));
  EXPECT_THAT(std::string(device.start()), HasSubstr("nvs"));
}

}  // namespace
}  // namespace latchkey::boards::esp32
