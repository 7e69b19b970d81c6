// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/esp_idf/nvs.h"

namespace latchkey::boards::esp32 {
namespace {

using test::esp::Nvs;
using testing::HasSubstr;

const std::string kKey = "c2l4dGVlbiBieXRlcyAhISE=";  // "sixteen bytes !!!"

class SettingsTest : public testing::Test {
 protected:
  void SetUp() override {
    Nvs::the().reset();
    put("registration-id", "pump-17");
    put("id-scope", "0ne00ABCDEF");
    put("trust", "-----BEGIN CERTIFICATE-----\n");
  }
  static void put(const std::string& key, const std::string& text) {
    Nvs::the().put_text(Settings::kPartition, Settings::kNamespace, key, text);
  }
  std::string problem() {
    settings_ = std::make_unique<Settings>();
    const char* const said = settings_->load();
    return said == nullptr ? "" : said;
  }
  std::unique_ptr<Settings> settings_;
};

TEST_F(SettingsTest, image_with_a_key_is_taken) {
  put("key", kKey);
  ASSERT_EQ(problem(), "");
  const auto& config = settings_->config();
  EXPECT_EQ(config.registration_id, "pump-17");
  EXPECT_EQ(config.id_scope, "0ne00ABCDEF");
  EXPECT_EQ(config.onboarding, agent::Onboarding::kSymmetricKey);
  EXPECT_EQ(ByteView(config.symmetric_key).subview(0, config.symmetric_key_size).text(), "sixteen bytes !!!");
  EXPECT_EQ(config.dps.host, "127.0.0.1") << "menuconfig's";
  EXPECT_EQ(config.dps.port, 8883);
  EXPECT_EQ(config.telemetry_interval_ms, 60'000u);
  EXPECT_STREQ(settings_->trust(), "-----BEGIN CERTIFICATE-----\n");
  EXPECT_EQ(settings_->certificate(), nullptr);
  EXPECT_STREQ(settings_->wifi_name(), "network") << "menuconfig's";
  settings_->forget_key();
  for (const auto byte : settings_->config().symmetric_key) EXPECT_EQ(byte, 0);
}

TEST_F(SettingsTest, image_with_a_certificate_is_taken_and_goes_before_menuconfig) {
  put("certificate", "a certificate");
  put("certificate-key", "its key");
  put("dps", "hub.example:9000");
  put("wifi-name", "plant");
  put("wifi-password", "secret");
  ASSERT_EQ(problem(), "");
  EXPECT_EQ(settings_->config().onboarding, agent::Onboarding::kCertificate);
  EXPECT_STREQ(settings_->certificate(), "a certificate");
  EXPECT_STREQ(settings_->certificate_key(), "its key");
  EXPECT_EQ(settings_->config().dps.host, "hub.example");
  EXPECT_EQ(settings_->config().dps.port, 9000);
  EXPECT_STREQ(settings_->wifi_name(), "plant");
  EXPECT_STREQ(settings_->wifi_password(), "secret");
}

TEST_F(SettingsTest, board_without_an_image_says_so) {
  Nvs::the().reset();
  EXPECT_THAT(problem(), HasSubstr("no onboarding image"));
}

TEST_F(SettingsTest, neither_a_key_nor_a_whole_certificate_is_refused_and_so_are_both) {
  EXPECT_THAT(problem(), HasSubstr("a key, or a certificate with its key"));
  put("certificate", "a certificate");
  EXPECT_THAT(problem(), HasSubstr("a key, or a certificate with its key"));
  put("certificate-key", "its key");
  put("key", kKey);
  EXPECT_THAT(problem(), HasSubstr("a key, or a certificate with its key"));
}

TEST_F(SettingsTest, keys_of_another_form_are_refused_and_never_repeated) {
  for (const std::string& wrong : {std::string("not base64"), std::string("c2hvcnQ="), std::string(120, 'A')}) {
    put("key", wrong);
    EXPECT_THAT(problem(), HasSubstr("key is base64 of 16 to 64 bytes"));
    EXPECT_EQ(problem().find(wrong), std::string::npos);
  }
  put("key", std::string(200, 'A'));
  EXPECT_THAT(problem(), HasSubstr("too long or damaged"));
}

TEST_F(SettingsTest, what_is_missing_is_named) {
  put("key", kKey);
  put("id-scope", "");
  EXPECT_THAT(problem(), HasSubstr("id-scope"));
  put("id-scope", "0ne00ABCDEF");
  put("dps", "two words");
  EXPECT_THAT(problem(), HasSubstr("dps is HOST"));
  put("dps", "hub.example");
  put("registration-id", "-");
  EXPECT_THAT(problem(), HasSubstr("registration-id"));
  put("registration-id", "pump-17");
  put("trust", "");
  EXPECT_THAT(problem(), HasSubstr("trust"));
  put("trust", "a certificate");
  EXPECT_EQ(problem(), "");
}

}  // namespace
}  // namespace latchkey::boards::esp32
