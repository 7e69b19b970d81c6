// SPDX-License-Identifier: Apache-2.0
// The whole life of the ESP32's program against a real `latchkey up`: provisioned with a key that it made, connected,
// restarted without a write, revoked and refused with CONNACK 5, back with a new certificate, with the plug pulled in
// between. It is the code that runs on the board; what is behind the vendor's calls are fakes (tests/support/esp_idf).
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "boards/esp32/main/device.h"
#include "tests/support/esp_idf/nvs.h"
#include "tests/support/hub.h"

namespace latchkey::tests {
namespace {

using boards::esp32::Device;
using boards::esp32::Settings;
using test::esp::Nvs;

constexpr const char* kId = "esp-1";

std::vector<std::string> g_log;
void write_down(std::string_view line) { g_log.emplace_back(line); }

std::string all_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

// HMAC-SHA256 of the id under the group's key, both as the enrollment has them.
std::string device_key(const std::string& group_key) {
  std::array<std::uint8_t, 64> group{};
  const auto size = base64_decode(group_key, group);
  std::array<std::uint8_t, 32> derived{};
  unsigned derived_size = 0;
  const std::string id = kId;
  HMAC(EVP_sha256(), group.data(), static_cast<int>(*size), reinterpret_cast<const std::uint8_t*>(id.data()), id.size(),
       derived.data(), &derived_size);
  std::array<std::uint8_t, 64> text{};
  const auto written = base64_encode(derived, text);
  return std::string(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*written));
}

class Esp32 : public testing::Test {
 protected:
  void SetUp() override {
    g_log.clear();
    hub_.start();
    key_ = device_key(hub_.group_key());
    Nvs::the().reset();
    put("registration-id", kId);
    put("id-scope", hub_.id_scope());
    put("dps", hub_.dps_host() + ":" + std::to_string(hub_.dps_port()));
    put("trust", read_text(hub_.ca_file()));
    put("key", key_);
  }
  static void put(const char* name, const std::string& text) {
    Nvs::the().put_text(Settings::kPartition, Settings::kNamespace, name, text);
  }
  // Power off and on.
  void restart() {
    device_.reset();
    Nvs::the().restart();
    settings_ = std::make_unique<Settings>();
    ASSERT_EQ(settings_->load(), nullptr);
    device_ = std::make_unique<Device>(*settings_, write_down);
    ASSERT_EQ(device_->start(), nullptr);
  }
  bool await(const std::function<bool()>& seen) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!seen()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      device_->turn();
    }
    return true;
  }
  bool await_live(std::uint32_t generation) {
    return await([&] {
      const auto& now = device_->summary();
      return now.state == agent::State::kLive && now.credential != nullptr && now.credential->generation == generation;
    });
  }
  void revoke() {
    const auto done = hub_.cli({"device", "revoke", "-n", kId, "-y"});
    ASSERT_EQ(done.exit_status, 0) << done.err;
  }

  Hub hub_;
  std::string key_;
  std::unique_ptr<Settings> settings_;
  std::unique_ptr<Device> device_;
};

TEST_F(Esp32, is_provisioned_connected_revoked_and_back) {
  restart();
  ASSERT_TRUE(await_live(1)) << all_of(g_log);
  const unsigned written = Nvs::the().changes();

  restart();
  ASSERT_TRUE(await_live(1)) << all_of(g_log);
  EXPECT_EQ(Nvs::the().changes(), written) << "a plain reconnect writes nothing";

  revoke();
  ASSERT_TRUE(await_live(2)) << all_of(g_log);
  EXPECT_EQ(device_->summary().last_refusal.connack, 5u);

  // The plug is pulled in each change of a return to service.
  std::uint32_t generation = 2;
  for (unsigned change = 1; change <= 8; ++change) {
    revoke();
    Nvs::the().cut_power_at(change, test::esp::NvsCut::kMiddle);
    ASSERT_TRUE(await([&] {
      return !Nvs::the().has_power() ||
             (device_->summary().credential != nullptr && device_->summary().credential->generation > generation &&
              device_->state() == agent::State::kLive);
    })) << all_of(g_log);
    if (Nvs::the().has_power()) break;
    restart();
    ASSERT_TRUE(await([&] { return device_->state() == agent::State::kLive; })) << all_of(g_log);
    generation = device_->summary().credential->generation;
  }
  const std::string said = all_of(g_log);
  EXPECT_EQ(said.find(key_), std::string::npos);
  EXPECT_EQ(said.find("PRIVATE"), std::string::npos);
  EXPECT_EQ(said.find("SharedAccessSignature"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::tests
