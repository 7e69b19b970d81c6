// SPDX-License-Identifier: Apache-2.0
// The whole life of the ESP32's program against a real `latchkey up`: provisioned with a key that it made, connected,
// restarted without a write, revoked and refused with CONNACK 5, back with a new certificate, with the plug pulled in
// between; and it takes firmware that the hub's signing service has signed. It is the code that runs on the board; what
// is behind the vendor's calls are fakes (tests/support/esp_idf).
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "boards/esp32/main/device.h"
#include "platform/crypto/pem.h"
#include "tests/support/contoso.h"
#include "tests/support/esp_idf/nvs.h"
#include "tests/support/esp_idf/ota.h"
#include "tests/support/hub.h"

namespace latchkey::tests {
namespace {

using boards::esp32::Device;
using boards::esp32::Settings;
using test::esp::Nvs;
using test::esp::Ota;

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
  explicit Esp32(const Hub::Options& options = {}) : hub_(options) {}

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
    Ota::the().restart();
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

// Its firmware: an account at the hub's signing service, whose bundles this board takes.
class Esp32Firmware : public Esp32 {
 protected:
  static constexpr std::uint32_t kSlotSize = 256 * 1024;
  static constexpr const char* kBoard = "pump-2";
  using Bytes = std::vector<std::uint8_t>;

  Esp32Firmware() : Esp32(hub_that_signs()) {}

  void SetUp() override {
    Esp32::SetUp();
    Ota::the().reset(kSlotSize);
    make_profile(hub_, "Factory", "contoso", "release");
    make_signer(hub_, "signer", path("token"));
    bundle_ = sign("1.1.0", 40'000);
    trust();
  }
  std::string path(const std::string& name) const { return (hub_.work() / name).string(); }
  // Begins as ESP-IDF's images do.
  static std::string image(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
    bytes[0] = static_cast<char>(test::esp::kImageMagic);
    return bytes;
  }
  // The bundle's file.
  std::string sign(const std::string& version, std::size_t size) {
    const std::string file = path("firmware-" + version);
    std::ofstream(file, std::ios::binary) << image(size);
    const auto done = hub_.cli({"sign", file, "--board", kBoard, "--version", version, "--account", "contoso",
                                "--profile", "release", "--token-file", path("token")});
    EXPECT_EQ(done.exit_status, 0) << done.err;
    return file + ".lkb";
  }
  static Bytes ders(const std::string& pem, std::string_view label) {
    Bytes all;
    std::string_view rest = pem;
    for (;;) {
      Bytes der(rest.size());
      const auto block = crypto::pem_decode(rest, label, MutableBytes(der.data(), der.size()));
      if (!block) return all;
      all.insert(all.end(), der.begin(), der.begin() + static_cast<std::ptrdiff_t>(block->der_size));
      rest.remove_prefix(block->consumed);
    }
  }
  // The onboarding image's part of it, as its script makes it.
  void trust() {
    const auto certificate = hub_.json({"signing", "certificate", "list", "-g", "Factory", "--account-name", "contoso",
                                        "--profile-name", "release"})
                                 .at("value")
                                 .at(0);
    ASSERT_EQ(hub_.cli({"firmware", "statement-key", "--out", path("statements.pem")}).exit_status, 0);
    const std::string made = path("onboarding.csv");
    std::ofstream(path("generator.py")) << "import shutil, sys\nshutil.copyfile(sys.argv[2], sys.argv[3])\n";
    std::ofstream(path("key")) << key_;
    std::filesystem::permissions(path("key"), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const auto done = run({LATCHKEY_PYTHON,
                           LATCHKEY_ONBOARDING_SCRIPT,
                           "--registration-id",
                           kId,
                           "--trust",
                           hub_.ca_file(),
                           "--key-file",
                           path("key"),
                           "--firmware-board",
                           kBoard,
                           "--firmware-roots",
                           (hub_.data() / "signing/roots.pem").string(),
                           "--firmware-timestamp-roots",
                           (hub_.data() / "signing/timestamp-roots.pem").string(),
                           "--firmware-statement-key",
                           path("statements.pem"),
                           "--firmware-pin",
                           certificate.at("enhancedKeyUsage"),
                           "--generator",
                           path("generator.py"),
                           "--output",
                           made},
                          60'000);
    ASSERT_EQ(done.exit_status, 0) << done.err;
    std::istringstream rows(read_text(made));
    for (std::string row; std::getline(rows, row);) {
      if (row.ends_with('\r')) row.pop_back();
      const auto name = row.substr(0, row.find(','));
      const auto value = row.substr(row.rfind(',') + 1);
      if (name == "firmware-board") put("firmware-board", value);
      if (row.find(",base64,") == std::string::npos) continue;
      Bytes bytes(value.size());
      const auto size = base64_decode(value, MutableBytes(bytes.data(), bytes.size()));
      ASSERT_TRUE(size) << row;
      bytes.resize(*size);
      Nvs::the().put_blob(Settings::kPartition, Settings::kNamespace, name, bytes);
    }
  }
  std::string publish(const std::string& bundle) {
    return hub_.json({"firmware", "publish", bundle, "--devices", kId}).at("name");
  }
  bool hub_knows_that_it_runs(const std::string& campaign) {
    return await([&] {
      return hub_.json({"firmware", "status", campaign}).at("properties").at("progress").at("running") == 1;
    });
  }
  bool await_line(const std::string& words) {
    return await([&] { return all_of(g_log).find(words) != std::string::npos; });
  }
  void await_restart() {
    ASSERT_TRUE(await([&] { return device_->restart_due(); })) << all_of(g_log);
    restart();
  }

  std::string bundle_;
};

TEST_F(Esp32Firmware, is_fetched_judged_tried_and_confirmed) {
  restart();
  ASSERT_TRUE(await_live(1)) << all_of(g_log);
  const std::string campaign = publish(bundle_);
  await_restart();
  const std::string wanted = image(40'000);
  const auto& slot = Ota::the().slot(1);
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), slot.begin(),
                         [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; }));
  EXPECT_EQ(Ota::the().running(), 1);
  ASSERT_TRUE(hub_knows_that_it_runs(campaign)) << all_of(g_log);
  restart();
  ASSERT_TRUE(await_live(1)) << all_of(g_log);
  EXPECT_EQ(Ota::the().running(), 1) << "it was confirmed, and stays";
}

TEST_F(Esp32Firmware, that_does_not_come_to_its_hub_is_gone_back_from) {
  restart();
  ASSERT_TRUE(await_live(1)) << all_of(g_log);
  publish(bundle_);
  await_restart();
  EXPECT_EQ(Ota::the().running(), 1) << "on trial";
  restart();  // as after a crash
  EXPECT_EQ(Ota::the().running(), 0);
  ASSERT_TRUE(await_line("not confirmed")) << all_of(g_log);
  ASSERT_TRUE(await_live(1)) << all_of(g_log);
}

TEST_F(Esp32Firmware, of_which_a_bit_was_changed_is_refused) {
  restart();
  ASSERT_TRUE(await_live(1)) << all_of(g_log);
  const auto file = path("changed.lkb");
  std::string bytes = read_text(bundle_);
  bytes[bytes.size() - 5000] = static_cast<char>(bytes[bytes.size() - 5000] ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
  EXPECT_NE(hub_.cli({"firmware", "publish", file, "--devices", kId}).exit_status, 0) << "the hub looks, too";
  // The hub gives out something else than it took.
  publish(bundle_);
  for (const auto& entry : std::filesystem::directory_iterator(hub_.data() / "firmware")) {
    if (std::filesystem::file_size(entry) != bytes.size()) continue;
    std::ofstream(entry.path(), std::ios::binary) << bytes;
  }
  ASSERT_TRUE(await_line("refused")) << all_of(g_log);
  EXPECT_FALSE(device_->restart_due());
  EXPECT_EQ(Ota::the().running(), 0);
}

}  // namespace
}  // namespace latchkey::tests
